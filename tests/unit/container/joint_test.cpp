// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "ashlar/unique.hpp"
#include "support/ledger.hpp"
#include "support/tracked.hpp"

namespace ashlar {
namespace {

using test::ledger;
using test::tracked;
using test::tracked_scope;

TEST(joint, lays_its_parts_into_one_block) {
  ledger from;
  auto mesh = make_joint<char, double[], char[], int>(from, 3, 5);
  EXPECT_EQ(from.live_blocks(), 1u);
  auto [tag, numbers, text, total] = mesh.parts();
  tag = 'x';
  for (double& n : numbers) n += 1.5;
  for (char& c : text) c = 'y';
  total = 7;
  EXPECT_EQ(numbers.size(), 3u);
  EXPECT_EQ(text.size(), 5u);
  EXPECT_EQ(reinterpret_cast<std::byte*>(numbers.data()), reinterpret_cast<std::byte*>(&tag) + 8);
  EXPECT_EQ(text.data(), reinterpret_cast<char*>(numbers.data() + 3));
  EXPECT_EQ(mesh.get<0>(), 'x');
  EXPECT_EQ(mesh.get<1>()[2], 1.5);
  EXPECT_EQ(mesh.get<3>(), 7);
  EXPECT_EQ(from.used(), 8u + 24 + 5 + 3 + 4);
}

TEST(joint, need_not_have_arrays) {
  ledger from;
  auto pair = make_joint<int, double>(from);
  auto [number, fraction] = pair.parts();
  EXPECT_EQ(number + fraction, 0);
}

TEST(joint, ends_what_it_made_once) {
  const tracked_scope elements;
  ledger from;
  using parts = joint<tracked<>, std::string[], tracked<>[]>;
  parts a = make_joint<tracked<>, std::string[], tracked<>[]>(from, 2, 4);
  EXPECT_EQ(test::tracked_now.live, 5u);
  a.get<1>()[1] = "long enough to lie in memory of its own";
  parts b = std::move(a);
  EXPECT_FALSE(a);
  EXPECT_EQ(b.get<1>()[1], "long enough to lie in memory of its own");
  b = make_joint<tracked<>, std::string[], tracked<>[]>(from, 0, 1);
  EXPECT_EQ(test::tracked_now.live, 2u);
  EXPECT_EQ(from.live_blocks(), 1u);
}

struct counts_down {
  static inline std::size_t left = 0;
  static inline std::size_t live = 0;
  counts_down() {
    if (left-- == 0) throw test::copy_refused();
    ++live;
  }
  ~counts_down() { --live; }
};

TEST(joint, leaves_nothing_behind_when_a_constructor_throws) {
  ledger from;
  for (std::size_t n = 0; n < 6; ++n) {
    counts_down::left = n;
    EXPECT_THROW((void)(make_joint<counts_down, counts_down[], counts_down[]>(from, 2, 3)),
                 test::copy_refused);
    EXPECT_EQ(counts_down::live, 0u);
    EXPECT_EQ(from.live_blocks(), 0u);
  }
}

TEST(joint, refuses_lengths_that_overflow) {
  ledger from;
  EXPECT_THROW((void)(make_joint<int, int[], int[]>(from, max_size / 4, max_size / 4)),
               std::length_error);
  // Here the second array would begin above max_size, and the sum of all is 0 modulo 2^64.
  EXPECT_THROW((void)(make_joint<char[], double[]>(from, max_size, std::size_t{1} << 60)),
               std::length_error);
  from.budget = 0;
  EXPECT_THROW((void)(make_joint<int, int[]>(from, 1)), bad_allocation);
}

TEST(joint, gives_up_ownership_for_memory_that_ends_all_at_once) {
  ledger from;
  auto [number, text] = make_joint<int, char[]>(from, 4).release();
  number = 3;
  EXPECT_EQ(text.size(), 4u);
  EXPECT_EQ(from.live_blocks(), 1u);
  from.deallocate({&number, sizeof(int) + 4}, alignof(int));
}

}  // namespace
}  // namespace ashlar
