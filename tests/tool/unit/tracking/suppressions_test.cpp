// SPDX-License-Identifier: MIT
#include "tools/ashlar/tracking/suppressions.hpp"

#include <gtest/gtest.h>

#include "tests/tool/support/temporary_folder.hpp"
#include "tools/ashlar/failure.hpp"

namespace ashlar::tool {
namespace {

TEST(suppressions, patterns_fit_as_in_leak_sanitizer) {
  EXPECT_TRUE(pattern_fits("load", "plugin_load"));
  EXPECT_TRUE(pattern_fits("pl*load", "plugin_load"));
  EXPECT_FALSE(pattern_fits("load*pl", "plugin_load"));
  EXPECT_TRUE(pattern_fits("^plugin", "plugin_load"));
  EXPECT_FALSE(pattern_fits("^load", "plugin_load"));
  EXPECT_TRUE(pattern_fits("load$", "plugin_load"));
  EXPECT_FALSE(pattern_fits("plugin$", "plugin_load"));
  EXPECT_TRUE(pattern_fits("^plugin_load$", "plugin_load"));
  EXPECT_FALSE(pattern_fits("^plugin$", "plugin_load"));
  EXPECT_TRUE(pattern_fits("^pl*ad$", "plugin_load"));
  EXPECT_FALSE(pattern_fits("^ad*ad$", "load_load"));
  EXPECT_TRUE(pattern_fits("*", "anything"));
  EXPECT_FALSE(pattern_fits("*", ""));
}

TEST(suppressions, any_frame_counts_by_function_file_or_module) {
  suppressions all;
  all.add("# known\n\n  leak:libplugin.so\nrace:other\r\nleak:cache.cpp\n", "test");
  stack frames(2);
  frames[0].function = "f";
  frames[0].file = "/src/f.cpp";
  frames[1].module = "/usr/lib/libplugin.so.1";
  EXPECT_EQ(*all.find(frames), "libplugin.so");
  frames[1].module = "";
  EXPECT_EQ(all.find(frames), nullptr);
  frames[1].file = "/src/cache.cpp";
  EXPECT_EQ(*all.find(frames), "cache.cpp");
}

TEST(suppressions, a_line_that_is_none_is_named) {
  for (const char* text : {"leak:a\nfoo\n", "leak:a\nleaks:b\n", "leak:a\nleak:\n"}) {
    suppressions all;
    try {
      all.add(text, "my.supp");
      FAIL() << text;
    } catch (const failure& error) {
      EXPECT_EQ(error.exit_code(), exit_usage);
      EXPECT_TRUE(std::string(error.what()).starts_with("my.supp:2: expected leak:PATTERN"))
          << error.what();
    }
  }
}

TEST(suppressions, files_are_found_in_the_options_of_leak_sanitizer) {
  const test::temporary_folder folder;
  const std::string file = folder.write("a.supp", "leak:from_a\n").string();
  for (const std::string& options :
       {"suppressions=" + file, "verbosity=1:suppressions=" + file + ":exitcode=0",
        "suppressions='" + file + "',verbosity=1"}) {
    suppressions all;
    all.add_from_options(options);
    stack frames(1);
    frames[0].function = "from_a";
    EXPECT_NE(all.find(frames), nullptr) << options;
  }
  suppressions none;
  none.add_from_options("verbosity=1:print_suppressions=0: :,");
  EXPECT_TRUE(none.empty());
  EXPECT_THROW(none.add_from_options("suppressions=/no/such/file"), failure);
  EXPECT_THROW(none.add_file("/tmp"), failure);
}

}  // namespace
}  // namespace ashlar::tool
