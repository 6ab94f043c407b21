// SPDX-License-Identifier: MIT
// What a capture says, in the terms of a report: tags as a tree, sites by place, leaks by stack.
//
// Threads: `analyse` is thread-confined; its result is a value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tools/ashlar/capture/capture_file.hpp"
#include "tools/ashlar/capture/symbolizer.hpp"
#include "tools/ashlar/tracking/suppressions.hpp"

namespace ashlar::tool {

/// A stack as it is shown: without what lies in the allocator, down to main or the thread's start.
struct shown_stack {
  stack frames;          // the innermost first
  std::size_t head = 0;  // the first frame that is not the standard library's
};

/// All sites that allocate at one place under one tag. Units as in `observe::capture_site`.
struct site_group {
  shown_stack where;  // of the site in it that holds most
  std::uint32_t tag = 0;
  std::size_t stacks = 0;        // sites in it
  observe::capture_site sums{};  // figures only
};

/// What containers took at one place, under one tag, from managers that are called alike. Of `sums`
/// only what is live and what was made.
struct inner_row {
  std::string kind;  // of the managers: "arena", "pool", ...
  std::string name;  // empty: they have none
  site_group site;
};

/// One row of the table of tags. Units: bytes, blocks.
struct tag_row {
  std::string name;  // its own part of the path
  std::string path;
  std::size_t depth = 0;
  std::uint64_t live_bytes = 0;  // with all tags below
  std::uint64_t live_blocks = 0;
  std::uint64_t live_excess = 0;  // as `capture_site`
  std::uint64_t own_bytes = 0;    // without them
  std::uint64_t own_blocks = 0;
  std::uint64_t own_peak = 0;
  std::uint64_t soft = 0;  // budgets of its own; all bits set: none
  std::uint64_t hard = 0;
  bool has_children = false;

  bool has_budget() const { return (soft & hard) != ~std::uint64_t{0}; }
  std::uint64_t budget() const { return soft < hard ? soft : hard; }
  bool is_over() const { return own_bytes > budget(); }
  bool was_over() const { return own_peak > budget(); }
};

/// What is live and was made between two marks of the program.
struct period {
  std::uint32_t mark = 0;  // that it begins with, as its number, from 1 on; 0: from the start
  std::uint64_t live_blocks = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t lost_blocks = 0;
  std::uint64_t lost_bytes = 0;
};

/// Leaks with one stack and one tag.
struct leak_group {
  shown_stack where;
  std::uint32_t tag = 0;
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::uint64_t excess = 0;  // of all that lives at its sites: no less than their own
  bool held = false;         // pointed to by lost blocks only
  std::uint32_t oldest = 0;  // milliseconds since tracking began
  std::string suppressed_by;
  std::vector<period> periods;  // when the lost ones were made, in order; none without marks
};

struct leak_sum {
  std::uint64_t blocks = 0;
  std::uint64_t bytes = 0;
  std::size_t stacks = 0;

  void add(const leak_group& group) {
    blocks += group.blocks;
    bytes += group.bytes;
    ++stacks;
  }
};

struct leak_findings {
  std::vector<leak_group> groups;      // lost first, then held ones; the largest first
  std::vector<leak_group> suppressed;  // the same
  leak_sum lost;
  leak_sum held;
  leak_sum hidden;  // suppressed, or smaller than asked for
  bool scanned = false;
};

/// A line that ashlar said on stderr: of a fault, or of what is known about it.
struct said_line {
  std::string text;  // as it was, printable
  stack frames;      // of one that shows an address of code; else empty
};

struct tracking {
  std::shared_ptr<const capture> source;
  std::vector<said_line> said;
  std::vector<tag_row> tags;  // a parent before its children, the largest child first
  std::vector<site_group> sites;
  std::vector<inner_row> inside;  // in no sum; what holds most first
  leak_findings leaks;
  std::vector<period> periods;  // of all sites, in order; none without marks
  std::vector<std::string> stale_files;
  std::uint64_t live_bytes = 0;
  std::uint64_t live_blocks = 0;
  std::uint64_t live_excess = 0;
};

struct analysis_options {
  suppressions suppressed;
  std::uint64_t least_leak = 0;  // bytes of a group of leaks
};

tracking analyse(std::shared_ptr<const capture> source, const analysis_options& options);

/// Says when a period was: 'after "level loaded"'.
std::string words_for(const period& when, const capture& source);

/// Returns what ashlar said, with the functions of the stacks in it; without those of the allocator
/// that a stack begins with.
std::vector<said_line> said_lines(const capture& source, symbolizer& symbols);

/// Returns the stack of a site as it is shown.
shown_stack stack_of(const capture& source, const observe::capture_site& site, symbolizer& symbols);

/// Frames of the allocator say how it was reached, which nobody asked for.
bool is_allocator(const frame& each);

/// Returns the frames as text that is the same for the same place of the program, wherever it was
/// loaded.
std::string key_of(const stack& frames);

}  // namespace ashlar::tool
