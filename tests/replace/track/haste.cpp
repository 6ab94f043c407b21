// SPDX-License-Identifier: MIT
// A thread that allocates very fast gets fewer samples, until it slows down. What becomes of its
// blocks later, there or in another thread, must not make them count for more or less.
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "ashlar/tag.hpp"
#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

using ashlar::track_level;

constexpr std::size_t mean = 256 << 10;
constexpr double largest_mean = mean * 128.0;  // as far as these threads get

double made_bytes() { return static_cast<double>(ashlar::usage_below({}).blocks.total_bytes); }
double live_bytes() { return static_cast<double>(ashlar::usage_below({}).live_bytes); }

// Gigabytes a second, of blocks that nobody writes to.
constexpr int hasty_blocks = 6'000;
constexpr std::size_t hasty_size = 64'000;
constexpr double haste_bytes = double{hasty_blocks} * hasty_size;

void make_haste() {
  for (int i = 0; i < hasty_blocks; ++i) {
    void* volatile p = std::malloc(hasty_size);
    std::free(p);
  }
}

void rest() { std::this_thread::sleep_for(std::chrono::milliseconds(35)); }

// How many bytes a sample stands for that is taken now.
double weight_of_a_sample() {
  for (double before = made_bytes();; before = made_bytes()) {
    void* volatile p = std::malloc(1'000);
    std::free(p);
    if (const double weight = made_bytes() - before; weight != 0) return weight;
  }
}

// A thread that has to wait amid its haste has rested: so once will do.
void samples_are_rare_in_haste_and_no_longer() {
  int rare = 0;
  for (int i = 0; i < 5; ++i) {
    make_haste();
    if (weight_of_a_sample() > 3.9 * mean) ++rare;
    rest();
    for (int k = 0; k < 16; ++k) {  // it comes to know that it has slowed down
      void* volatile p = std::malloc(300'000);
      std::free(p);
    }
    expect(weight_of_a_sample() < 2.1 * mean, "a rest later they are not");
  }
  expect(rare > 0, "in haste samples are rare");
}

// It has neither its parent's points nor its parent's haste.
void the_child_of_a_hasty_thread_begins_anew() {
  make_haste();
  const double before = live_bytes();
  const pid_t child = fork();
  if (child == 0) {
    const bool is_same = live_bytes() == before;
    _exit(is_same && weight_of_a_sample() < 1.5 * mean ? 0 : 1);
  }
  int status = 0;
  expect(child > 0 && waitpid(child, &status, 0) == child, "there is a child");
  expect(status == 0, "it knows what lives, and its samples are as frequent as at first");
}

// What all rounds of a step came to.
struct sum {
  double found = 0, truth = 0;

  void add(double bytes, double true_bytes) { found += bytes, truth += true_bytes; }
  void expect_near(const char* what) const {
    const double deviation = std::sqrt(largest_mean * truth);
    std::printf("%s: %.3f of the truth, may be off by %.3f\n", what, found / truth,
                deviation / truth);
    expect(std::fabs(found - truth) < 5 * deviation, what);
  }
};

using blocks = std::vector<void*>;

void resize(blocks& all, std::size_t size) {
  for (void*& p : all) p = std::realloc(p, size);
}

// Destructors of thread keys run after the thread has given up its local heap.
void what_ended_threads_do_in_haste_counts_right() {
  constexpr int threads = 100;
  constexpr std::uintptr_t rounds = 4;
  static pthread_key_t key;
  static constexpr auto in_the_end = [](void* left) {
    make_haste();
    const std::uintptr_t then = reinterpret_cast<std::uintptr_t>(left) - 1;
    if (then != 0) pthread_setspecific(key, reinterpret_cast<void*>(then));
  };
  expect(pthread_key_create(&key, in_the_end) == 0, "there is a key");
  const double before = made_bytes();
  for (int i = 0; i < threads; ++i)
    std::thread([] { pthread_setspecific(key, reinterpret_cast<void*>(rounds)); }).join();
  sum all;
  all.add(made_bytes() - before, double{threads} * rounds * haste_bytes);
  all.expect_near("what ended threads do in haste is counted right");
  pthread_key_delete(key);
}

// Where the thread is in haste, and where it has slowed down, each step over and over.
void blocks_of_a_hasty_thread_count_right_however_they_are_resized() {
  constexpr int rounds = 40;
  constexpr std::size_t count = 3'000;
  sum born, grown, shrunk, small, small_grown;
  for (int i = 0; i < rounds; ++i) {
    blocks large(count), few(6 * count);
    make_haste();
    const double before = live_bytes();
    for (void*& p : large) p = std::malloc(300'000);
    born.add(live_bytes() - before, count * 300e3);
    rest();
    resize(large, 600'000);
    grown.add(live_bytes() - before, count * 600e3);
    make_haste();
    resize(large, 400'000);
    shrunk.add(live_bytes() - before, count * 400e3);
    const double then = live_bytes();
    for (void*& p : few) p = std::malloc(6'000);
    small.add(live_bytes() - then, 6 * count * 6e3);
    rest();
    resize(few, 9'000);
    small_grown.add(live_bytes() - then, 6 * count * 9e3);
    for (void* const p : large) std::free(p);
    for (void* const p : few) std::free(p);
  }
  born.expect_near("what a hasty thread made is counted right");
  grown.expect_near("large blocks that it grows at leisure are counted right");
  shrunk.expect_near("and that shrink");
  small.expect_near("small blocks are counted right");
  small_grown.expect_near("and those that it grows at leisure");
}

// The other way round: what a thread made at leisure, and resizes in haste.
void blocks_of_a_calm_thread_count_right_when_it_makes_haste() {
  constexpr int rounds = 20;
  constexpr std::size_t count = 1'000;
  sum born, grown;
  for (int i = 0; i < rounds; ++i) {
    blocks large(count);
    rest();
    const double before = live_bytes();
    for (void*& p : large) p = std::malloc(300'000);
    born.add(live_bytes() - before, count * 300e3);
    std::thread([&] {  // it has none of the points of the other
      make_haste();
      resize(large, 700'000);
    })
        .join();
    grown.add(live_bytes() - before, count * 700e3);
    for (void* const p : large) std::free(p);
  }
  born.expect_near("what a calm thread made is counted right");
  grown.expect_near("large blocks that it grows in haste are counted right");
}

}  // namespace

int main() {
  expect_ashlar();
  expect(ashlar::set_tracking({.level = track_level::sampled,
                               .depth = 1,
                               .sample_bytes = mean,
                               .sample_up_to = std::size_t{1} << 30}),
         "sampling begins");
  samples_are_rare_in_haste_and_no_longer();
  the_child_of_a_hasty_thread_begins_anew();
  what_ended_threads_do_in_haste_counts_right();
  blocks_of_a_hasty_thread_count_right_however_they_are_resized();
  blocks_of_a_calm_thread_count_right_when_it_makes_haste();
}
