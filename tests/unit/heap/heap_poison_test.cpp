// SPDX-License-Identifier: MIT
// What heaps do where a tool is told of each block: a red zone that nobody sees. What the tools
// then find is the matter of tests/poison.
#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/size_class.hpp"
#include "support/fault_log.hpp"
#include "support/heap_calls.hpp"
#include "support/unwatched.hpp"

namespace ashlar {
namespace {

class heap_poison : public testing::Test {
 protected:
  test::watched by_a_tool;
  heap h;
};

std::size_t count_walked(heap& h, std::size_t size) {
  struct counts {
    std::size_t size;
    std::size_t found;
  } c = {size, 0};
  h.walk({&c, [](void* context, const walked_block& b) {
            auto& seen = *static_cast<counts*>(context);
            seen.found += b.size == seen.size;
            return true;
          }});
  return c.found;
}

TEST_F(heap_poison, gives_what_was_asked_for_and_no_more) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{20'000}, 1_MiB, 40_MiB}) {
    const allocation a = h.allocate({size}, fit::get_no_less);
    ASSERT_TRUE(a) << size;
    EXPECT_EQ(a.size(), size);
    EXPECT_EQ(heap::usable_size(a.data()), size);
    EXPECT_EQ(count_walked(h, size), 1u) << size;
    h.deallocate(a.data());
    EXPECT_EQ(count_walked(h, size), 0u) << size;
  }
  h.check_invariants();
}

TEST_F(heap_poison, keeps_a_red_zone_behind_each_block) {
  for (const size_class_info& info : size_classes) {
    auto* const a = static_cast<std::byte*>(h.allocate({info.block_size}).data());
    auto* const b = static_cast<std::byte*>(h.allocate({info.block_size}).data());
    const auto distance = static_cast<std::size_t>(a < b ? b - a : a - b);
    EXPECT_GE(distance, info.block_size + 16) << info.block_size;
  }
}

TEST_F(heap_poison, binds_no_thread) {
  EXPECT_EQ(h.local(), nullptr);
  EXPECT_TRUE(h.allocate({64}));
}

TEST_F(heap_poison, resizes_in_place_while_half_of_the_place_is_used) {
  for (const std::size_t size : {std::size_t{1000}, std::size_t{1} << 20}) {
    void* const p = h.allocate({size}).data();
    std::memset(p, 1, size);
    EXPECT_TRUE(test::try_resize(h, p, size / 2));
    EXPECT_EQ(heap::usable_size(p), size / 2);
    EXPECT_TRUE(test::try_resize(h, p, size));
    EXPECT_FALSE(test::try_resize(h, p, 4 * size));
    const allocation moved = h.reallocate({p, size}, 16, {.size = size / 100});
    EXPECT_NE(moved.data(), p);
    EXPECT_EQ(static_cast<char*>(moved.data())[size / 100 - 1], 1);
  }
  h.check_invariants();
}

TEST_F(heap_poison, zeroes_what_was_used_before) {
  for (const std::size_t size : {std::size_t{100}, std::size_t{100'000}, 1_MiB}) {
    const allocation dirty = h.allocate({size});
    std::memset(dirty.data(), 1, size);
    h.deallocate(dirty.data());
    const allocation a = h.allocate_zeroed({size});
    for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(static_cast<char*>(a.data())[i], 0);
    h.deallocate(a.data());
  }
}

TEST_F(heap_poison, tells_a_second_free_at_once) {
  test::fault_log faults;
  void* const p = h.allocate({64}).data();
  (void)h.allocate({64});
  h.deallocate(p);
  h.deallocate(p);
  EXPECT_TRUE(faults.took(fault_kind::double_free, p));
  h.check_invariants();
}

TEST_F(heap_poison, takes_blocks_back_from_other_threads_and_other_heaps) {
  heap other;
  std::vector<void*> blocks;
  for (int i = 0; i < 1000; ++i) blocks.push_back(h.allocate({48}).data());
  std::thread([&] {
    for (void* const p : blocks) other.deallocate(p);
  }).join();
  EXPECT_EQ(count_walked(h, 48), 0u);
  h.check_invariants();
}

TEST_F(heap_poison, gives_everything_back) {
  for (std::size_t size = 1; size < 100'000; size += size / 3 + 1) (void)h.allocate({size});
  h.free_all();
  EXPECT_EQ(h.used_bytes(), 0u);
  EXPECT_TRUE(h.allocate({1_MiB}));
  (void)h.trim();
}

}  // namespace
}  // namespace ashlar
