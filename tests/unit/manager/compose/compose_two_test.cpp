// SPDX-License-Identifier: MIT
// Compositions of several parts: who serves what, and where blocks go back to.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/sources.hpp"
#include "support/fault_log.hpp"
#include "unit/manager/plain_manager.hpp"

namespace ashlar {
namespace {

using test::plain_manager;

alignas(4096) std::byte first_block[64_KiB];
alignas(4096) std::byte second_block[64_KiB];

user_block_options first_options() { return {.memory = {first_block, sizeof(first_block)}}; }
user_block_options second_options() { return {.memory = {second_block, sizeof(second_block)}}; }

// --- fallback ---

TEST(fallback, asks_the_secondary_when_the_primary_has_no_memory) {
  plain_manager plain;
  fallback<user_block_os, memory> m(first_options(), memory(plain));
  const allocation a = m.allocate({60_KiB, 1});
  const allocation b = m.allocate({60_KiB, 1});
  EXPECT_TRUE(m.primary().owns(a.data()));
  EXPECT_FALSE(m.primary().owns(b.data()));
  EXPECT_EQ(plain.calls, 1);
  m.deallocate(a.get(), 1);
  m.deallocate(b.get(), 1);
  const allocation c = m.allocate({60_KiB, 1});
  EXPECT_EQ(c.data(), a.data()) << "back where it came from";
  m.deallocate(c.get(), 1);
}

TEST(fallback, tells_the_larger_of_what_would_fit) {
  fallback<user_block_os, user_block_os> m(first_options(), second_options());
  const allocation a = m.allocate({40_KiB, 1});
  const allocation b = m.allocate({30_KiB, 1});
  EXPECT_TRUE(m.secondary().owns(b.data()));
  EXPECT_EQ(m.allocate({50_KiB, 1}).would_fit(), 64_KiB - 32_KiB);
  fallback<user_block_os, null_manager> alone(first_options());
  const allocation c = alone.allocate({1, 1});
  EXPECT_EQ(alone.allocate({64_KiB, 1}).would_fit(), 60_KiB);
  alone.deallocate(c.get(), 1);
  m.deallocate(a.get(), 1);
  m.deallocate(b.get(), 1);
}

TEST(fallback, gives_the_reason_of_the_secondary) {
  plain_manager plain;
  plain.refuse = true;
  fallback<null_manager, plain_manager&> m([] { return null_manager(); }, plain);
  EXPECT_EQ(m.allocate({1, 1}).reason(), status::no_memory) << "nobody knows what would fit";
  limited<memory> budget{memory(plain), {.limit = 0}};
  fallback<user_block_os, memory> spent(user_block_options{}, memory(budget));
  EXPECT_EQ(spent.allocate({max_size + 1, 1}).reason(), status::too_large);
  EXPECT_EQ(spent.allocate({1, 3}).reason(), status::bad_alignment);
}

TEST(fallback, moves_a_block_that_has_outgrown_the_primary) {
  fallback<user_block_os, new_manager> m(first_options());
  static_assert(!can_resize<decltype(m)>, "neither part can: the handle moves blocks");
  const allocation a = m.allocate({40_KiB, 8});
  std::memset(a.data(), 0x11, 40_KiB);
  const allocation b = memory(m).reallocate(a.get(), 8, {.size = 100_KiB});
  ASSERT_TRUE(b);
  EXPECT_FALSE(m.primary().owns(b.data()));
  EXPECT_EQ(static_cast<std::byte*>(b.data())[40_KiB - 1], std::byte{0x11});
  EXPECT_EQ(m.primary().usage().used, 0u);
  m.deallocate(b.get(), 8);
}

TEST(fallback, adds_the_figures_of_what_it_holds) {
  fallback<user_block_os, user_block_os> m(first_options(), second_options());
  const allocation a = m.allocate({60_KiB, 1});
  const allocation b = m.allocate({8_KiB, 1});
  EXPECT_EQ(m.usage().used, 68_KiB);
  EXPECT_EQ(m.usage().live_blocks, 2u);
  EXPECT_EQ(m.usage().peak_used, manager_usage::unknown) << "peaks of parts are no peak of a sum";
  m.deallocate(a.get(), 1);
  m.deallocate(b.get(), 1);
  plain_manager plain;
  const fallback<user_block_os, memory> shares(first_options(), memory(plain));
  EXPECT_EQ(shares.usage().used, manager_usage::unknown);
}

// --- segregate ---

TEST(segregate, splits_at_the_threshold) {
  plain_manager small;
  plain_manager large;
  segregate<100, plain_manager&, plain_manager&> m(small, large);
  std::vector<allocation> blocks;
  for (const std::size_t size : {0, 1, 100}) blocks.push_back(m.allocate({size, 8}));
  EXPECT_EQ(small.calls, 3);
  EXPECT_EQ(large.calls, 0);
  blocks.push_back(m.allocate({101, 8}));
  EXPECT_EQ(large.calls, 1);
  for (const allocation& a : blocks) m.deallocate(a.get(), 8);
}

TEST(segregate, never_tells_a_small_block_to_be_larger_than_the_threshold) {
  segregate<100, user_block_os, user_block_os> m(first_options(), second_options());
  const allocation a = m.allocate({50, 8}, fit::get_no_less);
  EXPECT_EQ(a.size(), 100u) << "of a page";
  m.deallocate(a.get(), 8);
  EXPECT_EQ(m.small().usage().used, 0u);
  EXPECT_EQ(m.large().usage().used, 0u);
}

TEST(segregate, does_not_fall_back) {
  plain_manager large;
  segregate<100, null_manager, plain_manager&> m([] { return null_manager(); }, large);
  EXPECT_EQ(m.allocate({100, 1}).reason(), status::not_enough_memory);
  EXPECT_EQ(large.calls, 0);
}

TEST(segregate, moves_blocks_across_the_threshold) {
  segregate<100, memory, memory> m(default_manager(), default_manager());
  const allocation a = memory(m).allocate({100, 8});
  const allocation b = memory(m).reallocate(a.get(), 8, {.size = 101});
  ASSERT_TRUE(b);
  EXPECT_EQ(memory(m).reallocate(b.get(), 8, {.size = 100, .may_move = false}).reason(),
            status::unsupported)
      << "it would be freed as a small one";
  m.deallocate(b.get(), 8);
}

// --- bucketize ---

TEST(bucketize, gives_each_part_one_size) {
  plain_manager parts[3];
  int next = 0;
  bucketize<memory, 10, 20, 30> m([&](std::size_t) { return memory(parts[next++]); });
  const allocation a = m.allocate({11, 8}, fit::get_no_less);
  EXPECT_EQ(a.size(), 20u);
  EXPECT_EQ(parts[1].calls, 1);
  m.deallocate({a.data(), 20}, 8);
  for (const std::size_t size : {0, 1, 10, 20, 21, 30}) {
    const allocation b = m.allocate({size, 8});
    EXPECT_EQ(b.size(), size);
    m.deallocate(b.get(), 8);
  }
  EXPECT_EQ(parts[0].calls, 3);
  EXPECT_EQ(parts[1].calls, 2);
  EXPECT_EQ(parts[2].calls, 2);
}

TEST(bucketize, can_do_only_what_all_its_parts_can) {
  arena owns_and_frees_all({.kind = backing::fixed});
  bucketize<memory, 10, 20> m([&](std::size_t bound) -> memory {
    if (bound == 10) return owns_and_frees_all;
    return default_manager();
  });
  EXPECT_FALSE(m.can(capability::own));
  EXPECT_FALSE(m.can(capability::free_all));
  EXPECT_FALSE(m.can(capability::zero));
  EXPECT_FALSE(m.can(capability::no_op_deallocate));
  EXPECT_TRUE(m.can(capability::resize));
}

TEST(bucketize, foreign_pointer_without_a_size_is_a_fault) {
  test::fault_log faults;
  bucketize<pool, 16, 32> m([](std::size_t size) { return pool({size, 16}); });
  arena other;
  void* const foreign = other.push(16);
  m.deallocate(foreign);
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, foreign));
  EXPECT_EQ(m.usable_size(foreign), 0u);
  const allocation a = m.allocate({20, 16});
  ASSERT_TRUE(a);
  m.deallocate(a.data());
  EXPECT_EQ(faults.count(), 0u);
  EXPECT_EQ(m.usage().live_blocks, 0u);
}

