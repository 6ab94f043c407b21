// SPDX-License-Identifier: MIT
// Outcomes carry a block or a reason.
#include "ashlar/base/result.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <string>
#include <type_traits>

#include "ashlar/base/units.hpp"

namespace ashlar {
namespace {

TEST(allocation, holds_a_block) {
  int memory[4];
  const allocation outcome = allocation::of(memory, sizeof memory);
  EXPECT_TRUE(outcome);
  EXPECT_EQ(outcome.data(), memory);
  EXPECT_EQ(outcome.size(), sizeof memory);
  EXPECT_EQ(outcome.reason(), status::success);
}

TEST(allocation, holds_a_reason) {
  const allocation outcome = allocation::failed(status::not_enough_memory, 64);
  EXPECT_FALSE(outcome);
  EXPECT_EQ(outcome.data(), nullptr);
  EXPECT_EQ(outcome.reason(), status::not_enough_memory);
  EXPECT_EQ(outcome.would_fit(), 64u);
}

TEST(allocation, tells_the_largest_size_that_fits_up_to_what_an_address_space_holds) {
  constexpr std::size_t most = (std::size_t{1} << 56) - 1;
  EXPECT_EQ(allocation::failed(status::not_enough_memory, most).would_fit(), most);
  EXPECT_EQ(allocation::failed(status::not_enough_memory, most).reason(),
            status::not_enough_memory);
  EXPECT_EQ(allocation::failed(status::over_budget).size(), 0u);
}

// Two words, no constructor or destructor with a body: the ABI returns it in two registers.
static_assert(sizeof(allocation) == 16 && std::is_trivially_copyable_v<allocation>);

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
