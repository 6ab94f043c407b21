// SPDX-License-Identifier: MIT
// Samples that are no small blocks lie between blocks that are none: they share their pages, change
// from the one to the other as they are resized, and are no roots of a leak scan.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "ashlar/observe/capture.hpp"
#include "ashlar/tag.hpp"
#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

using ashlar::track_level;
using ashlar::observe::capture_header;
using ashlar::observe::capture_site;

void sample_once_in(size_t bytes) {
  expect(ashlar::set_tracking({.level = track_level::sampled, .depth = 1, .sample_bytes = bytes}),
         "sampling begins");
}
/// From here on each block of some KiB is a sample, and stands for itself alone.
void sample_everything() { sample_once_in(64); }

uint64_t live_bytes() { return ashlar::usage_below({}).live_bytes; }
uint64_t live_blocks() { return ashlar::usage_below({}).blocks.live_blocks; }

/// A pointer that no scan can tell from a number.
uintptr_t hidden(void* p) { return ~reinterpret_cast<uintptr_t>(p); }
void* found(uintptr_t p) { return reinterpret_cast<void*>(~p); }

struct leaks {
  uint64_t lost_blocks = 0, lost_bytes = 0, held_blocks = 0, held_bytes = 0;
};

leaks find_leaks() {
  char path[] = "/tmp/ashlar-large-samples-XXXXXX";
  close(mkstemp(path));
  expect(ashlar::write_capture(path), "a capture is written");
  const int file = open(path, O_RDONLY);
  capture_header header{};
  expect(pread(file, &header, sizeof header, 0) == sizeof header, "it has a header");
  expect(header.has_leaks == 1, "and says what is lost");
  leaks sum;
  for (const auto& section : header.sections) {
    if (section.kind != ashlar::observe::section_kind::sites) continue;
    for (uint64_t i = 0; i < section.count; ++i) {
      capture_site site{};
      const auto at = static_cast<off_t>(section.offset + i * section.entry_size);
      expect(pread(file, &site, sizeof site, at) == sizeof site, "a site");
      sum.lost_blocks += site.lost_blocks, sum.lost_bytes += site.lost_bytes;
      sum.held_blocks += site.held_blocks, sum.held_bytes += site.held_bytes;
    }
  }
  close(file);
  unlink(path);
  return sum;
}

/// A block whose last word points to another one.
__attribute__((noinline)) void** make_pair(size_t size, size_t inner) {
  auto* const outer = static_cast<void**>(malloc(size));
  memset(outer, 0, size);
  outer[size / sizeof(void*) - 1] = malloc(inner);
  return outer;
}

__attribute__((noinline)) void end_pair(void** outer, size_t size) {
  free(outer[size / sizeof(void*) - 1]);
  free(outer);
}

