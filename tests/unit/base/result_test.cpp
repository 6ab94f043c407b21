// SPDX-License-Identifier: MIT
// Outcomes carry a block or a reason.
#include "ashlar/base/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>

#include "ashlar/base/units.hpp"

namespace ashlar {
namespace {

TEST(allocation, holds_a_block) {
  int memory[4];
  const allocation outcome = allocation::of(memory, sizeof memory);
  EXPECT_TRUE(outcome);
  EXPECT_EQ(outcome.data(), memory);
  EXPECT_EQ(outcome.size(), sizeof memory);
  EXPECT_EQ(outcome.reason, status::success);
}

TEST(allocation, holds_a_reason) {
  const allocation outcome = allocation::failed(status::not_enough_memory, 64);
  EXPECT_FALSE(outcome);
  EXPECT_EQ(outcome.data(), nullptr);
  EXPECT_EQ(outcome.reason, status::not_enough_memory);
  EXPECT_EQ(outcome.would_fit, 64u);
}

TEST(status, has_a_text_for_each_reason) {
  std::set<std::string> texts;
  for (int i = 0; i <= static_cast<int>(status::unsupported); ++i)
    texts.insert(to_string(static_cast<status>(i)));
  EXPECT_EQ(texts.size(), static_cast<std::size_t>(status::unsupported) + 1);
  EXPECT_EQ(texts.count("unknown"), 0u);
}

TEST(os_result, is_ok_without_an_error) {
  EXPECT_TRUE((os_result<int>{7, {}}.ok()));
  EXPECT_FALSE((os_result<int>{0, {ENOMEM}}.ok()));
}

TEST(units, are_powers_of_1024) {
  EXPECT_EQ(3_KiB, 3072u);
  EXPECT_EQ(1_MiB, 1024_KiB);
  EXPECT_EQ(1_GiB, 1024_MiB);
  EXPECT_EQ(1_TiB, 1024_GiB);
}

}  // namespace
}  // namespace ashlar
