// SPDX-License-Identifier: MIT
// Run-time options of the drop-in: ASHLAR_OPTIONS="key=value,key=value", read from one table.
//
// The table also generates docs/reference/options.md. An unknown key or a bad value gets one line
// on stderr with the nearest match and changes nothing else. Ignored in privileged (setuid)
// programs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/replace/debug/guard.hpp"

namespace ashlar::replace {

struct options {
  fault_policy faults = fault_policy::abort;
  std::size_t soft_limit = static_cast<std::size_t>(-1);
  std::size_t hard_limit = static_cast<std::size_t>(-1);
  bool release_at_exit = false;
  bool cgroup = true;
  bool follow = true;
  bool follow_is_given = false;
  std::uint64_t fail_at = 0;
  std::uint64_t fail_every = 0;
  char snapshot[256] = {};
  observe::track_level track = observe::track_level::off;
  std::size_t sample = observe::standard_sample_bytes;
  std::size_t sample_up_to = observe::standard_sample_up_to;
  std::uint64_t depth = 24;
  bool exact_peaks = false;
  char capture[256] = {};
  std::uint64_t capture_every = 0;   // milliseconds; 0: not
  std::uint64_t capture_signal = 0;  // 0: none
  bool capture_on_crash = false;
  bool capture_on_termination = false;
  char log[256] = {};
  std::size_t log_size = std::size_t{1} << 30;
  debug_settings debug;
};

enum class option_kind : std::uint8_t {
  boolean,
  count,
  bytes,
  policy,
  path,
  level,
  side,
  duration,
  signal
};

struct option_description {
  const char* name;
  option_kind kind;
  const char* standard;  ///< what holds when the option is not given
  const char* text;
};

inline constexpr option_description option_table[] = {
    {"faults", option_kind::policy, "abort",
     "What follows a fault, such as a double free: `abort`, `warn` (one line, go on) or `ignore`."},
    {"soft_limit", option_kind::bytes, "none",
     "Bytes in use above which all idle memory is given back at once."},
    {"hard_limit", option_kind::bytes, "none",
     "Bytes in use that are never exceeded: allocations fail with ENOMEM instead. Pages count, and "
     "what threads keep for reuse; beyond half of it they share more of that. With `track=debug` "
     "the quarantine is emptied first."},
    {"cgroup", option_kind::boolean, "1",
     "Take the memory limit of the control group (v2) as the soft limit if none is given."},
    {"release_at_exit", option_kind::boolean, "0",
     "Give all memory back to the OS when the program ends and print what is left (0 bytes)."},
    {"snapshot", option_kind::path, "none",
     "Folder in which the process publishes `PID.ashlar`, the record that `ashlar run` reads."},
    {"follow", option_kind::boolean, "1",
     "Publish for children too. 0: only processes whose file exists in the folder already. Given "
     "as 1: say nothing once the folder is gone, for children may outlive whoever made it."},
    {"track", option_kind::level, "off",
     "What is recorded of blocks: `off`, `counters` (blocks under a tag), `sampled` (one in some "
     "thousands, which stands for the others), `full` (every block: site, stack, tag, thread, "
     "time) or `debug` (and guarded, checked, kept after `free`)."},
    {"sample", option_kind::bytes, "512K",
     "With `track=sampled`: bytes that are allocated between two samples, on average."},
    {"sample_up_to", option_kind::bytes, "512M",
     "With `track=sampled`: bytes that a thread may allocate in a second, and what 32 samples "
     "stand "
     "for ahead of that, before its samples become rarer. The report says how rare they became, "
     "and "
     "counts it in the errors. 0: always as `sample` says."},
    {"depth", option_kind::count, "24",
     "Most frames of a recorded stack, at most 64. 1: only who called malloc or new."},
    {"exact_peaks", option_kind::boolean, "0",
     "Keep the peaks of tags exact with several threads too, at some cost in scaling."},
    {"capture", option_kind::path, "none",
     "Folder in which the process leaves `PID.capture` when it ends: what was tracked. With "
     "`follow=0` forked children leave none."},
    {"capture_every", option_kind::duration, "none",
     "Leave `PID.1.capture`, `PID.2.capture` and so on while the program runs: at the first "
     "allocation after so long. After every 32 the time doubles."},
    {"capture_signal", option_kind::signal, "none",
     "Leave the next numbered capture when this signal comes; the program must not handle it."},
    {"capture_on_crash", option_kind::boolean, "0",
     "Leave `PID.capture` when SIGSEGV, SIGBUS, SIGABRT, SIGILL or SIGFPE ends the program, which "
     "then ends as it would have."},
    {"capture_on_termination", option_kind::boolean, "0",
     "Leave `PID.capture` when SIGINT, SIGTERM or SIGHUP ends the program, as it then does. A "
     "program that handles or ignores one of them is not disturbed."},
    {"guard", option_kind::bytes, "16",
     "With `track=debug`: bytes in front of and behind each block that must stay as they are. "
     "Rounded up to multiples of 16, at most 4K. 0: none."},
    {"fill", option_kind::bytes, "1K",
     "With `track=debug`: bytes at either end of a block that are filled, when it is new with 0xcb "
     "and when it is freed with 0xdf. What is written to other bytes of a freed block goes "
     "unnoticed. 0: none. 1T: all."},
    {"quarantine", option_kind::bytes, "4M",
     "With `track=debug`: bytes of freed blocks that are kept from being used again, and count as "
     "in "
     "use as long. 0: none."},
    {"protect", option_kind::side, "off",
     "With `track=debug`: `back` or `front` puts each block on pages of its own, at their end or "
     "at their start, between pages that fault; freed blocks fault until the quarantine drops "
     "them. Slow; for at most 24,000 blocks at a time, the others have guards alone."},
    {"check_every", option_kind::count, "0",
     "With `track=debug`: look at all blocks at every n-th call of malloc or free. 0: only when a "
     "block is freed, and all of them at exit."},
    {"header", option_kind::boolean, "0",
     "With `track=debug`: 48 bytes in front of the guard in front of each block describe it (mark, "
     "size, number, alignment, site, thread, tag), for whoever reads a memory dump. Blocks on "
     "pages of their own have none."},
    {"most_frames", option_kind::count, "0",
     "With `track=debug`: report blocks of a frame that live when more than so many further frames "
     "have begun (`ashlar::next_frame`); at most 1,000. Each frame then looks at all blocks. 0: "
     "none."},
    {"log", option_kind::path, "none",
     "With `track=debug`: folder in which the process writes `PID.log`, a line for each block that "
     "is made, refused, freed or let go of by the quarantine, and for each fault. With `follow=0` "
     "forked children write none."},
    {"log_size", option_kind::bytes, "1G", "Bytes after which a log ends. 1M is the least."},
    {"fail_at", option_kind::count, "0",
     "For tests: the n-th request to the OS fails as if there were no memory. 0: none."},
    {"fail_every", option_kind::count, "0",
     "For tests: after `fail_at`, every n-th request fails. 0: only that one."},
};

/// Reads `text` into `o`. Reports what it does not understand on stderr.
void parse_options(const char* text, options& o) noexcept;

/// The options of this process, as read from the environment when the library was loaded.
const options& current_options() noexcept;
void set_current_options(const options& o) noexcept;

}  // namespace ashlar::replace
