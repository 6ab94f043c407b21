// SPDX-License-Identifier: MIT
#include "tools/ashlar/capture/capture_file.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/tool/support/fake_capture.hpp"
#include "tests/tool/support/temporary_folder.hpp"

namespace ashlar::tool {
namespace {

std::string problem_of(const std::string& bytes) {
  const capture_result result = parse_capture(bytes);
  EXPECT_FALSE(result);
  EXPECT_EQ(result.problem.find('\n'), std::string::npos);
  return result.problem;
}

TEST(capture_file, what_was_written_is_read) {
  const test::capture_builder written = test::game_capture();
  const capture_result result = parse_capture(written.bytes());
  ASSERT_TRUE(result) << result.problem;
  const capture& all = *result.value;
  EXPECT_EQ(all.program(), "game");
  ASSERT_EQ(all.sites.size(), written.sites.size());
  EXPECT_EQ(all.text(all.sites[0].file), "/src/game/render/texture_cache.cpp");
  EXPECT_EQ(all.sites[0].live_bytes, written.sites[0].live_bytes);
  ASSERT_EQ(all.stack_of(all.sites[0]).size(), 2U);
  EXPECT_EQ(all.stack_of(all.sites[0])[1], 0x402000U);
  EXPECT_EQ(all.tag_path(2), "render/textures");
  EXPECT_EQ(all.tag_path(0), "");
  EXPECT_EQ(all.threads.size(), 2U);
}

TEST(capture_file, what_is_no_capture_is_said_to_be_none) {
  EXPECT_EQ(problem_of(""), "it is empty");
  EXPECT_EQ(problem_of("#!/bin/sh\necho hello\n"), "it is no capture");
  EXPECT_EQ(problem_of(std::string(4096, 'x')), "it is no capture");
  EXPECT_EQ(problem_of(std::string(4096, '\0')),
            "it is not whole: its process ended while it was written");
}

TEST(capture_file, another_version_is_named) {
  test::capture_builder newer = test::game_capture();
  newer.header.version = observe::capture_version + 1;
  EXPECT_EQ(problem_of(newer.bytes()),
            "it is of version " + std::to_string(observe::capture_version + 1) +
                ", and this tool reads version " + std::to_string(observe::capture_version));
}

TEST(capture_file, one_that_is_cut_short_is_refused_wherever_it_was_cut) {
  const std::string whole = test::game_capture().bytes();
  // The last bytes are texts, each of which counts.
  for (std::size_t size = 0; size < whole.size(); size += 7)
    EXPECT_FALSE(problem_of(whole.substr(0, size)).empty()) << size;
}

TEST(capture_file, references_out_of_range_are_refused) {
  const auto damaged = [](auto&& damage) {
    test::capture_builder all = test::game_capture();
    damage(all);
    return problem_of(all.bytes());
  };
  EXPECT_EQ(damaged([](auto& all) { all.sites[0].tag = 99; }),
            "it is damaged: a site has a tag that is not there");
  EXPECT_EQ(damaged([](auto& all) { all.sites[0].frame_count = 1'000; }),
            "it is damaged: a site has a stack that is not there");
  EXPECT_EQ(damaged([](auto& all) { all.sites[0].first_frame = ~0U; }),
            "it is damaged: a site has a stack that is not there");
  EXPECT_EQ(damaged([](auto& all) { all.sites[0].file = 1U << 30; }),
            "it is damaged: a site names a text that is not there");
  EXPECT_EQ(damaged([](auto& all) { all.tags[2].parent = 2; }),
            "it is damaged: a tag comes before its parent");
  EXPECT_EQ(damaged([](auto& all) { all.threads[0].name = 1U << 30; }),
            "it is damaged: a thread has a name that is not there");
  EXPECT_EQ(damaged([](auto& all) { all.strings.back() = 'x'; }),
            "it is damaged: its texts do not end");
  EXPECT_EQ(damaged([](auto& all) { all.took("pool", "", 1, 1, 1).site = 5; }),
            "it is damaged: a container's blocks are of a site that is not there");
  EXPECT_EQ(damaged([](auto& all) { all.took("pool", "", 1, 1, 1).name = 1U << 30; }),
            "it is damaged: a manager has a name that is not there");
  EXPECT_EQ(damaged([](auto& all) { all.header.level = 77; }),
            "it is damaged: there is no level 77");
}

TEST(capture_file, any_changed_byte_is_read_or_refused) {
  const std::string whole = test::game_capture().bytes();
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (const int mask : {0x01, 0x80, 0xFF}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ mask);
      const capture_result result = parse_capture(changed);
      EXPECT_NE(static_cast<bool>(result), !result.problem.empty()) << i;
    }
}

TEST(capture_file, a_file_that_is_missing_is_told_from_one_that_is_damaged) {
  const test::temporary_folder folder;
  EXPECT_TRUE(read_capture(folder.path() / "1.capture").missing);
  std::ofstream(folder.path() / "2.capture") << "text";
  const capture_result text = read_capture(folder.path() / "2.capture");
  EXPECT_FALSE(text);
  EXPECT_FALSE(text.missing);
  std::ofstream(folder.path() / "3.capture") << test::game_capture().bytes();
  const capture_result whole = read_capture(folder.path() / "3.capture");
  ASSERT_TRUE(whole) << whole.problem;
  EXPECT_GT(whole.value->written, 0);
}

}  // namespace
}  // namespace ashlar::tool
