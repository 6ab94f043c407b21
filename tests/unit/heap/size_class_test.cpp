// SPDX-License-Identifier: MIT
// Every size finds the smallest class that holds it, and arithmetic on blocks is exact: not
// sampled, but tried for every size and every offset.
#include "ashlar/heap/size_class.hpp"

#include <gtest/gtest.h>

#include "ashlar/heap/fast_path.hpp"
#include "ashlar/heap/slab.hpp"

namespace ashlar {
namespace {

TEST(size_class, classes_rise_and_fill_their_slabs) {
  for (size_class c = 0; c < class_count; ++c) {
    const size_class_info& info = size_classes[c];
    if (c > 0) {
      EXPECT_GT(info.block_size, size_classes[c - 1].block_size);
    }
    EXPECT_EQ(info.block_size % 16, 0u);
    EXPECT_EQ(info.capacity, info.slices * slice_size / info.block_size);
    EXPECT_GE(info.capacity, 1u);
    EXPECT_LE(info.capacity, 64u * 64u);  // what the bitmap's summary can tell
    EXPECT_EQ(info.slices == 1, c < small_class_count);
  }
}

TEST(size_class, every_size_gets_the_smallest_class_that_holds_it) {
  size_class expected = 0;
  for (std::size_t size = 0; size <= medium_limit; ++size) {
    if (size > size_classes[expected].block_size) ++expected;
    ASSERT_EQ(class_of(size), expected) << size;
  }
}

TEST(size_class, rounding_costs_no_more_than_promised) {
  for (std::size_t size = 129; size <= medium_limit; ++size) {
    const std::size_t block = size_classes[class_of(size)].block_size;
    const std::size_t slack = block - size;
    const bool fine = size > 1_KiB && block <= 16_KiB;
    // One step of a quarter, or an eighth, of the doubling below the block.
    ASSERT_LE(slack * (fine ? 9 : 5), block + (fine ? 9 : 5) * 15) << size;
  }
}

TEST(size_class, alignment_is_met_by_the_first_class_that_can) {
  for (std::size_t alignment = 1; alignment <= slice_size; alignment *= 2) {
    for (std::size_t size = 0; size <= medium_limit; size += size < 2048 ? 1 : 61) {
      const size_class c = aligned_class_of(size, alignment);
      if (align_up(size == 0 ? 1 : size, alignment) > medium_limit) {
        ASSERT_EQ(c, class_count);
        continue;
      }
      ASSERT_LT(c, class_count) << size << " at " << alignment;
      ASSERT_GE(size_classes[c].block_size, size);
      ASSERT_TRUE(is_aligned(size_classes[c].block_size, alignment));
    }
  }
}

TEST(size_class, magic_tells_starts_of_blocks_from_all_other_offsets) {
  for (size_class c = 0; c < small_class_count; ++c) {
    const size_class_info& info = size_classes[c];
    for (std::uint32_t offset = 0; offset < slice_size; ++offset) {
      const std::uint32_t misfit = static_cast<std::uint16_t>(offset) * info.magic;
      const bool fits = misfit <= page_map::misfit_limit;
      ASSERT_EQ(fits, offset % info.block_size == 0) << "offset " << offset << " class " << c;
    }
  }
}

TEST(size_class, index_of_divides_exactly) {
  for (size_class c = 0; c < class_count; ++c) {
    const size_class_info& info = size_classes[c];
    slab s{};
    s.start = at_address(0x10000000);
    s.block_size = info.block_size;
    s.magic = info.magic;
    s.kind = c < small_class_count ? slab_kind::small : slab_kind::medium;
    const std::size_t step = c < small_class_count ? 1 : 7;
    for (std::size_t offset = 0; offset < info.slices * slice_size; offset += step)
      ASSERT_EQ(s.index_of(s.start + offset), offset / info.block_size) << offset << " class " << c;
  }
}

TEST(size_class, tables_of_the_fast_path_name_the_same_bins) {
  for (std::size_t size = 0; size <= tiny_limit; ++size)
    ASSERT_EQ(bin_by_16[(size + 15) / 16], bin_offset_of(class_of(size)));
  for (std::size_t size = tiny_limit + 1; size <= small_limit; ++size)
    ASSERT_EQ(bin_by_128[(size + 127) / 128], bin_offset_of(class_of(size)));
}

}  // namespace
}  // namespace ashlar
