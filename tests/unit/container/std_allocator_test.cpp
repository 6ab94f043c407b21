// SPDX-License-Identifier: MIT
#include "ashlar/std_allocator.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ashlar/manager/source/default_manager.hpp"
#include "support/ledger.hpp"

namespace ashlar {
namespace {

using test::ledger;
using string = std::basic_string<char, std::char_traits<char>, std_allocator<char>>;
template <class T>
using std_vector = std::vector<T, std_allocator<T>>;

TEST(std_allocator, serves_the_standard_containers) {
  ledger from;
  {
    std_vector<int> numbers(from);
    std::list<int, std_allocator<int>> list(from);
    std::deque<int, std_allocator<int>> deque(from);
    std::map<int, string, std::less<>, std_allocator<std::pair<const int, string>>> names(from);
    std::unordered_map<int, int, std::hash<int>, std::equal_to<>,
                       std_allocator<std::pair<const int, int>>>
        squares(from);
    string text("long enough to lie in memory of its own", from);
    for (int i = 0; i < 100; ++i) {
      numbers.push_back(i);
      list.push_front(i);
      deque.push_back(i);
      names.emplace(i, text);
      squares[i] = i * i;
    }
    EXPECT_EQ(numbers.size() + list.size() + deque.size() + names.size() + squares.size(), 500u);
    EXPECT_EQ(squares.at(9), 81);
    EXPECT_EQ(names.at(99), text);
    EXPECT_GT(from.live_blocks(), 300u);
  }
  EXPECT_EQ(from.live_blocks(), 0u);
}

TEST(std_allocator, is_equal_when_the_manager_is) {
  ledger a;
  ledger b;
  EXPECT_TRUE(std_allocator<int>(a) == std_allocator<char>(a));
  EXPECT_TRUE(std_allocator<int>(a) != std_allocator<int>(b));
  EXPECT_EQ(sizeof(std_allocator<int>), sizeof(void*));
}

TEST(std_allocator, moves_along_and_is_not_copied_along) {
  ledger a;
  ledger b;
  std_vector<int> v({1, 2, 3}, a);
  std_vector<int> target({9}, b);
  const int* const first = v.data();
  target = v;  // a copy keeps its manager
  EXPECT_EQ(target.get_allocator().get_memory(), memory(b));
  target = std::move(v);
  EXPECT_EQ(target.get_allocator().get_memory(), memory(a));
  EXPECT_EQ(target.data(), first);
  const std_vector<int> copy = target;
  EXPECT_EQ(copy.get_allocator().get_memory(), memory(default_manager()));
  const use_manager scope(b);
  const std_vector<int> copy_in_scope = target;
  EXPECT_EQ(copy_in_scope.get_allocator().get_memory(), memory(b));
}

TEST(std_allocator, tells_how_much_it_got) {
  ledger from;
  std_allocator<int> allocator(from);
  const auto [first, count] = allocator.allocate_at_least(13);
  EXPECT_EQ(count, 2 * ledger::granule / sizeof(int));
  allocator.deallocate(first, count);
  struct standard_result {
    int* ptr;
    std::size_t count;
  };
  const standard_result result = allocator.allocate_at_least(1);
  allocator.deallocate(result.ptr, result.count);
}

TEST(std_allocator, throws_as_the_standard_says) {
  ledger from;
  from.budget = 0;
  std_allocator<int> allocator(from);
  EXPECT_THROW((void)allocator.allocate(1), std::bad_alloc);
  EXPECT_THROW((void)allocator.allocate(static_cast<std::size_t>(-1)), std::length_error);
  std_vector<int> v(from);
  EXPECT_THROW(v.push_back(1), bad_allocation);
}

TEST(std_allocator, shares_objects) {
  ledger from;
  {
    const auto shared = std::allocate_shared<std::string>(std_allocator<std::string>(from), "text");
    const std::weak_ptr<std::string> weak = shared;
    EXPECT_EQ(*weak.lock(), "text");
    EXPECT_EQ(from.live_blocks(), 1u);
  }
  EXPECT_EQ(from.live_blocks(), 0u);
}

}  // namespace
}  // namespace ashlar
