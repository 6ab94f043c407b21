// SPDX-License-Identifier: MIT
// The list keeps order and links, whatever is removed from where.
#include "ashlar/structure/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <list>
#include <vector>

#include "support/random.hpp"

namespace ashlar {
namespace {

struct element {
  int value = 0;
  element* next = nullptr;
  element* prev = nullptr;
};

std::vector<int> forward(const intrusive_list<element>& list) {
  std::vector<int> values;
  for (const element* e = list.front(); e != nullptr; e = e->next) values.push_back(e->value);
  return values;
}

std::vector<int> backward(const intrusive_list<element>& list) {
  std::vector<int> values;
  for (const element* e = list.back(); e != nullptr; e = e->prev) values.push_back(e->value);
  return values;
}

TEST(intrusive_list, is_empty_at_first) {
  intrusive_list<element> list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.back(), nullptr);
  EXPECT_EQ(list.pop_front(), nullptr);
}

TEST(intrusive_list, unlinks_first_middle_last_and_only) {
  element e[3] = {{1}, {2}, {3}};
  for (int victim = 0; victim < 3; ++victim) {
    intrusive_list<element> list;
    for (element& x : e) list.push_back(x);
    list.remove(e[victim]);
    EXPECT_EQ(e[victim].next, nullptr);
    EXPECT_EQ(e[victim].prev, nullptr);
    std::vector<int> left = {1, 2, 3};
    left.erase(left.begin() + victim);
    EXPECT_EQ(forward(list), left);
    std::reverse(left.begin(), left.end());
    EXPECT_EQ(backward(list), left);
  }
  intrusive_list<element> list;
  list.push_front(e[0]);
  list.remove(e[0]);
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.back(), nullptr);
}

TEST(intrusive_list, agrees_with_the_standard_list) {
  test::random_source random(1);
  std::vector<element> pool(20);
  for (int i = 0; i < 20; ++i) pool[static_cast<std::size_t>(i)].value = i;
  std::vector<element*> outside;
  for (element& e : pool) outside.push_back(&e);
  intrusive_list<element> list;
  std::list<int> model;
  for (int step = 0; step < 5000; ++step) {
    const std::size_t action = random.below(4);
    if (action < 2 && !outside.empty()) {
      element& e = *outside.back();
      outside.pop_back();
      action == 0 ? list.push_front(e) : list.push_back(e);
      action == 0 ? model.push_front(e.value) : model.push_back(e.value);
    } else if (action == 2 && !model.empty()) {
      auto victim = model.begin();
      std::advance(victim, random.below(model.size()));
      element& e = pool[static_cast<std::size_t>(*victim)];
      list.remove(e);
      outside.push_back(&e);
      model.erase(victim);
    } else if (element* const e = list.pop_front(); e != nullptr) {
      ASSERT_EQ(e->value, model.front());
      model.pop_front();
      outside.push_back(e);
    }
    ASSERT_EQ(forward(list), std::vector<int>(model.begin(), model.end()));
    ASSERT_EQ(backward(list), std::vector<int>(model.rbegin(), model.rend()));
  }
}

}  // namespace
}  // namespace ashlar
