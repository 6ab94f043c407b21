// SPDX-License-Identifier: MIT
// What was tracked, as text: tags, sites, threads, leaks, and what the tracker itself cost.
//
// Each section is a function to lines, as those in report/text_report.hpp; empty where there is
// nothing to say.
// Threads: pure functions.
#pragma once

#include "tools/ashlar/report/report.hpp"
#include "tools/ashlar/report/table.hpp"

namespace ashlar::tool {

lines tracking_sections(const process_report& process, const report_format& format);

/// What ashlar said on stderr, with functions and lines in place of addresses.
lines said_section(const tracking& all, const report_format& format);
lines tags_section(const tracking& all, const report_format& format);
/// Top sites by live bytes, by allocations and by temporary allocations.
lines sites_section(const tracking& all, const report_format& format);
/// What containers took from managers.
lines inside_section(const tracking& all, const report_format& format);
lines threads_section(const tracking& all, const report_format& format);
lines leaks_section(const tracking& all, const report_format& format);
/// The moments that the program has marked, and its frames.
lines marks_section(const tracking& all, const report_format& format);
lines tracker_section(const tracking& all, const report_format& format);

/// Tells whether the figures count every block, not only those under a tag.
bool counts_every_block(const tracking& all);

/// Tells whether the figures are estimates from samples.
bool is_estimate(const capture& source);
/// Returns the mean bytes between the rarest samples, those of threads that allocate very fast.
std::uint64_t most_sample_bytes(const capture& source);
/// Bytes that samples stand for, and what larger means add to their variance (`capture_site`).
struct estimate {
  std::uint64_t bytes = 0;
  std::uint64_t excess = 0;
};

/// Returns the standard deviation, at most, of an estimate (observe/sampling.hpp).
std::uint64_t error_of(const capture& source, const estimate& sum);
/// Returns it as a part of the bytes, "±12%"; empty where nothing is estimated.
std::string error_text(const capture& source, const estimate& sum, const report_format& format);

/// Returns "counters", "full", ...
const char* level_name(std::uint32_t level);

/// The sites whose calls were made at one place each, `more` for those left out.
lines site_rows(const columns& numbers, const std::vector<const site_group*>& sites,
                const tracking& all, const report_format& format);

/// Adds sections, set apart by an empty line.
void append_section(lines& all, const lines& section);

}  // namespace ashlar::tool
