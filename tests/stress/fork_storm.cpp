// SPDX-License-Identifier: MIT
// Forks while other threads allocate: no child hangs, and each finds its heaps whole.
//
// The children of a process with many threads have one thread each. It must be able to use both
// heaps, free what the lost threads owned, walk, trim and destroy. Usage: fork_storm [SEED]
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <thread>

#include "stress/piece.hpp"
#include "support/scale.hpp"
#include "support/unwatched.hpp"

namespace ashlar::test {
namespace {

constexpr std::size_t allocating_threads = 4;
constexpr std::size_t forks = scaled(400);
constexpr unsigned child_limit_s = 60;  // a child that hangs is killed by SIGALRM

struct storm {
  heap heaps[2] = {heap{heap_options{}}, heap{heap_options{}}};
  std::vector<piece> shared[2];  // made by a thread that lives on, freed by each child
  std::atomic<bool> is_over{false};
};

void allocate_for_ever(storm& s, std::uint64_t seed) {
  random_source random(seed);
  std::vector<piece> mine[2];
  while (!s.is_over.load(std::memory_order_relaxed)) {
    const std::size_t which = random.below(2);
    std::vector<piece>& pieces = mine[which];
    pieces.push_back(make_piece(s.heaps[which], random, random.next() & ~std::uint64_t{1}));
    while (pieces.size() > random.below(200)) {
      free_piece(s.heaps[which], pieces.back());
      pieces.pop_back();
    }
  }
  for (std::size_t which = 0; which < 2; ++which)
    for (const piece& p : mine[which]) free_piece(s.heaps[which], p);
}

// Threads come and go all the time: their ends take the locks from the outermost on.
void start_threads_for_ever(storm& s, std::uint64_t seed) {
  for (std::uint64_t n = seed; !s.is_over.load(std::memory_order_relaxed); ++n) {
    std::thread([&s, n] {
      random_source random(n);
      for (heap& h : s.heaps) free_piece(h, make_piece(h, random, n * 2));
    }).join();
  }
}

[[noreturn]] void live_as_child(storm& s, std::uint64_t seed) {
  ::alarm(child_limit_s);
  random_source random(seed);
  for (std::size_t which = 0; which < 2; ++which) {
    heap& h = s.heaps[which];
    h.check_invariants();
    for (const piece& p : s.shared[which]) free_piece(h, p);
    std::vector<piece> mine;
    for (std::size_t i = 0; i < 100; ++i) mine.push_back(make_piece(h, random, i * 2));
    for (const piece& p : mine) free_piece(h, p);
    h.trim(0);
    h.check_invariants();
  }
  s.heaps[0].destroy();
  heap fresh{heap_options{}};
  free_piece(fresh, make_piece(fresh, random, 2));
  ::_exit(0);
}

void run_storm(std::uint64_t seed) {
  const auto s = std::make_unique<storm>();
  random_source random(seed);
  for (std::size_t which = 0; which < 2; ++which)
    for (std::size_t i = 0; i < 200; ++i)
      s->shared[which].push_back(make_piece(s->heaps[which], random, i * 2));

  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < allocating_threads; ++i)
    threads.emplace_back([&s, seed, i] { allocate_for_ever(*s, seed + i + 1); });
  threads.emplace_back([&s, seed] { start_threads_for_ever(*s, seed << 32); });

  for (std::size_t i = 0; i < forks; ++i) {
    const pid_t child = ::fork();
    if (child == 0) live_as_child(*s, seed + i);
    require(child > 0, "fork failed");
    int status = -1;
    require(::waitpid(child, &status, 0) == child, "waitpid failed");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) give_up("a child hung");
    require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a child did not end well");
  }

  s->is_over = true;
  for (std::thread& t : threads) t.join();
  for (std::size_t which = 0; which < 2; ++which) {
    for (const piece& p : s->shared[which]) free_piece(s->heaps[which], p);
    s->heaps[which].trim(0);
    s->heaps[which].check_invariants();
    require(s->heaps[which].used_bytes() == 0, "a heap of the parent is not empty");
  }
}

}  // namespace
}  // namespace ashlar::test

int main(int argc, char** argv) {
  const ashlar::test::unwatched no_tool;  // heaps that tell one have no bins
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 1;
  ashlar::test::run_storm(seed);
}
