// SPDX-License-Identifier: MIT
// Lines are formatted as documented, cut when too long, and written whole.
#include "ashlar/os/diagnostic.hpp"

#include <gtest/gtest.h>

#include <string>

#include "ashlar/base/bits.hpp"

namespace ashlar {
namespace {

std::string bytes(std::uint64_t size) { return os::line().bytes(size).c_str(); }

TEST(line, joins_words_and_numbers) {
  os::line line;
  line.text("a ").decimal(0).text(" ").decimal(UINT64_MAX).text(" ").hex(0xbeef);
  EXPECT_STREQ(line.c_str(), "a 0 18446744073709551615 0xbeef");
  EXPECT_EQ(line.size(), std::string(line.c_str()).size());
}

TEST(line, shows_pointers_as_hex) {
  EXPECT_STREQ(os::line().pointer(nullptr).c_str(), "0x0");
  EXPECT_STREQ(os::line().pointer(at_address(0x7ffd0010)).c_str(), "0x7ffd0010");
}

TEST(line, shows_sizes_in_the_unit_that_fits) {
  EXPECT_EQ(bytes(0), "0 B");
  EXPECT_EQ(bytes(1000), "1000 B");
  EXPECT_EQ(bytes(1024), "1 KiB");
  EXPECT_EQ(bytes(1025), "1025 B");
  EXPECT_EQ(bytes(9999), "9999 B");
  EXPECT_EQ(bytes(15'000), "14.6 KiB");
  EXPECT_EQ(bytes(64 * 1024), "64 KiB");
  EXPECT_EQ(bytes(std::uint64_t{3} << 29), "1536 MiB");
  EXPECT_EQ(bytes(std::uint64_t{1} << 40), "1 TiB");
  EXPECT_EQ(bytes(UINT64_MAX), "15.9 EiB");
}

TEST(line, is_cut_at_its_capacity) {
  os::line line;
  for (int i = 0; i < 100; ++i) line.text("0123456789");
  EXPECT_EQ(line.size(), os::line::capacity - 1);
  EXPECT_EQ(line.decimal(5).size(), os::line::capacity - 1);
}

TEST(write_line, writes_one_line_to_stderr) {
  testing::internal::CaptureStderr();
  os::write_line(os::line().text("ashlar: one line"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "ashlar: one line\n");
}

}  // namespace
}  // namespace ashlar
