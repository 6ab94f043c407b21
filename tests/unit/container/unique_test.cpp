// SPDX-License-Identifier: MIT
#include "ashlar/unique.hpp"

#include <gtest/gtest.h>

#include <string>

#include "ashlar/vector.hpp"
#include "support/ledger.hpp"
#include "support/tracked.hpp"

namespace ashlar {
namespace {

using test::ledger;
using test::tracked;
using test::tracked_scope;

TEST(make, makes_and_destroys_single_objects) {
  const tracked_scope elements;
  ledger from;
  tracked<>* const t = make<tracked<>>(from, 7);
  EXPECT_EQ(t->number(), 7);
  destroy(from, t);
  destroy<tracked<>>(from, nullptr);
  const auto* const constant = make<const std::string>(from, "text");
  destroy(from, constant);
  EXPECT_EQ(from.live_blocks(), 0u);
}

TEST(make, leaves_nothing_behind_when_a_constructor_throws) {
  const tracked_scope elements;
  ledger from;
  const tracked<> source;
  test::tracked_now.until_throw = 1;
  EXPECT_THROW((void)make<tracked<>>(from, source), test::copy_refused);
  test::tracked_now.until_throw = 1;
  EXPECT_THROW((void)make_unique<tracked<>>(from, source), test::copy_refused);
  EXPECT_EQ(from.live_blocks(), 0u);
}

TEST(make, throws_or_returns_null_when_memory_is_refused) {
  ledger from;
  from.budget = 0;
  EXPECT_THROW((void)make<int>(from, 7), bad_allocation);
  EXPECT_EQ(try_make<int>(from, 7), nullptr);
  EXPECT_THROW((void)make_array<int>(from, 7), bad_allocation);
  EXPECT_THROW((void)make_array<int>(from, static_cast<std::size_t>(-1)), std::length_error);
  EXPECT_EQ(try_make_array<int>(from, 7).data(), nullptr);
  EXPECT_EQ(try_make_array<int>(from, static_cast<std::size_t>(-1)).data(), nullptr);
  EXPECT_FALSE(try_make_unique<int>(from, 7));
  const unique<int[]> none = try_make_unique<int[]>(from, 7);
  EXPECT_FALSE(none);
  EXPECT_TRUE(elements_of(none).empty());
}

TEST(make, makes_without_throwing_what_there_is_memory_for) {
  const tracked_scope elements;
  ledger from;
  {
    const unique<tracked<>> one = try_make_unique<tracked<>>(from, 7);
    EXPECT_EQ(one->number(), 7);
    const unique<tracked<>[]> some = try_make_unique<tracked<>[]>(from, 3);
    EXPECT_EQ(elements_of(some).size(), 3u);
  }
  EXPECT_EQ(test::tracked_now.live, 0u);
  EXPECT_EQ(from.live_blocks(), 0u);
}

TEST(make_array, value_initialises_and_destroys_each_element) {
  const tracked_scope elements;
  ledger from;
  const std::span<int> numbers = make_array<int>(from, 10);
  EXPECT_EQ(numbers[9], 0);
  const std::span<tracked<>> objects = make_array<tracked<>>(from, 10);
  EXPECT_EQ(test::tracked_now.live, 10u);
  destroy_array(from, numbers);
  destroy_array(from, objects);
  destroy_array(from, std::span<tracked<>>());
  const std::span<int> none = make_array<int>(from, 0);
  destroy_array(from, none);
}

TEST(unique, owns_an_object_in_two_words) {
  const tracked_scope elements;
  ledger from;
  static_assert(sizeof(unique<int>) == 2 * sizeof(void*));
  unique<tracked<>> a = make_unique<tracked<>>(from, 7);
  unique<tracked<>> b = std::move(a);
  EXPECT_EQ(a, nullptr);
  EXPECT_EQ(b->number(), 7);
  EXPECT_EQ(b.get_deleter().get_memory(), memory(from));
  b.reset();
  EXPECT_EQ(test::tracked_now.live, 0u);
  unique<tracked<>> adopted(make<tracked<>>(from, 8), from);
  a = std::move(adopted);
  EXPECT_EQ(a->number(), 8);
  struct base {};
  struct derived : base {};
  static_assert(!std::is_convertible_v<unique<derived>, unique<base>>);
}

/// Nobody can take its address by `&`.
struct without_address {
  static inline int live = 0;
  without_address() { ++live; }
  without_address(const without_address&) = delete;
  ~without_address() { --live; }
  without_address* operator&() = delete;              // NOLINT(google-runtime-operator)
  const without_address* operator&() const = delete;  // NOLINT(google-runtime-operator)
};

TEST(unique, owns_what_overloads_the_address_operator) {
  ledger from;
  {
    const unique<without_address[]> array = make_unique<without_address[]>(from, 3);
    const unique<without_address> one = make_unique<without_address>(from);
    EXPECT_EQ(without_address::live, 4);
  }
  EXPECT_EQ(without_address::live, 0);
  EXPECT_EQ(from.live_blocks(), 0u);
}

TEST(unique, of_a_constant_takes_over_one_of_a_variable_and_none_of_another_class) {
  struct base {};
  struct derived : base {};
  static_assert(!std::is_constructible_v<unique<base>, unique<derived>>);
  static_assert(!std::is_constructible_v<unique<int>, unique<const int>>);
  static_assert(!std::is_constructible_v<unique<base[]>, unique<derived[]>>);
  ledger from;
  {
    const unique<const int> one = make_unique<int>(from, 7);
    const unique<const int[]> array = make_unique<int[]>(from, 3);
    EXPECT_EQ(*one, 7);
    EXPECT_EQ(elements_of(array).size(), 3u);
  }
  EXPECT_EQ(from.live_blocks(), 0u);
}

TEST(unique, is_relocated_as_bytes) {
  static_assert(is_trivially_relocatable<unique<int>> && is_trivially_relocatable<unique<int[]>>);
  ledger from;
  {
    vector<unique<int>> owners(from);
    for (int i = 0; i < 100; ++i) owners.push_back(make_unique<int>(from, i));
    for (int i = 0; i < 100; ++i) EXPECT_EQ(*owners[static_cast<std::size_t>(i)], i);
  }
  EXPECT_EQ(from.live_blocks(), 0u);
}

TEST(unique, owns_an_array_and_knows_its_length) {
  const tracked_scope elements;
  ledger from;
  static_assert(sizeof(unique<int[]>) == 3 * sizeof(void*));
  unique<tracked<>[]> a = make_unique<tracked<>[]>(from, 5);
  EXPECT_EQ(a[4].number(), 0);
  EXPECT_EQ(elements_of(a).size(), 5u);
  a.reset();
  EXPECT_TRUE(elements_of(a).empty());
  a = make_unique<tracked<>[]>(from, 2);
  EXPECT_EQ(test::tracked_now.live, 2u);
  const unique<int[]> none;
  EXPECT_TRUE(elements_of(none).empty());
}

}  // namespace
}  // namespace ashlar
