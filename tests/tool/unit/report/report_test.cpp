// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>

#include "tests/tool/support/fake_run.hpp"
#include "tools/ashlar/report/json_report.hpp"
#include "tools/ashlar/report/text_report.hpp"

namespace ashlar::tool {
namespace {

report_format format_of(std::size_t width, bool ascii = false) {
  report_format format;
  format.width = width;
  format.ascii = ascii;
  return format;
}

std::string golden(const std::string& name) {
  std::ifstream file(std::string(ASHLAR_GOLDEN_FOLDER) + "/" + name);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> all;
  std::istringstream stream(text);
  for (std::string each; std::getline(stream, each);) all.push_back(each);
  return all;
}

std::vector<run_report> all_runs() {
  return {test::run_of(test::small_snapshot()), test::run_with_children(), test::killed_run()};
}

TEST(report, text_is_as_it_was_approved) {
  EXPECT_EQ(write_text(test::run_of(test::small_snapshot()), format_of(80)),
            golden("small_80.txt"));
  EXPECT_EQ(write_text(test::run_of(test::small_snapshot()), format_of(60, true)),
            golden("small_60_ascii.txt"));
  EXPECT_EQ(write_text(test::run_with_children(), format_of(120)), golden("children_120.txt"));
  EXPECT_EQ(write_text(test::killed_run(), format_of(80)), golden("killed_80.txt"));
}

TEST(report, no_line_is_wider_than_asked_for) {
  for (const run_report& run : all_runs())
    for (const std::size_t width : {60U, 61U, 80U, 100U, 120U, 200U})
      for (const std::string& each : split(write_text(run, format_of(width))))
        EXPECT_LE(visible_width(each), width) << each;
}

TEST(report, nothing_is_cut_from_sixty_columns_on) {
  // A line that fills the width may have been cut, so each is compared with its uncut self.
  for (const run_report& run : all_runs()) {
    const report_format format = format_of(60);
    for (const line& each : process_section(*run.main, format))
      EXPECT_LE(each.width(), format.width) << each.render(false, 1'000);
  }
}

TEST(report, color_only_adds_color) {
  const std::regex escapes("\x1b\\[[0-9;]*m");
  for (const run_report& run : all_runs()) {
    report_format format = format_of(80);
    const std::string plain = write_text(run, format);
    format.color = true;
    const std::string colored = write_text(run, format);
    EXPECT_NE(colored, plain);
    EXPECT_EQ(split(std::regex_replace(std::regex_replace(colored, escapes, ""), std::regex(" +\n"),
                                       "\n")),
              split(plain));
  }
}

TEST(report, ascii_is_ascii) {
  for (const run_report& run : all_runs())
    for (const char byte : write_text(run, format_of(80, true))) EXPECT_GE(byte, 0);
}

TEST(report, printed_parts_add_up_to_the_printed_resident_set) {
  const std::regex part(
      "(live|slack|free|cached|metadata|file|untouched|unexplained) +(-?[0-9 ]+\\.?[0-9]*)");
  for (const run_report& run : all_runs()) {
    const auto all = split(write_text(run, format_of(120)));
    const auto resident = std::find_if(all.begin(), all.end(),
                                       [](const auto& each) { return each.starts_with("RSS "); });
    ASSERT_NE(resident, all.end());
    const std::string& sum = *std::next(resident);
    std::smatch rss;
    ASSERT_TRUE(std::regex_search(*resident, rss, std::regex("RSS ([0-9 ]+\\.?[0-9]*) ")));
    const auto number = [](std::string text) {
      text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
      return std::stod(text);
    };
    double total = 0;
    int count = 0;
    for (std::sregex_iterator each(sum.begin(), sum.end(), part), end; each != end; ++each, ++count)
      total += number((*each)[2]);
    EXPECT_EQ(count, 8) << sum;
    EXPECT_NEAR(total, number(rss[1]), 0.001) << sum;
  }
}

TEST(report, the_number_of_classes_can_be_chosen) {
  report_format format = format_of(80);
  format.classes = 3;
  const lines section = classes_section(test::fragmented_snapshot(), format);
  // Title, header, three classes, the rest in one row, large blocks.
  ASSERT_EQ(section.size(), 7U);
  EXPECT_NE(section[5].render(false, 80).find("41 more"), std::string::npos);
  format.classes = 1'000;
  EXPECT_EQ(classes_section(test::fragmented_snapshot(), format).size(), 2U + 44U + 1U);
}

TEST(report, without_a_choice_the_classes_hold_ninety_nine_percent) {
  observe::snapshot record = test::bare_snapshot(1, "x");
  test::add_class(record, 64, 1'000'000, 0, 0);
  test::add_class(record, 128, 10, 0, 0);
  const lines section = classes_section(record, format_of(80));
  ASSERT_EQ(section.size(), 4U);
  EXPECT_NE(section[3].render(false, 80).find("1 more"), std::string::npos);
}

TEST(report, a_name_cannot_move_the_cursor) {
  const std::string text =
      write_text(test::run_of(test::bare_snapshot(1, "a\x1b[2Jb")), format_of(80));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(report, each_shows_children_in_full) {
  report_format format = format_of(80);
  const auto titles = [&] {
    const std::string text = write_text(test::run_with_children(), format);
    const std::regex title("ashlar report");
    return std::distance(std::sregex_iterator(text.begin(), text.end(), title),
                         std::sregex_iterator());
  };
  EXPECT_EQ(titles(), 1);
  format.each = true;
  EXPECT_EQ(titles(), 3);
}

TEST(report, json_holds_the_exact_numbers) {
  const run_report run = test::run_with_children();
  const auto json = nlohmann::json::parse(write_json(run));
  EXPECT_EQ(json["ashlar_report"], 1);
  EXPECT_EQ(json["exit"]["code"], 3);
  EXPECT_TRUE(json["exit"]["signal"].is_null());
  ASSERT_EQ(json["processes"].size(), 3U);
  const auto& main = json["processes"][0];
  EXPECT_TRUE(main["main"]);
  EXPECT_EQ(main["program"], "game");
  const auto& memory = main["memory"];
  std::int64_t sum = -memory["untouched"].get<std::int64_t>();
  for (const char* part : {"live", "slack", "free", "cached", "metadata", "file", "unexplained"})
    sum += memory[part].get<std::int64_t>();
  EXPECT_EQ(sum, memory["resident"].get<std::int64_t>());
  EXPECT_EQ(main["size_classes"].size(), run.main->record->class_count);
  EXPECT_EQ(main["fragmentation"]["map"]["kinds"].get<std::string>().size(),
            run.main->record->cell_count);
  EXPECT_TRUE(json["processes"][2]["still_running"]);
}

TEST(report, json_names_the_signal) {
  const auto json = nlohmann::json::parse(write_json(test::killed_run()));
  EXPECT_TRUE(json["exit"]["code"].is_null());
  EXPECT_EQ(json["exit"]["signal"], 9);
  EXPECT_EQ(json["exit"]["signal_name"], "SIGKILL");
}

TEST(report, json_survives_names_that_are_not_utf8) {
  run_report run = test::run_of(test::bare_snapshot(1, "\xff\xfe"));
  run.command = {"\xff"};
  EXPECT_NO_THROW(nlohmann::json::parse(write_json(run)));
}

}  // namespace
}  // namespace ashlar::tool