__attribute__((noinline)) void overwrite_the_stack() {
  volatile char old[16'384];
  for (volatile char& each : old) each = 0;
}

constexpr size_t lost_sizes[] = {40'000, 200'000, 1 << 20, 40 << 20};
uintptr_t lost[4];
void** kept;

__attribute__((noinline)) void lose_some() {
  for (int i = 0; i < 4; ++i) lost[i] = hidden(make_pair(lost_sizes[i], 5'000));
}

__attribute__((noinline)) void end_the_lost() {
  for (int i = 0; i < 4; ++i) end_pair(static_cast<void**>(found(lost[i])), lost_sizes[i]);
}

void what_is_lost_is_found_and_what_is_held_is_not() {
  sample_everything();
  kept = make_pair(2 << 20, 7'000);
  lose_some();
  overwrite_the_stack();
  const leaks all = find_leaks();
  expect(all.lost_blocks == 4 && all.lost_bytes == 40'000 + 200'000 + (1 << 20) + (40 << 20),
         "large blocks are lost");
  expect(all.held_blocks == 4 && all.held_bytes == 20'000, "with what they point to");
  end_the_lost();
  overwrite_the_stack();
  const leaks none = find_leaks();
  expect(none.lost_blocks == 0 && none.held_blocks == 0, "a static pointer keeps both");
  end_pair(kept, 2 << 20);
  kept = nullptr;
}

// Held by a pointer to their last bytes alone, which lie far behind what the page map knows of
// them.
char* last_bytes[4];

__attribute__((noinline)) void keep_by_last_bytes() {
  for (int i = 0; i < 4; ++i)
    last_bytes[i] = reinterpret_cast<char*>(make_pair(lost_sizes[i], 5'000)) + lost_sizes[i] - 1;
}

void what_is_held_somewhere_inside_is_held() {
  keep_by_last_bytes();
  overwrite_the_stack();
  const leaks none = find_leaks();
  expect(none.lost_blocks == 0 && none.held_blocks == 0, "a pointer inside is one");
  for (int i = 0; i < 4; ++i)
    end_pair(reinterpret_cast<void**>(last_bytes[i] + 1 - lost_sizes[i]), lost_sizes[i]);
}

void samples_are_held_by_pointers_inside() {
  sample_everything();
  what_is_held_somewhere_inside_is_held();
}

void others_are_held_by_pointers_inside() {
  expect(ashlar::set_tracking({.level = track_level::full, .depth = 1}), "tracking begins");
  what_is_held_somewhere_inside_is_held();
}

// Every way between small, medium, large and direct blocks.
void sizes_change_and_nothing_gets_lost() {
  constexpr size_t sizes[] = {5'000, 50'000, 300'000, 2 << 20, 40 << 20};
  sample_everything();
  const uint64_t bytes = live_bytes();
  const uint64_t blocks = live_blocks();
  for (const size_t before : sizes) {
    for (const size_t after : sizes) {
      void* p = malloc(before);
      fill(p, before, 1);
      expect(live_bytes() == bytes + before, "it counts");
      p = realloc(p, after);
      expect(is_filled(p, before < after ? before : after, 1), "its bytes stay");
      expect(live_bytes() == bytes + after && live_blocks() == blocks + 1, "it counts anew");
      expect(malloc_usable_size(p) >= after, "it has room");
      free(p);
      expect(live_bytes() == bytes && live_blocks() == blocks, "and no more");
    }
  }
}

// Some are samples, some become samples, some cease to be: by lot.
void by_lot_and_at_other_levels() {
  constexpr int count = 400;
  static void* some[count];
  const uint64_t blocks = live_blocks();
  random_numbers numbers(7);
  for (const track_level last : {track_level::sampled, track_level::off, track_level::full}) {
    sample_once_in(512 << 10);
    for (void*& each : some) each = malloc(40'000 + numbers.below(1 << 20));
    for (int i = 0; i < 8 * count; ++i) {
      void*& each = some[numbers.below(count)];
      each = realloc(each, 1'000 + numbers.size_up_to(2 << 20));
      memset(each, i, 1'000);
    }
    if (last != track_level::sampled)
      expect(ashlar::set_tracking({.level = last, .depth = 1}), "another level");
    for (int i = 0; i < count; ++i) {
      if (i % 2 == 0) some[i] = realloc(some[i], 1'000 + numbers.below(1 << 20));
      free(some[i]);
    }
    expect(live_blocks() == blocks, "all are gone");
  }
}

// Two threads resize and free large blocks while this one looks for leaks: it finds none.
void scans_meet_blocks_that_come_and_go() {
  sample_everything();
  kept = make_pair(1 << 20, 7'000);
  static void* blocks[2][16];
  static std::atomic<bool> is_done = false;
  const auto work = [](size_t number) {
    random_numbers numbers(number);
    while (!is_done) {
      void*& each = blocks[number][numbers.below(16)];
      if (numbers.below(3) == 0) {
        free(each);
        each = nullptr;
      } else {
        each = realloc(each, 40'000 + numbers.below(1 << 20));
        memset(each, 0, 100);
      }
    }
  };
  std::thread first(work, 0);
  std::thread second(work, 1);
  for (int i = 0; i < 30; ++i) (void)find_leaks();
  is_done = true;
  first.join();
  second.join();
  const leaks none = find_leaks();
  expect(none.lost_blocks == 0 && none.held_blocks == 0, "nothing is lost");
  for (auto& mine : blocks)
    for (void* each : mine) free(each);
  end_pair(kept, 1 << 20);
  kept = nullptr;
}

// As many bytes as the program uses, not as many again for those that happened to be samples.
void pages_are_shared() {
  constexpr int count = 200;
  constexpr size_t size = 300 << 10;
  static void* some[count];
  sample_once_in(512 << 10);
  random_numbers numbers(3);
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const long before = used.ru_maxrss;
  for (int i = 0; i < 20 * count; ++i) {
    void*& each = some[numbers.below(count)];
    free(each);
    each = malloc(size);
    memset(each, 1, size);
  }
  for (void* each : some) free(each);
  getrusage(RUSAGE_SELF, &used);
  const long most = count * static_cast<long>(size >> 10);
  expect(used.ru_maxrss < before + most + most / 20, "no page twice");
}

// A process has one mean.
void in_a_child(void (*test)()) {
  const pid_t pid = fork();
  if (pid == 0) {
    test();
    exit(0);
  }
  int status = 0;
  expect(waitpid(pid, &status, 0) == pid && status == 0, "the child ends well");
}

}  // namespace

int main() {
  expect_ashlar();
  in_a_child(pages_are_shared);
  in_a_child(what_is_lost_is_found_and_what_is_held_is_not);
  in_a_child(samples_are_held_by_pointers_inside);
  in_a_child(others_are_held_by_pointers_inside);
  in_a_child(sizes_change_and_nothing_gets_lost);
  in_a_child(by_lot_and_at_other_levels);
  in_a_child(scans_meet_blocks_that_come_and_go);
}
