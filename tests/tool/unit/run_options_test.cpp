// SPDX-License-Identifier: MIT
#include "tools/ashlar/run_options.hpp"

#include <gtest/gtest.h>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/nearest.hpp"

namespace ashlar::tool {
namespace {

using words = std::vector<std::string>;

run_options parsed(const words& all) {
  const command_line line = parse_command_line(all);
  EXPECT_TRUE(line.run) << line.error;
  return line.run.value_or(run_options{});
}

std::string error_of(const words& all) {
  const command_line line = parse_command_line(all);
  EXPECT_FALSE(line.run);
  EXPECT_EQ(line.exit_code, exit_usage);
  return line.error;
}

TEST(run_options, leaves_the_arguments_of_the_program_alone) {
  const words command{"prog", "-o", "x", "--json", "--", "--ascii"};
  for (const words& before : {words{"run", "--ascii", "--"}, words{"run", "--ascii"}}) {
    words all = before;
    all.insert(all.end(), command.begin(), command.end());
    const run_options options = parsed(all);
    EXPECT_EQ(options.command, command);
    EXPECT_TRUE(options.ascii);
    EXPECT_FALSE(options.json);
    EXPECT_TRUE(options.output.empty());
  }
}

TEST(run_options, takes_values_in_all_forms) {
  for (const words& all :
       {words{"run", "-o", "file", "prog"}, words{"run", "-ofile", "prog"},
        words{"run", "--output", "file", "prog"}, words{"run", "--output=file", "prog"}}) {
    const run_options options = parsed(all);
    EXPECT_EQ(options.output, "file");
    EXPECT_EQ(options.command, words{"prog"});
  }
}

TEST(run_options, json_takes_a_file_only_with_an_equals_sign) {
  const run_options plain = parsed({"run", "--json", "prog"});
  EXPECT_TRUE(plain.json);
  EXPECT_EQ(plain.command, words{"prog"});
  const run_options named = parsed({"run", "--json=out.json", "prog"});
  EXPECT_FALSE(named.json);
  EXPECT_EQ(named.json_file, "out.json");
}

TEST(run_options, reads_every_option) {
  const run_options options = parsed({"run", "-q", "-f", "--no-color", "--classes", "7", "--units",
                                      "si", "--width", "120", "--library=/x.so", "prog"});
  EXPECT_TRUE(options.quiet);
  EXPECT_TRUE(options.follow_children);
  EXPECT_FALSE(options.each);
  EXPECT_TRUE(options.no_color);
  EXPECT_EQ(options.classes, 7U);
  EXPECT_EQ(options.units, unit_system::si);
  EXPECT_EQ(options.width, 120U);
  EXPECT_EQ(options.library, "/x.so");
}

TEST(run_options, each_follows_children) {
  EXPECT_TRUE(parsed({"run", "--each", "prog"}).follow_children);
}

TEST(run_options, unknown_options_get_one_line_with_the_nearest) {
  EXPECT_EQ(error_of({"run", "--jsom", "prog"}),
            "ashlar run: unknown option --jsom; did you mean --json?\n");
  EXPECT_EQ(error_of({"run", "--xyzzy-frotz", "prog"}),
            "ashlar run: unknown option --xyzzy-frotz; see ashlar run --help\n");
  EXPECT_EQ(error_of({"rn", "prog"}), "ashlar: there is no verb 'rn'; did you mean run?\n");
}

TEST(run_options, wrong_values_get_one_line) {
  EXPECT_EQ(error_of({"run", "--units", "feet", "prog"}),
            "ashlar run: --units: must be iec, si or bytes, not feet\n");
  EXPECT_EQ(error_of({"run", "--width", "10", "prog"}),
            "ashlar run: --width: Value 10 not in range 60 to 1000\n");
  EXPECT_NE(error_of({"run", "--width", "wide", "prog"}), "");
  EXPECT_NE(error_of({"run", "-o"}), "");
  EXPECT_NE(error_of({"run"}), "");
  EXPECT_NE(error_of({"run", "--"}), "");
  EXPECT_NE(error_of({}), "");
}

TEST(run_options, help_names_every_option_and_fits_eighty_columns) {
  const command_line line = parse_command_line({"run", "--help"});
  EXPECT_EQ(line.exit_code, 0);
  for (const char* name :
       {"--output", "--json", "--quiet", "--classes", "--units", "--width", "--ascii", "--no-color",
        "--follow-children", "--each", "--library", "--help"})
    EXPECT_NE(line.output.find(name), std::string::npos) << name;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = line.output.find('\n', begin)) != std::string::npos;
       begin = end + 1)
    EXPECT_LE(end - begin, 80U) << line.output.substr(begin, end - begin);
}

TEST(run_options, tracking_is_asked_for_by_level) {
  const run_options options =
      parsed({"run", "--track=full", "--depth", "9", "--top=3", "--suppressions", "a",
              "--suppressions=b", "--captures", "/tmp", "prog"});
  EXPECT_EQ(options.track, "full");
  EXPECT_EQ(options.depth, 9U);
  EXPECT_EQ(options.top, 3U);
  EXPECT_EQ(options.suppression_files, (words{"a", "b"}));
  EXPECT_EQ(options.capture_folder, "/tmp");
  EXPECT_EQ(parsed({"run", "prog"}).track, "");
  EXPECT_EQ(parsed({"run", "--leaks", "prog"}).track, "full");
  EXPECT_EQ(parsed({"run", "--leaks", "--track=debug", "prog"}).track, "debug");
  EXPECT_EQ(error_of({"run", "--track=ful", "prog"}),
            "ashlar run: --track: must be off, counters, sampled, full or debug, not ful\n");
  EXPECT_NE(error_of({"run", "--track=full:64K", "prog"}), "");
  EXPECT_NE(error_of({"run", "--depth", "65", "prog"}), "");
}

