// SPDX-License-Identifier: MIT
#include "tools/ashlar/capture/function_names.hpp"

#include <gtest/gtest.h>

#include "tools/ashlar/capture/memory_maps.hpp"
#include "tools/ashlar/capture/symbolizer.hpp"

namespace ashlar::tool {
namespace {

TEST(function_names, are_readable) {
  EXPECT_EQ(readable_name("main"), "main");
  EXPECT_EQ(readable_name("malloc@@GLIBC_2.2.5"), "malloc");
  EXPECT_EQ(readable_name("_ZN4game4loadERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"),
            "game::load(std::string const&)");
  EXPECT_EQ(readable_name("_ZNSt6vectorIiSaIiEE9push_backERKi"),
            "std::vector<int>::push_back(int const&)");
}

TEST(function_names, are_short_without_parameters_and_result) {
  EXPECT_EQ(short_name("game::load(std::string const&)"), "game::load");
  EXPECT_EQ(short_name("void f<int>(int)"), "f<int>");
  EXPECT_EQ(short_name("std::vector<int>::size() const"), "std::vector<int>::size");
  EXPECT_EQ(short_name("(anonymous namespace)::f(int)"), "(anonymous namespace)::f");
  EXPECT_EQ(short_name("operator new(unsigned long)"), "operator new");
  EXPECT_EQ(short_name("A::operator()(int) const"), "A::operator()");
  EXPECT_EQ(short_name("operator()"), "operator()");
  EXPECT_EQ(short_name("main"), "main");
  EXPECT_EQ(short_name(""), "");
  EXPECT_EQ(short_name("())(("), "())((");
}

TEST(function_names, plumbing_is_told_from_the_program) {
  EXPECT_TRUE(is_plumbing("std::vector<int>::push_back(int const&)"));
  EXPECT_TRUE(is_plumbing("void std::__do<int>()"));
  EXPECT_TRUE(is_plumbing("operator new(unsigned long)"));
  EXPECT_TRUE(is_plumbing("calloc"));
  EXPECT_TRUE(is_plumbing("__invoke_impl<void>", "/usr/include/c++/12/bits/invoke.h"));
  EXPECT_TRUE(is_plumbing("ashlar::std_allocator<int>::allocate(unsigned long)"));
  EXPECT_TRUE(is_plumbing("obtain", "/opt/include/ashlar/container/growable.hpp"));
  EXPECT_FALSE(is_plumbing("ashlar::tool::analyse()", "/src/tools/ashlar/tracking/tracking.cpp"));
  EXPECT_FALSE(is_plumbing("game::load(std::string const&)"));
  EXPECT_FALSE(is_plumbing("malloc_trace_start"));
}

TEST(memory_maps, places_are_counted_from_the_start_of_a_file) {
  const memory_maps maps(
      "400000-401000 r--p 00000000 fe:00 1   /bin/game\n"
      "401000-402000 r-xp 00001000 fe:00 1   /bin/game\n"
      "nonsense\n"
      "500000-501000 rw-p 00000000 00:00 0\n"
      "7f00-7f10 r-xp 00000000 fe:00 2 /lib/with blank.so (deleted)\n");
  EXPECT_EQ(maps.find(0x401234).file, "/bin/game");
  EXPECT_EQ(maps.find(0x401234).offset, 0x1234U);
  EXPECT_EQ(maps.find(0x402000).file, "");
  EXPECT_EQ(maps.find(0x500010).file, "");
  EXPECT_EQ(maps.find(0x10).file, "");
  EXPECT_EQ(maps.find(0x7f08).file, "/lib/with blank.so (deleted)");
  EXPECT_EQ(maps.code_files().size(), 2U);
}

TEST(symbolizer, a_file_that_is_gone_gives_module_and_offset) {
  symbolizer symbols("401000-402000 r-xp 00000000 fe:00 1   /no/such/game\n");
  const stack& frames = symbols.frames_at(0x401235);
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(frames[0].function, "");
  EXPECT_EQ(frames[0].module, "/no/such/game");
  EXPECT_EQ(frames[0].offset, 0x234U);
  ASSERT_EQ(symbols.stale_files().size(), 1U);
}

TEST(symbolizer, any_text_is_no_map) {
  for (const char* text : {"", "\n\n", "zz", "401000-402000 r-xp 0 0 0 /proc/self/mem\n",
                           "ffffffffffffffff-0 r-xp 00000000 fe:00 1 /bin/sh\n"}) {
    symbolizer symbols(text);
    EXPECT_EQ(symbols.frames_at(0x401235).size(), 1U) << text;
  }
}

}  // namespace
}  // namespace ashlar::tool
