// SPDX-License-Identifier: MIT
// On a program with known counts every figure agrees exactly: by tag, site, thread, and at the
// peak.
#include <ashlar/tag.hpp>
#include <ashlar/track.hpp>
#include <thread>

#include "replace/support/check.hpp"

namespace {

constexpr int thread_count = 4;
constexpr int rounds = 1000;

ashlar::tag tags[thread_count];
void* kept[thread_count][rounds];

// One site in each thread, under a tag of each: `rounds` blocks, of which every second dies.
void work(int me) {
  const ashlar::tag_scope scope(tags[me]);
  for (int i = 0; i < rounds; ++i) {
    kept[me][i] = malloc(static_cast<size_t>(me + 1) * 10);
    asm volatile("" : : "r"(kept[me][i]) : "memory");
  }
  for (int i = 0; i < rounds; i += 2) free(kept[me][i]);
}

// libc keeps what it made for threads, so only the sums over everything are known.
bool sums_agree() {
  const ashlar::tag_usage all = ashlar::usage_below({});
  std::uint64_t by_site = 0;
  ashlar::for_each_site([&](const ashlar::site_usage& s) {
    by_site += s.blocks.live_bytes;
    return true;
  });
  return all.live_bytes == ashlar::tracked_total().live_bytes && by_site == all.live_bytes;
}

std::uint64_t size_of(int me) { return static_cast<std::uint64_t>(me + 1) * 10; }

void check_tag(int me) {
  const ashlar::tag_usage u = ashlar::usage_of(tags[me]);
  const std::uint64_t size = size_of(me);
  expect(u.blocks.total_blocks == rounds && u.blocks.total_bytes == rounds * size, "born");
  expect(u.blocks.live_blocks == rounds / 2 && u.live_bytes == rounds / 2 * size, "live");
  expect(u.peak_bytes == rounds * size, "peak");
  int sites = 0;
  ashlar::for_each_site([&](const ashlar::site_usage& s) {
    if (s.of == tags[me]) {
      ++sites;
      expect(s.blocks.total_blocks == rounds && s.blocks.live_bytes == rounds / 2 * size, "site");
    }
    return true;
  });
  expect(sites == 1, "one site under the tag");
}

// Each thread has made and freed what it did, and no other thread has. Its own object was made by
// main, and is freed by it.
void check_threads() {
  int found = 0;
  ashlar::for_each_thread([&](const ashlar::thread_usage& t) {
    for (int i = 0; i < thread_count; ++i) {
      found += t.ended && t.made_blocks == rounds && t.made_bytes == rounds * size_of(i) &&
               t.freed_blocks == rounds / 2 + 1;
    }
    return true;
  });
  expect(found == thread_count, "figures of threads");
}

void check_marks() {
  ashlar::mark_time("level loaded");
  ashlar::next_frame();
  int marks = 0;
  ashlar::for_each_mark([&](const ashlar::time_mark& m) {
    expect(strcmp(m.name, "level loaded") == 0, "its name");
    expect(m.live_bytes == static_cast<std::int64_t>(ashlar::tracked_total().live_bytes),
           "what was live then, and is");
    ++marks;
    return true;
  });
  expect(marks == 1 && ashlar::frame_number() == 1, "a mark and a frame");
}

void run_threads() {
  std::thread threads[thread_count];
  for (int i = 0; i < thread_count; ++i) threads[i] = std::thread(work, i);
  for (std::thread& t : threads) t.join();
}

}  // namespace

int main() {
  expect_ashlar();
  for (int i = 0; i < thread_count; ++i) {
    char path[] = "exact/0";
    path[6] = static_cast<char>('0' + i);
    tags[i] = ashlar::define_tag(path);
  }
  expect(
      ashlar::set_tracking({.level = ashlar::track_level::full, .depth = 0, .exact_peaks = true}),
      "tracking begins");
  run_threads();
  for (int i = 0; i < thread_count; ++i) check_tag(i);
  check_threads();
  const ashlar::tag all = ashlar::find_tag("exact");
  expect(ashlar::usage_below(all).live_bytes == (10 + 20 + 30 + 40) * rounds / 2, "the subtree");
  expect(sums_agree(), "the sum of everything");

  // Blocks die in another thread than they were born in: the sums stay right.
  for (auto& of_one : kept)
    for (int k = 1; k < rounds; k += 2) free(of_one[k]);
  expect(ashlar::usage_below(all).live_bytes == 0, "all dead");
  expect(sums_agree(), "the sum of everything, later");
  expect(ashlar::tracked_total().lost == 0, "nothing was lost");
  check_marks();
  return 0;
}