TEST(bucketize, refuses_what_is_too_large_for_all) {
  bucketize<memory, 10, 20> m([](std::size_t) { return memory(default_manager()); });
  EXPECT_EQ(m.allocate({21, 8}).reason(), status::unsupported);
  EXPECT_EQ(m.allocate({21, 5}).reason(), status::bad_alignment);
  EXPECT_EQ(m.allocate({max_size + 1, 8}).reason(), status::too_large);
}

TEST(bucketize, resizes_in_place_within_a_bucket) {
  bucketize<memory, 10, 20> m([](std::size_t) { return memory(default_manager()); });
  const allocation a = m.allocate({11, 8});
  EXPECT_EQ(m.reallocate(a.get(), 8, {.size = 20, .may_move = false}).data(), a.data());
  EXPECT_EQ(m.reallocate({a.data(), 20}, 8, {.size = 5, .may_move = false}).reason(),
            status::unsupported);
  const allocation b = m.reallocate({a.data(), 20}, 8, {.size = 5});
  EXPECT_TRUE(b);
  m.deallocate(b.get(), 8);
}

// --- cascade ---

struct block_maker {
  int* made;
  user_block_os operator()() const {
    return user_block_os(++*made == 1 ? first_options() : second_options());
  }
};

/// Serves blocks one behind the other, knows them again, and can do nothing else. Not even zero.
class owning_manager : public manager {
 public:
  static constexpr const char* kind_name = "owning";
  owning_manager() : manager(ops_for<owning_manager>, nullptr) {
    std::memset(bytes_, 0xff, sizeof bytes_);
  }
  allocation allocate(layout request, fit) noexcept {
    if (request.size > sizeof bytes_ - used_) return allocation::failed(status::no_memory);
    return allocation::of(bytes_ + std::exchange(used_, used_ + request.size), request.size);
  }
  void deallocate(block, std::size_t) noexcept {}
  bool owns(const void* p) const noexcept {
    return p >= bytes_ && p < static_cast<const void*>(bytes_ + sizeof bytes_);
  }
  manager_usage usage() const noexcept { return {.used = used_}; }

