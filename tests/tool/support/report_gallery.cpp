// SPDX-License-Identifier: MIT
// Prints reports on made-up records: report_gallery [small|children|killed] [WIDTH] [color] [ascii]
//
// A layout is judged by the eye, and this shows states that a real program shows rarely. The golden
// files of the tests are made with it: report_gallery small 80 > golden/small_80.txt
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/tool/support/fake_run.hpp"
#include "tools/ashlar/report/text_report.hpp"

using namespace ashlar::tool;

int main(int count, char** words) {
  run_report run = test::run_of(test::small_snapshot());
  report_format format;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "children") run = test::run_with_children();
    if (word == "killed") run = test::killed_run();
    format.color |= word == "color";
    format.ascii |= word == "ascii";
    if (const int width = std::atoi(words[i])) format.width = static_cast<std::size_t>(width);
  }
  std::fputs(write_text(run, format).c_str(), stdout);
}
