// SPDX-License-Identifier: MIT
// What several captures say together.
#include "tools/ashlar/tracking/growth.hpp"

#include <gtest/gtest.h>

#include "tests/tool/support/fake_capture.hpp"
#include "tools/ashlar/tracking/tracking_json.hpp"

namespace ashlar::tool {
namespace {

constexpr std::uint64_t mib = 1 << 20;

std::shared_ptr<const capture> read(const test::capture_builder& from) {
  const capture_result result = parse_capture(from.bytes());
  EXPECT_TRUE(result) << result.problem;
  return result.value;
}

/// The game after `seconds`, its first place with so many blocks of 1 MiB.
test::capture_builder game_after(std::uint64_t seconds, std::uint64_t textures) {
  test::capture_builder all = test::game_capture();
  all.header.taken_ns = all.header.start_ns + seconds * 1'000'000'000;
  all.header.reason = observe::capture_reason::interval;
  test::set_figures(all.sites[0], textures, mib, 100);
  return all;
}

TEST(growth, two_captures_of_equal_contents_show_none) {
  const auto a = read(test::game_capture());
  EXPECT_TRUE(growth_in({a, a}).places.empty());
}

TEST(growth, is_what_the_later_capture_has_more) {
  test::capture_builder later = test::game_capture();
  later.sites[0].live_blocks += 2;
  later.sites[0].live_bytes += 2 * mib;
  later.sites[2].live_bytes -= 1024;
  test::set_figures(later.site("fresh", "/src/fresh.cpp", 1, 0), 1, 10, 1);
  const growth_findings found = growth_in({read(test::game_capture()), read(later)});
  ASSERT_EQ(found.places.size(), 2U);
  EXPECT_EQ(found.places[0].bytes, static_cast<std::int64_t>(2 * mib));
  EXPECT_EQ(found.places[0].blocks, 2);
  EXPECT_EQ(found.places[1].bytes, 10);
  EXPECT_EQ(found.places[1].where.frames[0].function, "fresh");
  EXPECT_DOUBLE_EQ(found.places[0].certainty(), 0.5);
}

TEST(growth, is_steady_where_it_rose_in_each_step) {
  test::capture_builder second = game_after(2, 13);
  test::capture_builder third = game_after(3, 15);
  test::set_figures(second.sites[3], 80, 1000, 100);
  test::set_figures(third.sites[3], 70, 1000, 100);
  const growth_findings found = growth_in({read(game_after(1, 12)), read(second), read(third)});
  EXPECT_EQ(found.steps, 2U);
  EXPECT_EQ(found.steady, 1U);
  EXPECT_EQ(found.span_ns, 2'000'000'000U);
  ASSERT_EQ(found.places.size(), 2U);
  EXPECT_TRUE(found.places[0].is_steady());
  EXPECT_EQ(found.places[0].bytes, static_cast<std::int64_t>(3 * mib));
  EXPECT_DOUBLE_EQ(found.places[0].certainty(), 0.75);
  EXPECT_EQ(found.places[1].rises, 1U);
  EXPECT_FALSE(found.places[1].is_steady());
  EXPECT_EQ(found.places[1].lost_blocks, 40U);
}

TEST(growth, a_block_that_is_merely_larger_is_no_steady_growth) {
  test::capture_builder later = test::game_capture();
  later.sites[0].live_bytes += mib;
  const growth_findings found = growth_in({read(test::game_capture()), read(later)});
  ASSERT_EQ(found.places.size(), 1U);
  EXPECT_EQ(found.steady, 0U);
}

TEST(growth, the_capture_of_the_end_is_left_out_where_two_others_are_there) {
  const auto first = read(game_after(1, 1));
  const auto second = read(game_after(2, 2));
  test::capture_builder last = game_after(3, 0);
  last.header.reason = observe::capture_reason::exit;
  const auto end = read(last);
  EXPECT_EQ(comparable({end, second, first}), (captures{first, second}));
  EXPECT_EQ(comparable({first, end}), (captures{first, end}));
}

TEST(growth, captures_of_two_runs_have_no_rate) {
  test::capture_builder other = game_after(2, 13);
  other.header.pid = 4712;
  const captures both{read(game_after(1, 12)), read(other)};
  EXPECT_FALSE(are_of_one_process(both));
  EXPECT_EQ(growth_in(both).span_ns, 0U);
}

TEST(growth, what_hangs_on_lost_blocks_is_not_called_referenced) {
  test::capture_builder second = game_after(2, 13);
  second.sites[0].held_blocks = 13;
  const growth_findings found = growth_in({read(game_after(1, 12)), read(second)});
  EXPECT_EQ(found.places[0].held_blocks, 13U);
  const std::string text = render(growth_section(found, false, {}), false, 80);
  EXPECT_NE(text.find("\n  kept by lost ones\n"), std::string::npos) << text;
  EXPECT_EQ(json_of(found)["growing"][0]["held_blocks"], 13);
}

TEST(growth, text_says_how_much_how_fast_and_how_sure) {
  const growth_findings found =
      growth_in({read(game_after(1, 12)), read(game_after(2, 13)), read(game_after(3, 15))});
  report_format format;
  EXPECT_EQ(render(growth_section(found, false, format), false, 80),
            "GROWING   1 place rose in each of 2 steps over 2.00 s\n"
            "  +3.0 MiB in +3 blocks · 1.5 MiB a second · now 15.0 MiB · 75% sure\n"
            "  still referenced\n"
            "      <render/textures>\n"
            "      game::texture_cache::upload  /src/game/render/texture_cache.cpp:214\n"
            "      ← at 0x401233\n"
            "      ← at 0x401fff\n");
  for (const std::size_t width : {60U, 80U, 120U}) {
    format.width = width;
    for (const line& each : growth_section(found, true, format)) EXPECT_LE(each.width(), width);
  }
  EXPECT_EQ(json_of(found)["growing"][0]["certainty"], 0.75);
}

}  // namespace
}  // namespace ashlar::tool