 private:
  std::byte bytes_[256];
  std::size_t used_ = 0;
};

TEST(cascade, makes_parts_when_all_are_full_and_ends_them_when_trimmed) {
  int made = 0;
  cascade<block_maker, 2> m(block_maker{&made});
  EXPECT_EQ(made, 0) << "nothing before the first request";
  const allocation a = m.allocate({60_KiB, 1});
  EXPECT_EQ(made, 1);
  const allocation b = m.allocate({60_KiB, 1});
  EXPECT_EQ(made, 2);
  EXPECT_EQ(m.part_count(), 2u);
  EXPECT_TRUE(m.owns(a.data()) && m.owns(b.data()) && !m.owns(&made));
  EXPECT_EQ(m.allocate({8_KiB, 1}).would_fit(), 4_KiB);
  EXPECT_EQ(made, 2) << "no more than two";
  const allocation c = m.allocate({4_KiB, 1});
  m.deallocate(a.get(), 1);
  (void)m.trim(0);
  EXPECT_EQ(m.part_count(), m.owns(a.data()) ? 2u : 1u);
  m.deallocate(b.get(), 1);
  m.deallocate(c.get(), 1);
  EXPECT_EQ(m.usage().used, 0u);
  (void)m.trim(0);
  EXPECT_EQ(m.usage().held, 0u);
}

TEST(cascade, tells_of_no_upstream_that_ends_with_a_part) {
  int made = 0;
  const auto make = [&made] {
    return locked<user_block_os>(++made == 1 ? first_options() : second_options());
  };
  cascade<decltype(make), 2> m(make);
  const allocation a = m.allocate({60_KiB, 1});
  EXPECT_EQ(m.upstream(), nullptr) << "the part's upstream lies in the part";
  m.deallocate(a.get(), 1);

  owning_manager outside;
  const auto make_over = [&outside] { return limited<owning_manager&>(outside, {}); };
  cascade<decltype(make_over), 2> over(make_over);
  EXPECT_TRUE(over.allocate({1, 1}));
  EXPECT_EQ(over.upstream(), &outside);
}

TEST(cascade, ends_a_part_at_once_that_cannot_serve_either) {
  int made = 0;
  cascade<block_maker, 2> m(block_maker{&made});
  EXPECT_EQ(m.allocate({65_KiB, 1}).would_fit(), 64_KiB);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(m.part_count(), 0u);
  EXPECT_EQ(m.allocate({1, 3}).reason(), status::bad_alignment);
  EXPECT_EQ(made, 1) << "not for what nobody can serve";
}

struct handle_maker {
  memory parts[2];
  int* made;
  locked<memory> operator()() const { return locked<memory>(parts[(*made)++]); }
};

TEST(cascade, over_handles_declares_what_it_can_keep_whatever_they_are) {
  constexpr capability kept =
      capability::own | capability::trim | capability::zero | capability::resize;
  owning_manager poor;
  user_block_os rich(first_options());
  int made = 0;
  cascade<handle_maker, 2> m(handle_maker{{poor, rich}, &made});
  EXPECT_EQ(m.ops().can, kept);
  EXPECT_EQ(m.ops().walk, nullptr);
  EXPECT_EQ(m.ops().free_all, nullptr);
  EXPECT_EQ(m.ops().usable_size, nullptr);
  const memory handle(m);
  const allocation a = handle.allocate_zeroed({100, 1});
  EXPECT_TRUE(poor.owns(a.data()));
  EXPECT_EQ(std::count(static_cast<char*>(a.data()), static_cast<char*>(a.data()) + 100, 0), 100);
  std::memset(a.data(), 7, 100);
  EXPECT_EQ(handle.reallocate(a.get(), 1, {.size = 200, .may_move = false}).reason(),
            status::unsupported);
  const allocation b = handle.reallocate(a.get(), 1, {.size = 200});
  EXPECT_TRUE(rich.owns(b.data()));
  EXPECT_EQ(std::count(static_cast<char*>(b.data()), static_cast<char*>(b.data()) + 100, 7), 100);
  EXPECT_EQ(m.part_count(), 2u);
  EXPECT_EQ(m.ops().can, kept);
  handle.deallocate(b.get(), 1);
}

TEST(cascade, reports_foreign_blocks) {
  int made = 0;
  cascade<block_maker, 2> m(block_maker{&made});
  test::fault_log faults;
  m.deallocate({&made, 4}, 1);
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, &made));
}

}  // namespace
}  // namespace ashlar
