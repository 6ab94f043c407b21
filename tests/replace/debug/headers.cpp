// SPDX-License-Identifier: MIT
// Headers in front of blocks: they describe the block, live and freed; and with them and with
// guards of any size blocks are aligned as they were asked for.
#include <ashlar/debug.hpp>

#include "replace/support/check.hpp"

namespace {

constexpr std::size_t guard = 80;

const ashlar::debug_header& header_of(const void* p) {
  const auto* const data = static_cast<const std::byte*>(p);
  return *(reinterpret_cast<const ashlar::debug_header*>(data - guard) - 1);
}

void expect_described(const void* p, std::size_t size, std::size_t alignment) {
  const ashlar::debug_header& h = header_of(p);
  expect(h.is_whole() && h.mark == ashlar::debug_header::live_mark, "it says that the block lives");
  expect(h.size == size && h.alignment == alignment, "its size and alignment");
  expect(h.thread == static_cast<std::uint32_t>(gettid()) && h.guard == guard && h.site != 0,
         "and where it comes from");
}

void all_alignments() {
  std::uint64_t last = 0;
  for (std::size_t alignment = 1; alignment <= std::size_t{1} << 21; alignment *= 2)
    for (const std::size_t size : {0, 1, 24, 500, 5000, 70000, 3000000}) {
      void* p = nullptr;
      expect(posix_memalign(&p, alignment < 8 ? 8 : alignment, size) == 0, "there is memory");
      expect(is_aligned(p, alignment), "it is aligned");
      expect_described(p, size, alignment < 16 ? 16 : alignment);
      expect(header_of(p).sequence > last, "blocks are numbered");
      last = header_of(p).sequence;
      fill(p, size, 7);
      expect(is_filled(p, size, 7), "all of it is the program's");
      free(p);
      if (size > 100000) continue;  // its memory may be gone
      expect(header_of(p).is_whole() && header_of(p).mark == ashlar::debug_header::freed_mark,
             "it says that the block is free");
    }
}

void resized_ones() {
  std::size_t size = 1;
  auto* p = static_cast<char*>(malloc(size));
  for (; size < 4000000; size = size * 3 / 2 + 1) {
    p = static_cast<char*>(realloc(p, size));
    expect(p != nullptr, "there is memory");
    expect_described(p, size, 16);
  }
  for (; size > 1; size /= 2) {
    p = static_cast<char*>(realloc(p, size));
    expect_described(p, size, 16);
  }
  free(p);
}

}  // namespace

int main() {
  expect_ashlar();
  all_alignments();
  resized_ones();
  return 0;
}
