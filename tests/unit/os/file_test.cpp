// SPDX-License-Identifier: MIT
// Small text files are read whole, or line by line through a buffer smaller than they are.
#include "ashlar/os/file.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

namespace ashlar {
namespace {

class text_file {
 public:
  explicit text_file(const std::string& text) {
    const int file = ::mkstemp(path_);
    EXPECT_EQ(::write(file, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(file);
  }
  ~text_file() { ::unlink(path_); }
  text_file(const text_file&) = delete;
  text_file& operator=(const text_file&) = delete;

  const char* path() const { return path_; }

 private:
  char path_[32] = "/tmp/ashlar-file-XXXXXX";
};

std::vector<std::string> lines_of(const std::string& text) {
  const text_file file(text);
  os::line_reader reader(file.path());
  std::vector<std::string> lines;
  while (const char* line = reader.next()) lines.emplace_back(line);
  return lines;
}

TEST(read_text_file, reads_what_fits) {
  const text_file file("hello");
  char text[10];
  EXPECT_EQ(os::read_text_file(file.path(), text, sizeof text).value, 5u);
  EXPECT_STREQ(text, "hello");
  EXPECT_EQ(os::read_text_file(file.path(), text, 4).value, 3u);
  EXPECT_STREQ(text, "hel");
}

TEST(read_text_file, reports_a_missing_file) {
  char text[4] = "abc";
  errno = 0;
  EXPECT_EQ(os::read_text_file("/nowhere/at/all", text, sizeof text).error.code, ENOENT);
  EXPECT_STREQ(text, "");
  EXPECT_EQ(errno, 0);
}

TEST(line_reader, returns_each_line) {
  using lines = std::vector<std::string>;
  EXPECT_EQ(lines_of(""), lines{});
  EXPECT_EQ(lines_of("one"), lines{"one"});
  EXPECT_EQ(lines_of("one\n\ntwo\n"), (lines{"one", "", "two"}));
}

TEST(line_reader, reads_files_larger_than_its_buffer) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += std::to_string(i) + "\n";
  const std::vector<std::string> lines = lines_of(text);
  ASSERT_EQ(lines.size(), 2000u);
  for (int i = 0; i < 2000; ++i) EXPECT_EQ(lines[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST(line_reader, cuts_lines_longer_than_its_buffer) {
  for (const std::size_t size : {1022u, 1023u, 1024u, 2046u, 5000u}) {
    const std::vector<std::string> lines = lines_of(std::string(size, 'x') + "\nnext\n");
    ASSERT_EQ(lines.size(), 2u) << size;
    EXPECT_EQ(lines[0].size(), size < 1023 ? size : 1023) << size;
    EXPECT_EQ(lines[1], "next") << size;
  }
}

TEST(line_reader, has_no_lines_of_a_missing_file) {
  os::line_reader reader("/nowhere/at/all");
  EXPECT_EQ(reader.next(), nullptr);
}

TEST(parse, stops_behind_the_digits) {
  std::uint64_t value = 0;
  EXPECT_STREQ(os::parse_decimal("42 rest", value), " rest");
  EXPECT_EQ(value, 42u);
  EXPECT_STREQ(os::parse_decimal("max", value), "max");
  EXPECT_EQ(value, 0u);
  EXPECT_STREQ(os::parse_hex("7fffab-", value), "-");
  EXPECT_EQ(value, 0x7fffabu);
}

TEST(parse, gives_the_largest_value_on_overflow) {
  std::uint64_t value = 0;
  os::parse_decimal("18446744073709551615", value);
  EXPECT_EQ(value, UINT64_MAX);
  EXPECT_STREQ(os::parse_decimal("18446744073709551616!", value), "!");
  EXPECT_EQ(value, UINT64_MAX);
  os::parse_decimal("99999999999999999999999", value);
  EXPECT_EQ(value, UINT64_MAX);
}

}  // namespace
}  // namespace ashlar
