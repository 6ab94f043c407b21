// SPDX-License-Identifier: MIT
// Frees and resizes blocks that were freed, and what is no block: where each has a record nothing
// comes of it, and no place is handed out twice. Run with faults=ignore.
#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

using ashlar::track_level;

void expect_gone(std::size_t size, std::size_t then) {
  void* const gone = opaque(malloc(size));
  free(gone);
  free(gone);
  expect(realloc(gone, then) == nullptr, "a freed block is not resized");
  void* const first = opaque(malloc(size));
  void* const second = opaque(malloc(size));
  expect(first != second, "its place is handed out once");
  free(first);
  free(second);
}

// Whether it is in a sample or in a block that is none.
void expect_no_block(std::size_t size, std::size_t then) {
  for (int i = 0; i < 20; ++i) {
    auto* const block = static_cast<char*>(opaque(malloc(size)));
    expect(realloc(opaque(block + 16), then) == nullptr, "the inside of a block is not resized");
    free(block);
  }
}

}  // namespace

int main() {
  expect_ashlar();
  for (const track_level level : {track_level::full, track_level::sampled}) {
    expect(ashlar::set_tracking({.level = level, .sample_bytes = 1}), "every block has a record");
    for (const std::size_t size : {100u, 3'000u, 100'000u})
      for (const std::size_t then : {size / 2, size, 4 * size}) {
        expect_gone(size, then);
        expect_no_block(size, then);
      }
  }
}
