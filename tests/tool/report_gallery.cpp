// SPDX-License-Identifier: MIT
// Prints reports on made-up records, to be looked at: report_gallery [width] [color] [ascii] [bytes]
//
// A layout is judged by the eye; this shows the states that a real program shows rarely.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "tests/tool/fake_snapshot.hpp"
#include "tools/ashlar/report_text.hpp"

using namespace ashlar;
using namespace ashlar::tool;

namespace {

run_report run_of(const observe::snapshot& record, const process_end& end) {
  run_report run;
  run.command = {record.program};
  run.pid = static_cast<pid_t>(record.pid);
  run.end = end;
  run.main = process_report{std::make_shared<observe::snapshot>(record), false, false, end};
  return run;
}

process_report child_of(const observe::snapshot& record) {
  return {std::make_shared<observe::snapshot>(record), false, false, std::nullopt};
}

void show(const run_report& run, const report_format& format) {
  std::fputs(write_text(run, format).c_str(), stdout);
  std::fputs("\n", stdout);
}

}  // namespace

int main(int count, char** words) {
  report_format format;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "color") format.color = true;
    else if (word == "ascii") format.ascii = true;
    else if (word == "bytes") format.units = unit_system::bytes;
    else format.width = static_cast<std::size_t>(std::atoi(words[i]));
  }
  show(run_of(test::small_snapshot(), {0, 0, 0}), format);

  run_report big = run_of(test::fragmented_snapshot(), {3, 0, 0});
  big.children_followed = true;
  big.children = {child_of(test::small_snapshot(48'214, "cc1plus")), child_of(test::small_snapshot(48'220, "as"))};
  big.children[1].still_running = true;
  show(big, format);

  observe::snapshot killed = test::bare_snapshot(77, "true");
  killed.state = observe::process_state::running;
  killed.resident = killed.peak_resident = killed.file = 900 * test::kib;
  show(run_of(killed, {0, 9, killed.taken_ns + 120'000'000}), format);
}
