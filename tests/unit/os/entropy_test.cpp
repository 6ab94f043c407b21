// SPDX-License-Identifier: MIT
// Random bytes fill what they should and nothing else.
#include "ashlar/os/entropy.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

namespace ashlar {
namespace {

TEST(entropy, fills_just_the_bytes_asked_for) {
  std::array<unsigned char, 600> bytes{};
  ASSERT_TRUE(os::fill_random(bytes.data() + 20, 560).ok());
  EXPECT_TRUE(std::all_of(bytes.begin(), bytes.begin() + 20, [](auto b) { return b == 0; }));
  EXPECT_TRUE(std::all_of(bytes.end() - 20, bytes.end(), [](auto b) { return b == 0; }));
  // 560 bytes of which 20 in a row are zero: once in 2^160.
  const std::array<unsigned char, 20> zeroes{};
  EXPECT_EQ(std::search(bytes.begin() + 20, bytes.end() - 20, zeroes.begin(), zeroes.end()),
            bytes.end() - 20);
}

TEST(entropy, gives_other_bytes_each_time) {
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    std::uint64_t word = 0;
    ASSERT_TRUE(os::fill_random(&word, sizeof word).ok());
    EXPECT_TRUE(seen.insert(word).second);
  }
}

TEST(entropy, accepts_no_bytes_at_all) { EXPECT_TRUE(os::fill_random(nullptr, 0).ok()); }

}  // namespace
}  // namespace ashlar
