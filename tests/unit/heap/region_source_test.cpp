// SPDX-License-Identifier: MIT
// Regions from the OS and from a block of the user's.
#include "ashlar/manager/source/region_source.hpp"

#include <gtest/gtest.h>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "support/counters.hpp"
#include "support/fake_os.hpp"
#include "support/user_memory.hpp"

namespace ashlar {
namespace {

TEST(os_region_source, reserves_aligned_space_without_committing) {
  const test::counter_watch watch;
  const region_source source = os_region_source();
  const os::range region = source.acquire(source.context, 5_MiB);
  ASSERT_TRUE(region);
  EXPECT_GE(region.size, 5_MiB);
  EXPECT_TRUE(is_aligned(address_of(region.data) | region.size, 64_KiB));
  watch.expect(region.size, 0);
  EXPECT_TRUE(source.commit(source.context, {region.data, 128_KiB}));
  region.data[100'000] = std::byte{1};
  EXPECT_TRUE(source.discard(source.context, {region.data, 128_KiB}));
  EXPECT_EQ(region.data[100'000], std::byte{0});
  source.release(source.context, region, 128_KiB);
  watch.expect(0, 0);
}

TEST(os_region_source, asks_for_less_where_address_space_is_short) {
  const region_source source = os_region_source();
  test::fake_os os;
  for (const std::size_t limit : {600_MiB, 100_MiB, 20_MiB, 7_MiB, 3_MiB}) {
    os.limit_address_space(limit);
    const os::range region = source.acquire(source.context, 1_MiB);
    ASSERT_TRUE(region) << limit;
    EXPECT_LE(region.size, limit);
    EXPECT_GE(region.size, 1_MiB);
    os.accept_all();
    source.release(source.context, region, 0);
  }
  os.limit_address_space(512_KiB);
  EXPECT_FALSE(source.acquire(source.context, 1_MiB));
}

TEST(os_region_source, gives_large_requests_what_they_ask_for) {
  const region_source source = os_region_source();
  const os::range region = source.acquire(source.context, 3_GiB);
  ASSERT_TRUE(region);
  EXPECT_EQ(region.size, 3_GiB);
  source.release(source.context, region, 0);
}

TEST(user_block_source, uses_whole_slices_inside_the_block_once) {
  const test::user_memory memory(1_MiB);
  user_block block{{memory.all().data + 100, 1_MiB - 100}};
  const region_source source = user_block_source(block);
  EXPECT_FALSE(source.acquire(source.context, 1_MiB));
  const os::range region = source.acquire(source.context, 64_KiB);
  ASSERT_TRUE(region);
  EXPECT_EQ(region.data, memory.all().data + 64_KiB);
  EXPECT_EQ(region.size, 1_MiB - 64_KiB);
  EXPECT_FALSE(source.acquire(source.context, 64_KiB)) << "it is taken";
  source.release(source.context, region, 0);
  EXPECT_TRUE(source.acquire(source.context, 64_KiB));
}

TEST(user_block_source, refuses_blocks_without_a_whole_slice) {
  const test::user_memory memory(256_KiB);
  user_block empty{};
  user_block small{{memory.all().data + 1, 100_KiB}};
  user_block unaligned{{memory.all().data + 32_KiB, 64_KiB}};
  for (user_block* const block : {&empty, &small, &unaligned}) {
    const region_source source = user_block_source(*block);
    EXPECT_FALSE(source.acquire(source.context, 64_KiB));
  }
}

TEST(user_block_source, believes_the_caller_about_zeroes) {
  const test::user_memory memory(256_KiB);
  user_block block{memory.all(), true};
  EXPECT_TRUE(user_block_source(block).zeroed);
  block.zeroed = false;
  EXPECT_FALSE(user_block_source(block).zeroed);
  EXPECT_FALSE(user_block_source(block).direct_blocks);
}

}  // namespace
}  // namespace ashlar
