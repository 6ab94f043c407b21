// SPDX-License-Identifier: MIT
// What a vector asks its manager for: growth in place first, policies, refusals, exceptions.
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>

#include "ashlar/manager/memory_system.hpp"
#include "ashlar/stack.hpp"
#include "ashlar/vector.hpp"
#include "support/fault_log.hpp"
#include "support/ledger.hpp"
#include "support/tracked.hpp"

namespace ashlar {
namespace {

using test::ledger;
using test::moves;
using test::resizing_ledger;
using test::tracked;
using test::tracked_scope;

TEST(vector_growth, extends_its_block_in_place_and_moves_no_element) {
  const tracked_scope elements;
  resizing_ledger from;
  from.hidden = 64 << 10;
  vector<tracked<>> v(from);
  for (int i = 0; i < 1000; ++i) v.emplace_back(i);
  EXPECT_EQ(from.allocations, 1u);
  EXPECT_GT(from.in_place, 5u);
  EXPECT_EQ(test::tracked_now.moves, 0u);
}

TEST(vector_growth, moves_what_cannot_stay) {
  const tracked_scope elements;
  resizing_ledger from;
  vector<tracked<>> v(from);
  for (int i = 0; i < 1000; ++i) v.emplace_back(i);
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(v[static_cast<std::size_t>(i)].number(), i);
  EXPECT_EQ(from.moved, 0u);  // never as bytes
  EXPECT_EQ(from.live_blocks(), 1u);
}

TEST(vector_growth, lets_the_manager_move_what_is_bytes_and_says_how_much_is_used) {
  resizing_ledger from;
  vector<int> v(from);
  v.reserve(1000);
  for (int i = 0; i < 10; ++i) v.push_back(i);
  v.reserve(5000);
  EXPECT_EQ(from.moved, 1u);
  EXPECT_EQ(from.last_used, 10 * sizeof(int));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(v[static_cast<std::size_t>(i)], i);
}

TEST(vector_growth, gives_the_tail_back) {
  const tracked_scope elements;
  resizing_ledger resizing;
  ledger plain;
  for (memory from : {memory(resizing), memory(plain)}) {
    vector<tracked<>> v(from);
    v.reserve(100);
    v.assign({1, 2, 3});
    v.shrink_to_fit();
    EXPECT_EQ(v, (vector<tracked<>>{1, 2, 3}));
    EXPECT_LT(v.capacity(), 7u);
    v.clear();
    v.shrink_to_fit();
    EXPECT_EQ(v.capacity(), 0u);
    EXPECT_EQ(from.usage().live_blocks, 0u);
  }
  EXPECT_EQ(resizing.in_place, 1u);
}

TEST(vector_growth, stays_as_it_is_when_the_tail_cannot_be_given_back) {
  ledger from;
  vector<std::string> v({"a", "b"}, from);
  v.reserve(100);
  from.refuse_from(1);
  v.shrink_to_fit();
  EXPECT_EQ(v, (vector<std::string>{"a", "b"}));
}

TEST(vector_growth, follows_its_policy) {
  static_assert(always_double::grown(64) == 128);
  static_assert(always_double::grown(1000) == 2000);
  static_assert(always_double::grown(max_size / 2 + 1) == max_size);
  using policy = inverse_size<1024, 10>;
  static_assert(policy::grown(1024) == 2048);
  static_assert(policy::grown(2048) == 3072);
  static_assert(policy::grown(100'000) == 110'000);
  static_assert(policy::grown(max_size - 1) == max_size);
  for (std::size_t size = 64; size < (1 << 24); size += size / 3) {
    const auto factor = [](std::size_t s) {
      return static_cast<double>(policy::grown(s)) / static_cast<double>(s);
    };
    EXPECT_GE(factor(size) * 1.001, factor(size + size / 3));  // bigger size, smaller factor
    EXPECT_GE(factor(size), 1.09);
  }
  vector<char, policy> v;
  v.resize(4096);
  const std::size_t before = v.capacity();
  v.resize(before + 1);
  EXPECT_LE(v.capacity(), before + 1024);
}

TEST(vector_growth, uses_what_is_left_of_a_bounded_manager) {
  ledger from;
  from.budget = 1500;
  vector<char> v(from);
  std::size_t count = 0;
  while (v.try_push_back('x') == status::success) ++count;
  EXPECT_EQ(v.size(), count);
  EXPECT_GT(count, 512u);  // doubling alone would end there: 512 held, 1024 wanted of 1500
  EXPECT_EQ(v.try_push_back('x'), status::not_enough_memory);
}

TEST(vector_refusal, is_told_by_a_status_and_changes_nothing) {
  ledger from;
  vector<std::string> v({"a", "b"}, from);
  v.shrink_to_fit();
  const vector<std::string> before = v;
  std::string moved = "still here, and too long to lie in the string itself";
  while (v.size() < v.capacity()) v.emplace_back();
  from.budget = 0;
  EXPECT_EQ(v.try_push_back(std::move(moved)), status::not_enough_memory);
  EXPECT_EQ(moved, "still here, and too long to lie in the string itself");
  EXPECT_EQ(v.try_reserve(100), status::not_enough_memory);
  EXPECT_EQ(v.try_resize(100), status::not_enough_memory);
  EXPECT_EQ(v.try_append(before.begin(), before.end()), status::not_enough_memory);
  EXPECT_EQ(v[1], "b");
  from.budget = max_size;
  from.refuse_from(1, status::over_budget);
  EXPECT_EQ(v.try_reserve(100), status::over_budget);
  EXPECT_EQ(v.try_reserve(vector<std::string>::max_size() + 1), status::too_large);
  from.accept_all();
  EXPECT_EQ(v.try_reserve(100), status::success);
}

TEST(vector_refusal, throws_with_the_reason_after_asking_the_reclaimers) {
  ledger from;
  vector<int> v({1, 2, 3}, from);
  v.shrink_to_fit();
  from.budget = from.used();
  try {
    v.push_back(4);
    FAIL() << "nothing was thrown";
  } catch (const bad_allocation& refused) {
    EXPECT_EQ(refused.reason(), status::not_enough_memory);
    EXPECT_STREQ(refused.what(), "ashlar: not enough memory");
  }
  EXPECT_THROW(v.reserve(100), std::bad_alloc);
  EXPECT_THROW(v.reserve(v.max_size() + 1), std::length_error);
  EXPECT_THROW(v.resize(v.max_size()), std::length_error);
  EXPECT_EQ(v, (vector<int>{1, 2, 3}));

  ASSERT_TRUE(system().add_reclaimer(&from, [](void* context, std::size_t) {
    static_cast<ledger*>(context)->budget = max_size;
    return true;
  }));
  v.push_back(4);
  system().remove_reclaimer(&from);
  EXPECT_EQ(v, (vector<int>{1, 2, 3, 4}));
}

TEST(vector_refusal, leaves_an_argument_alone_that_found_no_place) {
  resizing_ledger from;
  vector<std::unique_ptr<int>> v(from);
  auto owner = std::make_unique<int>(7);
  from.refuse_from(1);
  EXPECT_THROW(v.push_back(std::move(owner)), bad_allocation);
  ASSERT_NE(owner, nullptr);
  from.accept_all();
  v.push_back(std::move(owner));
  EXPECT_EQ(*v[0], 7);
}

// Runs `change` on a vector of five elements, refusing the n-th allocation, then letting the n-th
// copy throw, for every n until it succeeds. `strong`: what fails must have changed nothing.
template <moves Moves, class From, class Change>
void expect_survival(bool strong, Change change) {
  using element = tracked<Moves>;
  for (const bool memory_fails : {true, false}) {
    bool has_failed = true;
    for (std::size_t n = 1; has_failed; ++n) {
      const tracked_scope elements;
      From from;
      vector<element> v(from);
      for (int i = 0; i < 5; ++i) v.emplace_back(i);
      v.shrink_to_fit();
      const std::vector<element> before(v.begin(), v.end());
      if (memory_fails) from.refuse_from(n);
      if (!memory_fails) test::tracked_now.until_throw = n;
      has_failed = false;
      try {
        change(v);
      } catch (const std::bad_alloc&) {
        has_failed = true;
      } catch (const test::copy_refused&) {
        has_failed = true;
      }
      test::tracked_now.until_throw = 0;
      from.accept_all();
      ASSERT_LT(n, 1000u);
      if (has_failed && (strong || memory_fails)) {
        EXPECT_EQ(std::vector<element>(v.begin(), v.end()), before) << "at " << n;
      }
      for (const element& e : v) (void)e.number();
      v.emplace_back(1);  // still usable
    }
  }
}

template <moves Moves, class Change>
void expect_survival_everywhere(bool strong, Change change) {
  expect_survival<Moves, ledger>(strong, change);
  expect_survival<Moves, resizing_ledger>(strong, change);
}

TEST(vector_exceptions, appending_changes_nothing_or_succeeds) {
  const auto grow_by_copies = [](auto& v) {
    const auto extra = v[0];
    for (int i = 0; i < 20; ++i) {
      const std::size_t size = v.size();
      try {
        v.push_back(extra);
      } catch (...) {
        EXPECT_EQ(v.size(), size);
        v.resize(5);
        throw;
      }
    }
  };
  expect_survival_everywhere<moves::never_throw>(true, grow_by_copies);
  expect_survival_everywhere<moves::may_throw>(true, grow_by_copies);
  const auto append_range = [](auto& v) {
    using element = typename std::remove_reference_t<decltype(v)>::value_type;
    const element extra[] = {7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    v.append(std::begin(extra), std::end(extra));
  };
  expect_survival_everywhere<moves::never_throw>(true, append_range);
  expect_survival_everywhere<moves::may_throw>(true, append_range);
  const auto resize = [](auto& v) { v.resize(30, 4); };
  expect_survival_everywhere<moves::never_throw>(true, resize);
  expect_survival_everywhere<moves::may_throw>(true, resize);
  const auto reserve = [](auto& v) { v.reserve(50); };
  expect_survival_everywhere<moves::never_throw>(true, reserve);
  expect_survival_everywhere<moves::may_throw>(true, reserve);
}

TEST(vector_exceptions, what_works_in_the_middle_leaves_valid_elements) {
  const auto insert = [](auto& v) { v.insert(v.begin() + 1, v[3]); };
  expect_survival_everywhere<moves::never_throw>(false, insert);
  expect_survival_everywhere<moves::may_throw>(false, insert);
  const auto insert_many = [](auto& v) { v.insert(v.begin() + 1, 20, v[3]); };
  expect_survival_everywhere<moves::never_throw>(false, insert_many);
  expect_survival_everywhere<moves::may_throw>(false, insert_many);
  const auto assign = [](auto& v) {
    std::remove_reference_t<decltype(v)> other;
    for (int i = 0; i < 40; ++i) other.emplace_back(i);
    v = other;
  };
  expect_survival_everywhere<moves::never_throw>(false, assign);
  expect_survival_everywhere<moves::may_throw>(false, assign);
  const auto erase = [](auto& v) { v.erase(v.begin() + 1, v.begin() + 3); };
  expect_survival_everywhere<moves::may_throw>(false, erase);
}

TEST(vector_exceptions, a_constructor_that_throws_leaves_nothing_behind) {
  for (std::size_t n = 1; n <= 5; ++n) {
    const tracked_scope elements;
    ledger from;
    const std::vector<tracked<>> source(5);
    test::tracked_now.until_throw = n;
    EXPECT_THROW(vector<tracked<>>(source.begin(), source.end(), from), test::copy_refused);
    EXPECT_EQ(from.live_blocks(), 0u);
  }
}

TEST(vector_over_a_stack, frees_no_block_below_another) {
  const tracked_scope elements;
  test::fault_log faults;
  stack_manager last_first({.kind = backing::chained, .growth = {.first = 1024}});
  {
    vector<int> bytes(last_first);
    bytes.push_back(1);
    bytes.assign(1000, 7);  // grows by a resize
    EXPECT_EQ(bytes.size(), 1000u);
    vector<tracked<>> objects(last_first);
    objects.emplace_back(1);
    EXPECT_THROW(objects.reserve(100'000), bad_allocation);
    EXPECT_EQ(objects.try_reserve(100'000), status::unsupported);
    EXPECT_EQ(objects.size(), 1u);
  }
  EXPECT_EQ(faults.count(), 0u);
  EXPECT_EQ(last_first.usage().live_blocks, 0u);
}

}  // namespace
}  // namespace ashlar
