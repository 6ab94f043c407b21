// SPDX-License-Identifier: MIT
#include "ashlar/vm_vector.hpp"

#include <gtest/gtest.h>

#include <mutex>
#include <numeric>
#include <string>

#include "ashlar/base/units.hpp"
#include "support/counters.hpp"
#include "support/fake_os.hpp"
#include "support/tracked.hpp"

namespace ashlar {
namespace {

using test::counter_watch;
using test::fake_os;
using test::tracked;
using test::tracked_scope;

TEST(vm_vector, reserves_at_the_first_element_and_gives_everything_back) {
  const counter_watch watch;
  {
    vm_vector<int> v(1'000'000);
    watch.expect(0, 0);
    v.push_back(1);
    EXPECT_EQ(watch.reserved(), align_up(4'000'000, os::page_size()));
    EXPECT_EQ(watch.committed(), v.committed_bytes());
    EXPECT_GE(v.capacity(), 1u);
  }
  watch.expect(0, 0);
}

TEST(vm_vector, never_moves_an_element) {
  const tracked_scope elements;
  vm_vector<tracked<>> v(200'000);
  const auto* const first = &v.emplace_back(0);
  for (int i = 1; i < 200'000; ++i) v.emplace_back(i);
  EXPECT_EQ(first, v.data());
  EXPECT_EQ(test::tracked_now.moves, 0u);
  EXPECT_EQ(v.back().number(), 199'999);
}

TEST(vm_vector, holds_what_can_be_neither_copied_nor_moved) {
  vm_vector<std::mutex> locks(1000);
  for (int i = 0; i < 1000; ++i) locks.emplace_back();
  { const std::lock_guard guard(locks[999]); }
  EXPECT_EQ(locks.try_emplace_back(), status::not_enough_memory);
  locks.resize(10);
  vm_vector<std::mutex> taken = std::move(locks);
  EXPECT_EQ(taken.size(), 10u);
}

TEST(vm_vector, ends_where_it_was_told_to) {
  vm_vector<int> v(10);
  v.assign(10, 7);
  EXPECT_EQ(v.try_push_back(8), status::not_enough_memory);
  EXPECT_THROW(v.push_back(8), bad_allocation);
  EXPECT_THROW(v.reserve(11), bad_allocation);
  EXPECT_EQ(v.size(), 10u);
  EXPECT_EQ(v.capacity(), 10u);
}

TEST(vm_vector, has_the_interface_of_vector) {
  vm_vector<std::string> v;
  v.assign({"a", "c"});
  v.insert(v.begin() + 1, "b");
  v.insert(v.begin(), 2, v[2]);
  EXPECT_EQ(v.size(), 5u);
  EXPECT_EQ(v.front(), "c");
  v.erase(v.begin(), v.begin() + 2);
  EXPECT_EQ(v.at(1), "b");
  EXPECT_EQ(erase(v, "b"), 1u);
  vm_vector<std::string> other;
  other.append(v.begin(), v.end());
  EXPECT_EQ(v, other);
  swap(v, other);
  other.clear();
  EXPECT_LT(other, v);
}

TEST(vm_vector, gives_pages_back_without_moving) {
  const counter_watch watch;
  vm_vector<int> v(1 << 20);
  v.resize(1 << 20, 7);
  const int* const first = v.data();
  EXPECT_EQ(v.trim(), 0u);
  v.resize(1000);
  EXPECT_EQ(v.trim(100'000), 4_MiB - align_up(400'000, os::page_size()));
  EXPECT_GT(v.trim(), 0u);
  EXPECT_EQ(watch.committed(), os::page_size());
  EXPECT_EQ(v.data(), first);
  v.resize(2000);
  EXPECT_EQ(v[999], 7);
  EXPECT_EQ(v[1999], 0);
  v.clear();
  v.shrink_to_fit();
  EXPECT_EQ(watch.committed(), 0u);
  v.push_back(3);
  EXPECT_EQ(v[0], 3);
}

TEST(vm_vector, commits_by_steps) {
  const counter_watch watch;
  vm_vector<char> v(64 << 20, {.commit_step = 1 << 20, .populate = false});
  v.push_back('a');
  EXPECT_EQ(watch.committed(), 1_MiB);
  v.resize(1_MiB);
  EXPECT_EQ(watch.committed(), 1_MiB);
  v.push_back('b');
  EXPECT_EQ(watch.committed(), 2_MiB);
  v.resize(10_MiB);  // more than a step at once
  EXPECT_EQ(watch.committed(), 10_MiB);
}

TEST(vm_vector, aligns_its_elements) {
  struct alignas(8192) wide {
    char bytes[8192];
  };
  vm_vector<wide> v(10);
  v.emplace_back();
  EXPECT_TRUE(is_aligned(address_of(&v.back()), 8192));
}

TEST(vm_vector, changes_nothing_when_the_os_refuses) {
  vm_vector<int> v(1 << 20);
  {
    fake_os os;
    os.refuse_call(1);
    EXPECT_EQ(v.try_push_back(1), status::no_memory);
    os.refuse_all(test::call_kind::protect);
    EXPECT_EQ(v.try_push_back(1), status::no_memory);
    EXPECT_THROW(v.push_back(1), bad_allocation);
    EXPECT_TRUE(v.empty());
    os.accept_all();
    v.push_back(1);
    while (v.size() < v.capacity()) v.push_back(2);
    os.refuse_all(test::call_kind::protect);
    const std::size_t size = v.size();
    EXPECT_THROW(v.resize(1 << 20), bad_allocation);
    EXPECT_EQ(v.size(), size);
  }
  v.resize(1 << 20);
  EXPECT_EQ(v[0], 1);
}

TEST(vm_vector, asks_for_less_when_a_whole_step_is_refused) {
  fake_os os;
  vm_vector<char> v(1_MiB);
  v.reserve(1);
  v.resize(v.capacity());
  os.refuse_call(1);  // the step; what is needed is granted
  EXPECT_EQ(v.try_push_back('x'), status::success);
}

TEST(vm_vector, leaves_whole_what_it_had_when_a_constructor_throws) {
  const tracked_scope elements;
  vm_vector<tracked<>> v(1000);
  const tracked<> source[3];
  test::tracked_now.until_throw = 3;
  EXPECT_THROW(v.append(std::begin(source), std::end(source)), test::copy_refused);
  EXPECT_TRUE(v.empty());
}

TEST(vm_vector, swaps_as_vector_does) {
  vm_vector<int> a(1000);
  vm_vector<int> b(10);
  a.push_back(7);
  a.swap(b);
  EXPECT_TRUE(a.empty());
  EXPECT_EQ(b.back(), 7);
  EXPECT_EQ(a.max_count(), 10u);
}

}  // namespace
}  // namespace ashlar
