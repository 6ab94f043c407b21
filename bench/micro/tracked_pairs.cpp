// SPDX-License-Identifier: MIT
// What a tracked allocation costs: malloc(64) and free, called from 20 frames of this program,
// which keeps frame pointers. Prints nanoseconds a pair, the least of nine tries; with more than
// one thread each does the same work at the same time, and what is printed is the wall time a pair
// of one of them. Argument: the number of threads.
#include <barrier>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

constexpr int frames = 17;  // besides this loop, main and what calls main
constexpr int pairs = 1'000'000;
constexpr int tries = 9;

using seconds = std::chrono::duration<double>;

__attribute__((noinline)) double time_pairs() {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < pairs; ++i) {
    void* volatile p = std::malloc(64);
    std::free(p);
  }
  return seconds(std::chrono::steady_clock::now() - start).count();
}

// The addition comes after the call, so that no call becomes a jump and each frame stays.
__attribute__((noinline)) double call_deep(int depth) {
  return (depth == 0 ? time_pairs() : call_deep(depth - 1)) + 0.0 * depth;
}

// The longest time of any thread, each try.
double run(int threads) {
  std::barrier together(threads);
  std::vector<double> times(static_cast<std::size_t>(threads));
  double least = 1e9;
  for (int i = 0; i < tries; ++i) {
    std::vector<std::thread> running;
    for (double& mine : times)
      running.emplace_back([&] {
        together.arrive_and_wait();
        mine = call_deep(frames);
      });
    for (std::thread& one : running) one.join();
    double longest = 0;
    for (const double each : times) longest = each > longest ? each : longest;
    least = longest < least ? longest : least;
  }
  return least;
}

}  // namespace

int main(int count, char** arguments) {
  const int threads = count > 1 ? std::atoi(arguments[1]) : 1;
  if (threads < 1) return 2;
  std::printf("%.1f\n", run(threads) / pairs * 1e9);
}
