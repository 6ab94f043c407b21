// SPDX-License-Identifier: MIT
// What a capture says: figures known exactly, and the text as it was approved.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/tool/support/fake_capture.hpp"
#include "tools/ashlar/leaks.hpp"
#include "tools/ashlar/tracking/tracking_json.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {
namespace {

constexpr std::uint64_t mib = 1 << 20;

tracking tracked(const test::capture_builder& from, const analysis_options& options = {}) {
  const capture_result result = parse_capture(from.bytes());
  EXPECT_TRUE(result) << result.problem;
  return analyse(result.value, options);
}

std::string text_of(const tracking& all, std::size_t width, bool ascii = false,
                    bool whole = false) {
  process_report process;
  process.tracked = std::make_shared<tracking>(all);
  report_format format;
  format.width = width;
  format.ascii = ascii;
  format.all_leaks = whole;
  return render(tracking_sections(process, format), false, width);
}

std::string golden(const std::string& name) {
  std::ifstream file(std::string(ASHLAR_GOLDEN_FOLDER) + "/" + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

const tag_row& row_of(const tracking& all, const std::string& path) {
  for (const tag_row& row : all.tags)
    if (row.path == path) return row;
  throw std::out_of_range(path);
}

// Addresses in no file that is mapped: they are shown as what they are.
TEST(tracking, what_was_said_is_shown_line_by_line_and_stack_by_stack) {
  test::capture_builder from = test::game_capture();
  from.said =
      "ashlar: overrun of 0x10: bytes were \x1b[31mwritten to\n"
      "  block of 24 bytes, made by malloc at\n"
      "    #0 0x1235 /nowhere/game+0x35\n"
      "    #1 0x2235 /nowhere/game+0x1035\n"
      "  cut";
  const tracking all = tracked(from);
  ASSERT_EQ(all.said.size(), 5U);
  EXPECT_TRUE(all.said[0].text.starts_with("ashlar: overrun of 0x10"));
  EXPECT_EQ(all.said[0].text.find('\x1b'), std::string::npos);
  EXPECT_TRUE(all.said[1].frames.empty());
  ASSERT_EQ(all.said[2].frames.size(), 1U);
  EXPECT_EQ(all.said[2].frames[0].offset, 0x1234U);
  ASSERT_EQ(all.said[3].frames.size(), 1U);
  EXPECT_EQ(all.said[4].text, "  cut");
  const std::string text = text_of(all, 80);
  EXPECT_NE(text.find("SAID   on stderr"), std::string::npos);
  EXPECT_NE(text.find("at 0x1234"), std::string::npos);
  EXPECT_EQ(json_of(all)["said"].size(), 5U);
}

TEST(tracking, an_estimate_is_as_far_off_as_the_samples_it_comes_from) {
  test::capture_builder from = test::game_capture();
  from.header.level = 2;
  from.header.sample_bytes = from.header.most_sample_bytes = mib;
  const tracking even = tracked(from);
  const tag_row& textures = row_of(even, "render/textures");
  EXPECT_EQ(textures.live_excess, 0U);
  EXPECT_EQ(error_of(*even.source, {4 * mib, 0}), 2 * mib);
  EXPECT_NE(text_of(even, 100).find("a sample in 1.0 MiB"), std::string::npos);
  EXPECT_EQ(text_of(even, 100).find("fast threads"), std::string::npos);

  // The samples of one site came three times as far apart: their bytes count thrice.
  for (observe::capture_site& each : from.sites)
    if (each.tag == 2) each.live_excess = 2 * each.live_bytes;
  from.header.most_sample_bytes = 4 * mib;
  const tracking fast = tracked(from);
  const tag_row& rarer = row_of(fast, "render/textures");
  EXPECT_EQ(rarer.live_excess, 2 * rarer.live_bytes);
  EXPECT_EQ(row_of(fast, "render").live_excess, rarer.live_excess);
  EXPECT_EQ(fast.live_excess, rarer.live_excess);
  EXPECT_EQ(error_of(*fast.source, {4 * mib, 12 * mib}), 4 * mib);
  // Of what is lost it is not known which samples they are: it is no more than all that live, and
  // than the rarest ones make it.
  EXPECT_EQ(error_of(*fast.source, {mib, 100 * mib}), 2 * mib);
  EXPECT_NE(text_of(fast, 100).find("in fast threads in up to 4.0 MiB"), std::string::npos);
  EXPECT_EQ(json_of(fast)["most_sample_bytes"], 4 * mib);
}

TEST(tracking, tags_are_summed_over_what_lies_below) {
  const tracking all = tracked(test::game_capture());
  EXPECT_EQ(row_of(all, "render").live_bytes, 13 * mib);
  EXPECT_EQ(row_of(all, "render").own_bytes, mib);
  EXPECT_EQ(row_of(all, "render").live_blocks, 13U);
  EXPECT_EQ(row_of(all, "render").own_blocks, 1U);
  EXPECT_EQ(row_of(all, "render/textures").live_bytes, 12 * mib);
  EXPECT_TRUE(row_of(all, "render/textures").is_over());
  EXPECT_FALSE(row_of(all, "render").is_over());
  EXPECT_FALSE(row_of(all, "scripts").is_over());
  EXPECT_TRUE(row_of(all, "scripts").was_over());
  EXPECT_EQ(row_of(all, "").own_bytes, 64'000U);
  EXPECT_EQ(all.live_bytes, 16 * mib + 64'000);
  std::uint64_t sum = 0;
  for (const tag_row& row : all.tags) sum += row.own_bytes;
  EXPECT_EQ(sum, all.live_bytes);
}

TEST(tracking, children_follow_their_parent_and_the_largest_comes_first) {
  const tracking all = tracked(test::game_capture());
  ASSERT_EQ(all.tags.size(), 4U);
  EXPECT_EQ(all.tags[0].path, "render");
  EXPECT_EQ(all.tags[1].path, "render/textures");
  EXPECT_EQ(all.tags[1].depth, 1U);
  EXPECT_EQ(all.tags[2].path, "scripts");
  EXPECT_EQ(all.tags[3].path, "");
}

TEST(tracking, sites_of_one_place_are_one) {
  test::capture_builder two = test::game_capture();
  test::set_figures(two.site("net::session::session()", "/src/game/net/session.cpp", 131, 0,
                             {0x401400, 0x402999}),
                    40, 100, 50);
  const tracking all = tracked(two);
  ASSERT_EQ(all.sites.size(), 5U);
  const site_group& session = all.sites[3];
  EXPECT_EQ(session.stacks, 2U);
  EXPECT_EQ(session.sums.live_blocks, 100U);
  EXPECT_EQ(session.sums.live_bytes, 64'000U);
  EXPECT_EQ(session.sums.born_blocks, 150U);
}

TEST(tracking, what_containers_took_is_apart_from_all_sums) {
  test::capture_builder builder = test::game_capture();
  (void)builder.site("game::level::load()", "/src/game/level.cpp", 12, 1, {0x401600});
  builder.took("arena", "level", 12, 1024, 40);
  builder.took("pool", "", 0, 64, 100);
  (void)builder.site("game::level::load()", "/src/game/level.cpp", 12, 1, {0x401700});
  builder.took("arena", "level", 3, 1024, 3);
  const tracking without = tracked(test::game_capture());
  const tracking all = tracked(builder);
  EXPECT_EQ(all.live_bytes, without.live_bytes);
  EXPECT_EQ(all.sites.size(), without.sites.size());
  ASSERT_EQ(all.inside.size(), 2U);
  EXPECT_EQ(all.inside[0].kind, "arena");
  EXPECT_EQ(all.inside[0].name, "level");
  EXPECT_EQ(all.inside[0].site.stacks, 2U);
  EXPECT_EQ(all.inside[0].site.sums.live_blocks, 15U);
  EXPECT_EQ(all.inside[0].site.sums.born_bytes, 43U * 1024);
  EXPECT_EQ(all.inside[1].kind, "pool");
  const auto json = json_of(all)["inside"];
  ASSERT_EQ(json.size(), 2U);
  EXPECT_EQ(json[0]["manager"], "arena");
  EXPECT_EQ(json[0]["name"], "level");
  EXPECT_EQ(json[0]["tag"], "render");
  EXPECT_EQ(json[0]["live_bytes"], 15 * 1024);
  EXPECT_TRUE(json[1]["name"].is_null());
  const std::string text = text_of(all, 100);
  EXPECT_NE(text.find("INSIDE MANAGERS   15 KiB in 15 blocks of containers"), std::string::npos)
      << text;
  EXPECT_NE(text.find("arena \"level\""), std::string::npos) << text;
}

TEST(tracking, leaks_are_counted_exactly) {
  const tracking all = tracked(test::game_capture());
  EXPECT_TRUE(all.leaks.scanned);
  EXPECT_EQ(all.leaks.lost.blocks, 44U);
  EXPECT_EQ(all.leaks.lost.bytes, 44'000U);
  EXPECT_EQ(all.leaks.lost.stacks, 2U);
  EXPECT_EQ(all.leaks.held.blocks, 5U);
  EXPECT_EQ(all.leaks.held.bytes, 5'000U);
  ASSERT_EQ(all.leaks.groups.size(), 3U);
  EXPECT_EQ(all.leaks.groups[0].bytes, 40'000U);
  EXPECT_TRUE(all.leaks.groups[2].held);
}

TEST(tracking, suppressed_and_small_leaks_are_counted_apart) {
  analysis_options options;
  options.suppressed.add("leak:plugin_*\n", "test");
  tracking all = tracked(test::game_capture(), options);
  EXPECT_EQ(all.leaks.lost.blocks, 40U);
  EXPECT_EQ(all.leaks.hidden.blocks, 4U);
  ASSERT_EQ(all.leaks.suppressed.size(), 1U);
  EXPECT_EQ(all.leaks.suppressed[0].suppressed_by, "plugin_*");

  analysis_options at_least;
  at_least.least_leak = 5'001;
  all = tracked(test::game_capture(), at_least);
  ASSERT_EQ(all.leaks.groups.size(), 1U);
  EXPECT_EQ(all.leaks.hidden.blocks, 9U);
}

TEST(tracking, text_is_as_it_was_approved) {
  const tracking all = tracked(test::game_capture());
  EXPECT_EQ(text_of(all, 80), golden("tracking_80.txt"));
  EXPECT_EQ(text_of(all, 120, false, true), golden("tracking_120.txt"));
  EXPECT_EQ(text_of(all, 80, true), golden("tracking_80_ascii.txt"));
}

TEST(tracking, no_line_is_wider_than_asked_for) {
  const tracking all = tracked(test::game_capture());
  for (const std::size_t width : {60U, 61U, 80U, 100U, 120U, 200U}) {
    process_report process;
    process.tracked = std::make_shared<tracking>(all);
    report_format format;
    format.width = width;
    for (const line& each : tracking_sections(process, format))
      EXPECT_LE(each.width(), width) << each.render(false, 1'000);
  }
}

TEST(tracking, ascii_is_ascii) {
  for (const char byte : text_of(tracked(test::game_capture()), 80, true)) EXPECT_GE(byte, 0);
}

TEST(tracking, an_empty_capture_has_an_empty_report) {
  test::capture_builder nothing;
  const tracking all = tracked(nothing);
  EXPECT_EQ(all.live_bytes, 0U);
  EXPECT_NE(text_of(all, 80).find("LEAKS   none"), std::string::npos);
}

TEST(tracking, json_has_every_figure) {
  const auto all = json_of(tracked(test::game_capture()));
  EXPECT_EQ(all["level"], "full");
  EXPECT_EQ(all["live_bytes"], 16 * mib + 64'000);
  EXPECT_EQ(all["tags"][1]["tag"], "render/textures");
  EXPECT_EQ(all["tags"][1]["over_budget"], true);
  EXPECT_EQ(all["tags"][1]["soft_budget"], 10 * mib);
  EXPECT_TRUE(all["tags"][1]["hard_budget"].is_null());
  EXPECT_EQ(all["sites"][0]["stack"][0]["line"], 214);
  EXPECT_EQ(all["sites"][0]["live_blocks"], 12);
  EXPECT_EQ(all["leaks"]["lost"]["blocks"], 44);
  EXPECT_EQ(all["leaks"]["found"][0]["kind"], "lost");
  EXPECT_EQ(all["threads"][0]["allocations"], 1'103'000);
}

}  // namespace
}  // namespace ashlar::tool