TEST(run_options, a_sample_is_a_size_and_sets_the_level) {
  EXPECT_EQ(parsed({"run", "--sample", "64K", "prog"}).sample, "65536");
  EXPECT_EQ(parsed({"run", "--sample", "64K", "prog"}).track, "sampled");
  EXPECT_EQ(parsed({"run", "--sample=1", "--leaks", "prog"}).track, "sampled");
  EXPECT_EQ(error_of({"run", "--sample", "0", "prog"}),
            "ashlar run: --sample: must be at least one byte\n");
  EXPECT_EQ(error_of({"run", "--sample", "4K,track=full", "prog"}),
            "ashlar run: --sample: must be a size such as 64K, not 4K,track=full\n");
  for (const char* wrong : {"-1", "1e6", "0x10", "1Z", ""})
    EXPECT_NE(error_of({"run", "--sample", wrong, "prog"}), "") << wrong;
}

TEST(run_options, what_the_level_leaves_without_effect_is_refused) {
  EXPECT_EQ(error_of({"run", "--sample=4K", "--track=full", "prog"}),
            "ashlar run: --sample goes with --track=sampled\n");
  EXPECT_EQ(error_of({"run", "--leaks", "--track=counters", "prog"}),
            "ashlar run: --leaks and --leaks-every take --track=sampled, full or debug\n");
  EXPECT_NE(error_of({"run", "--leaks-every=1", "--track=off", "prog"}), "");
}

TEST(run_options, leaks_take_captures_or_a_program) {
  const command_line program =
      parse_command_line({"leaks", "--min", "2K", "--exit-code=0", "--", "prog", "--min"});
  ASSERT_TRUE(program.leaks) << program.error;
  EXPECT_EQ(program.leaks->run.command, (words{"prog", "--min"}));
  EXPECT_EQ(program.leaks->run.least_leak, 2048U);
  EXPECT_EQ(program.leaks->exit_code, 0);
  const command_line files = parse_command_line({"leaks", "--growing", "a.capture", "b.capture"});
  ASSERT_TRUE(files.leaks) << files.error;
  EXPECT_EQ(files.leaks->captures, (words{"a.capture", "b.capture"}));
  EXPECT_EQ(files.leaks->exit_code, 23);
  for (const words& all :
       {words{"leaks"}, words{"leaks", "--growing", "a"}, words{"leaks", "a", "--", "prog"},
        words{"leaks", "--min", "some", "a"}, words{"leaks", "--exit-code", "256", "a"}})
    EXPECT_NE(error_of(all), "");
  const command_line suppressed = parse_command_line({"leaks", "--suppressions", "s", "a.capture"});
  ASSERT_TRUE(suppressed.leaks) << suppressed.error;
  EXPECT_EQ(suppressed.leaks->run.suppression_files, words{"s"});
  EXPECT_EQ(suppressed.leaks->captures, words{"a.capture"});
  EXPECT_EQ(error_of({"leaks", "--growin", "a"}),
            "ashlar leaks: unknown option --growin; did you mean --growing?\n");
}

TEST(run_options, what_follows_json_is_looked_at_and_never_written) {
  const command_line leaks = parse_command_line({"leaks", "--json", "a.capture"});
  ASSERT_TRUE(leaks.leaks) << leaks.error;
  EXPECT_TRUE(leaks.leaks->run.json);
  EXPECT_EQ(leaks.leaks->run.json_file, "");
  EXPECT_EQ(leaks.leaks->captures, words{"a.capture"});
  const command_line named = parse_command_line({"leaks", "--json=out", "a.capture"});
  ASSERT_TRUE(named.leaks) << named.error;
  EXPECT_FALSE(named.leaks->run.json);
  EXPECT_EQ(named.leaks->run.json_file, "out");
}

TEST(run_options, doctor_takes_one_subject_or_none) {
  EXPECT_TRUE(parse_command_line({"doctor"}).doctor);
  const command_line line = parse_command_line({"doctor", "--json", "4711"});
  ASSERT_TRUE(line.doctor) << line.error;
  EXPECT_EQ(line.doctor->subject, "4711");
  EXPECT_TRUE(line.doctor->report.json);
  EXPECT_NE(error_of({"doctor", "a", "b"}), "");
}

TEST(run_options, help_of_every_verb_fits_eighty_columns) {
  for (const char* verb : {"run", "leaks", "doctor"}) {
    const command_line line = parse_command_line({verb, "--help"});
    EXPECT_EQ(line.exit_code, 0);
    EXPECT_NE(line.output.find("Examples:"), std::string::npos);
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = line.output.find('\n', begin)) != std::string::npos;
         begin = end + 1)
      EXPECT_LE(end - begin, 80U) << line.output.substr(begin, end - begin);
  }
}

TEST(run_options, help_and_version_are_no_errors) {
  for (const words& all :
       {words{"--help"}, words{"-h"}, words{"help"}, words{"--version"}, words{"-V"}}) {
    const command_line line = parse_command_line(all);
    EXPECT_EQ(line.exit_code, 0);
    EXPECT_FALSE(line.output.empty());
    EXPECT_TRUE(line.error.empty());
  }
}

TEST(nearest, gives_no_hint_where_nothing_is_near) {
  EXPECT_EQ(nearest_word("--widht", {"--width", "--units"}), "--width");
  EXPECT_EQ(nearest_word("--follow", {"--follow-children", "--json"}), "--follow-children");
  EXPECT_EQ(nearest_word("--f", {"--follow-children", "--json"}), "");
  EXPECT_EQ(nearest_word("abc", {"xyz"}), "");
  EXPECT_EQ(nearest_word("abc", {}), "");
}

}  // namespace
}  // namespace ashlar::tool
