// SPDX-License-Identifier: MIT
// What a program holds more and more of: several captures, compared by stack.
//
// From capture to capture is a step. A place grows if both its bytes and its blocks rose in every
// step. How sure that is: a place whose holdings go up as often as down rises in each of n steps
// with a chance of 1 in 2^n, so after one step it is a guess, and after five it is 97 %.
// Threads: pure functions.
#pragma once

#include <memory>
#include <vector>

#include "tools/ashlar/report/report.hpp"

namespace ashlar::tool {

/// A place that holds more in the last of some captures than in the first.
struct growth {
  shown_stack where;
  std::uint32_t tag = 0;   // in the last capture, as all that follows
  std::int64_t bytes = 0;  // more than in the first
  std::int64_t blocks = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t live_blocks = 0;
  std::uint64_t lost_blocks = 0;  // of the live ones: nothing points to them
  std::uint64_t held_blocks = 0;  // of the live ones: only lost ones point to them
  std::size_t rises = 0;          // steps in which bytes and blocks rose
  std::size_t steps = 0;

  bool is_steady() const { return steps != 0 && rises == steps; }
  /// The chance that a steady growth is none by accident, from 0 to 1.
  double certainty() const;
};

struct growth_findings {
  std::vector<growth> places;  // steady ones first; of those the one that grew most
  std::size_t steady = 0;
  std::size_t steps = 0;
  std::uint64_t span_ns = 0;            // from the first capture to the last; 0: of two runs
  std::shared_ptr<const capture> last;  // null: nothing was compared
};

using captures = std::vector<std::shared_ptr<const capture>>;

/// Tells whether all were left by one process.
bool are_of_one_process(const captures& all);

/// Returns those that can be compared, in the order of time: of one process those of its end are
/// left out where two others are there, for at its end a program frees what it had let grow.
captures comparable(captures all);

/// Compares captures of one program, in their order. Requires: two at least.
growth_findings growth_in(const captures& all);

/// What grew; with `all_that_rose` what holds more, too, if not in each step.
lines growth_section(const growth_findings& found, bool all_that_rose, const report_format& format);

}  // namespace ashlar::tool
