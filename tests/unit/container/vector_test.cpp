// SPDX-License-Identifier: MIT
#include "ashlar/vector.hpp"

#include <gtest/gtest.h>

#include <forward_list>
#include <iterator>
#include <numeric>
#include <sstream>
#include <string>

#include "ashlar/manager/memory_system.hpp"
#include "ashlar/manager/source/default_manager.hpp"
#include "support/fault_log.hpp"
#include "support/ledger.hpp"
#include "support/tracked.hpp"

namespace ashlar {
namespace {

using test::ledger;
using test::tracked;
using test::tracked_scope;

template <class V>
std::vector<typename V::value_type> contents(const V& v) {
  return {v.begin(), v.end()};
}
using ints = std::vector<int>;

TEST(vector, takes_nothing_before_the_first_element) {
  ledger from;
  const vector<int> v(from);
  EXPECT_TRUE(v.empty());
  EXPECT_EQ(v.capacity(), 0u);
  EXPECT_EQ(from.allocations, 0u);
  EXPECT_EQ(sizeof(v), 4 * sizeof(void*));
}

TEST(vector, uses_the_current_manager_when_none_is_named) {
  ledger from;
  {
    const use_manager scope(from);
    const vector<int> inside(3);
    EXPECT_EQ(inside.get_memory(), memory(from));
  }
  const vector<int> outside(3);
  EXPECT_EQ(outside.get_memory(), memory(default_manager()));
}

TEST(vector, is_constructed_as_the_standards) {
  ledger from;
  EXPECT_EQ(contents(vector<int>(3, from)), (ints{0, 0, 0}));
  EXPECT_EQ(contents(vector<int>(3, 7, from)), (ints{7, 7, 7}));
  EXPECT_EQ(contents(vector<int>({1, 2, 3}, from)), (ints{1, 2, 3}));
  const std::forward_list<int> list = {4, 5};
  EXPECT_EQ(contents(vector<int>(list.begin(), list.end(), from)), (ints{4, 5}));
  std::istringstream text("6 7 8");
  EXPECT_EQ(contents(vector<int>(std::istream_iterator<int>(text), {}, from)), (ints{6, 7, 8}));
  EXPECT_EQ(from.live_blocks(), 0u);
}

TEST(vector, deduces_its_element) {
  const int source[] = {1, 2};
  static_assert(std::is_same_v<decltype(vector{1, 2, 3}), vector<int>>);
  static_assert(
      std::is_same_v<decltype(vector(std::begin(source), std::end(source))), vector<int>>);
  static_assert(std::is_same_v<decltype(vector(3, 2.5)), vector<double>>);
}

TEST(vector, keeps_its_elements_while_it_grows) {
  ledger from;
  vector<std::string> v(from);
  for (int i = 0; i < 1000; ++i) v.push_back(std::to_string(i));
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(v[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_EQ(v.front(), "0");
  EXPECT_EQ(v.back(), "999");
  EXPECT_THROW((void)v.at(1000), std::out_of_range);
}

TEST(vector, takes_all_that_the_manager_gives) {
  ledger from;  // rounds up to 48 bytes
  vector<int> v(from);
  v.reserve(13);
  EXPECT_EQ(v.capacity(), 2 * ledger::granule / sizeof(int));
}

TEST(vector, constructs_and_destroys_each_element_once) {
  const tracked_scope elements;
  ledger from;
  vector<tracked<>> v(from);
  for (int i = 0; i < 100; ++i) v.emplace_back(i);
  EXPECT_EQ(test::tracked_now.live, 100u);
  EXPECT_EQ(test::tracked_now.copies, 0u);
  v.pop_back();
  v.resize(50);
  EXPECT_EQ(test::tracked_now.live, 50u);
  v.clear();
  EXPECT_EQ(test::tracked_now.live, 0u);
}

TEST(vector, appends_its_own_elements) {
  ledger from;
  vector<std::string> v({"long enough to lie in memory of its own"}, from);
  vector<int> numbers({7}, from);
  for (int i = 0; i < 50; ++i) {
    v.push_back(v[0]);
    v.emplace_back(v.back());
    v.insert(v.begin() + 1, v[0]);
    numbers.push_back(numbers.front());
    numbers.insert(numbers.begin(), 3, numbers.back());
    numbers.resize(numbers.size() + 5, numbers.front());
  }
  for (const std::string& s : v) ASSERT_EQ(s, "long enough to lie in memory of its own");
  for (const int n : numbers) ASSERT_EQ(n, 7);
}

TEST(vector, inserts_and_erases_anywhere) {
  vector<int> v = {1, 2, 3};
  EXPECT_EQ(*v.insert(v.begin(), 0), 0);
  EXPECT_EQ(*v.insert(v.begin() + 2, 2, 9), 9);
  EXPECT_EQ(contents(v), (ints{0, 1, 9, 9, 2, 3}));
  EXPECT_EQ(*v.insert(v.end(), {4, 5}), 4);
  EXPECT_EQ(*v.emplace(v.begin() + 1, 8), 8);
  EXPECT_EQ(contents(v), (ints{0, 8, 1, 9, 9, 2, 3, 4, 5}));
  EXPECT_EQ(*v.erase(v.begin() + 1), 1);
  EXPECT_EQ(*v.erase(v.begin() + 2, v.begin() + 4), 2);
  EXPECT_EQ(contents(v), (ints{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(v.erase(v.begin(), v.begin()), v.begin());
  EXPECT_EQ(erase_if(v, [](int n) { return n % 2 == 0; }), 3u);
  EXPECT_EQ(erase(v, 5), 1u);
  EXPECT_EQ(contents(v), (ints{1, 3}));
}

TEST(vector, assigns_copies_of_its_own_elements) {
  ledger from;
  vector<std::string> v({"a", "long enough to lie in memory of its own", "c"}, from);
  v.assign(2, v[1]);
  EXPECT_EQ(v, (vector<std::string>(2, "long enough to lie in memory of its own")));
  v.assign(v.capacity() + 1, v[1]);  // in a new block
  for (const std::string& s : v) ASSERT_EQ(s, "long enough to lie in memory of its own");
}

TEST(vector, assigns_over_what_was_there) {
  const tracked_scope elements;
  ledger from;
  vector<tracked<>> v({1, 2, 3}, from);
  v.assign(2, 7);
  EXPECT_EQ(v, (vector<tracked<>>{7, 7}));
  v.assign({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17});
  EXPECT_EQ(v.size(), 17u);
  v = {5};
  EXPECT_EQ(v, (vector<tracked<>>{5}));
  const vector<tracked<>> other({4, 5, 6}, from);
  v = other;
  EXPECT_EQ(v, other);
}

TEST(vector, compares_as_sequences_do) {
  EXPECT_EQ((vector{1, 2}), (vector{1, 2}));
  EXPECT_NE((vector{1, 2}), (vector{1, 2, 3}));
  EXPECT_LT((vector{1, 2}), (vector{1, 2, 3}));
  EXPECT_GT((vector{2}), (vector{1, 2, 3}));
  struct only_less {
    int n;
    bool operator<(const only_less& other) const { return n < other.n; }
  };
  EXPECT_TRUE((vector<only_less>{{1}} <=> vector<only_less>{{2}}) < 0);
}

TEST(vector, holds_incomplete_and_nested_types) {
  struct node {
    vector<node> children;
  };
  node root;
  root.children.emplace_back().children.resize(3);
  EXPECT_EQ(root.children[0].children.size(), 3u);
}

TEST(vector, moves_block_and_handle_together) {
  ledger a;
  ledger b;
  vector<int> v({1, 2}, a);
  const int* const first = v.data();
  vector<int> w(std::move(v));
  EXPECT_EQ(w.data(), first);
  vector<int> target({9, 9, 9}, b);
  target = std::move(w);
  EXPECT_EQ(target.data(), first);
  EXPECT_EQ(target.get_memory(), memory(a));
  EXPECT_EQ(b.live_blocks(), 0u);
  swap(target, w);
  EXPECT_TRUE(target.empty());
  static_assert(std::is_nothrow_move_constructible_v<vector<std::string>>);
  static_assert(std::is_nothrow_move_assignable_v<vector<std::string>>);
}

TEST(vector, moves_the_elements_to_another_manager_when_told_to) {
  const tracked_scope elements;
  ledger a;
  ledger b;
  vector<tracked<>> v({1, 2}, a);
  vector<tracked<>> same(std::move(v), a);
  EXPECT_EQ(test::tracked_now.moves, 0u);
  const vector<tracked<>> other(std::move(same), b);
  EXPECT_EQ(other, (vector<tracked<>>{1, 2}));
  EXPECT_EQ(other.get_memory(), memory(b));
}

TEST(vector, is_copied_into_the_current_manager_and_assigned_into_its_own) {
  ledger a;
  ledger b;
  const vector<int> v({1, 2}, a);
  const vector<int> copy = v;
  EXPECT_EQ(copy.get_memory(), memory(default_manager()));
  vector<int> target(b);
  target = v;
  EXPECT_EQ(target, v);
  EXPECT_EQ(target.get_memory(), memory(b));
  const vector<int>& self = target;
  target = self;
  EXPECT_EQ(target, v);
}

TEST(vector, leaves_new_elements_alone_when_they_will_be_overwritten) {
  ledger from;  // fresh memory is 0xcd
  vector<unsigned char> v(from);
  v.resize_for_overwrite(40);
  EXPECT_EQ(v[39], 0xcd);
  v.clear();
  v.resize(40);
  EXPECT_EQ(v[39], 0);
}

TEST(vector, holds_over_aligned_elements) {
  struct alignas(256) line {
    char bytes[256];
  };
  ledger from;
  vector<line> v(from);
  for (int i = 0; i < 9; ++i) v.emplace_back();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(v.data()) % 256, 0u);
}

TEST(vector, relocates_types_that_say_so_as_bytes) {
  ledger from;
  vector<std::unique_ptr<int>> v(from);
  for (int i = 0; i < 100; ++i) v.push_back(std::make_unique<int>(i));
  v.insert(v.begin(), std::make_unique<int>(-1));
  v.erase(v.begin() + 1);
  EXPECT_EQ(*v[0], -1);
  EXPECT_EQ(*v[99], 99);
  static_assert(!is_trivially_relocatable<std::string>);
}

TEST(vector, notices_a_pop_of_what_is_not_there) {
  test::fault_log faults;
  vector<std::string> v;
  v.pop_back();
  EXPECT_TRUE(faults.took(fault_kind::pop_beyond_start, nullptr));
  v.push_back("one");
  v.pop_back();
  EXPECT_EQ(faults.count(), 0u);
  v.pop_back();
  EXPECT_TRUE(faults.took(fault_kind::pop_beyond_start, v.data()));
  EXPECT_TRUE(v.empty());
}

}  // namespace
}  // namespace ashlar
