// SPDX-License-Identifier: MIT
// Blocks that live for more frames than `most_frames`, which is 2 here: each is reported once, in
// the third frame after its own, and no other.
#include <ashlar/track.hpp>

#include "replace/support/child.hpp"

namespace {

__attribute__((noinline)) void* make(std::size_t size) { return opaque(malloc(size)); }

void play() {
  void* const from_before = make(1000);
  ashlar::next_frame();  // 1
  void* const kept = make(101);
  void* const also_kept = make(102);
  void* const freed_in_time = make(103);
  ashlar::next_frame();  // 2
  void* const of_second = make(104);
  ashlar::next_frame();  // 3
  free(freed_in_time);
  ashlar::next_frame();  // 4: the first frame's are too old
  ashlar::next_frame();  // 5: the second's
  for (int i = 0; i < 2000; ++i) ashlar::next_frame();
  for (void* const p : {from_before, kept, also_kept, of_second}) free(p);
}

}  // namespace

int main() {
  expect_ashlar();
  static char text[16384];
  const int status = run(play, text, sizeof text);
  expect(status == 0, "no fault");
  expect(count_of("ashlar: ", text) == 2, "two reports");
  const char* const first = strstr(text, "of frame 1, ");
  const char* const second = strstr(text, "of frame 2, ");
  expect(first != nullptr && second != nullptr && first < second, "of two frames");
  expect(
      count_of("ashlar: 2 blocks of frame 1, 203 B, live in frame 4: most_frames is 2", text) == 1,
      "both blocks of the first");
  expect(
      count_of("ashlar: 1 block of frame 2, 104 B, live in frame 5: most_frames is 2", text) == 1,
      "the block of the second");
  expect(count_of("  1 block, 101 B:", text) + count_of("  1 block, 102 B:", text) == 2,
         "each with its site");
  expect(count_of("made by malloc in thread", text) == 3 && count_of("    #0 0x", text) == 3,
         "and its stack");
  return 0;
}
