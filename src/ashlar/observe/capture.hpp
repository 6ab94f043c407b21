// SPDX-License-Identifier: MIT
// The file in which a process leaves what its tracker knows: a header, a table of sections,
// sections of fixed-size entries. Written by the observed process without allocating, read by the
// tool.
//
// Return addresses are left as they are: the text of /proc/PID/maps that comes with them tells
// which file each lies in. Symbols and lines are the reader's work. Layout: fixed-width fields, no
// pointers; texts are offsets into the section of strings, 0 is none. Any change raises
// `capture_version`.
#pragma once

#include <cstdint>

namespace ashlar::observe {

inline constexpr std::uint64_t capture_magic = 0x31504143'4c485341;  // "ASHLCAP1" in memory order
inline constexpr std::uint32_t capture_version = 5;

enum class section_kind : std::uint32_t {
  maps = 1,  // bytes: /proc/self/maps
  strings,   // bytes: null-terminated texts, the first of them empty
  frames,    // std::uint64_t: return addresses
  sites,
  tags,
  threads,
  marks,
  frame_marks,   // capture_mark: the last frames, the oldest first
  periods,       // what of each site was made between marks
  suppressions,  // bytes: the text of the program's own __lsan_default_suppressions
  said,          // bytes: what ashlar said on stderr, the first lines of it
  inner,         // what containers took from managers
};
inline constexpr std::uint32_t section_kind_count = 12;

enum class capture_reason : std::uint32_t {
  exit,         // the program ends
  request,      // the program asked for it
  signal,       // somebody sent the signal that was chosen for it
  interval,     // it was time
  crash,        // a fault or abort() ends the program
  termination,  // SIGINT, SIGTERM or SIGHUP ends it
};

/// What a capture lacks, or may have wrong. Bits of `capture_header::gaps`.
enum capture_gap : std::uint32_t {
  gap_blocks = 1,  // blocks were not looked at: no ages, periods, and live figures of threads
  gap_leaks = 2,   // leaks were to be looked for, and could not be
  gap_locks = 4,   // somebody was in the middle of a change: figures may be off by that
};

struct capture_section {
  section_kind kind;
  std::uint32_t entry_size;
  std::uint64_t offset;  // from the start of the file
  std::uint64_t count;   // entries
};

struct capture_header {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t pid;
  std::uint32_t level;  // track_level
  std::uint32_t depth;  // most frames of a stack
  std::uint64_t start_ns;
  std::uint64_t taken_ns;
  std::uint64_t live_bytes;
  std::uint64_t live_blocks;
  std::uint64_t peak_bytes;
  std::uint64_t own_bytes;          // of the tracker
  std::uint64_t lost;               // births and deaths that were not counted, but for inner ones
  std::uint64_t sample_bytes;       // mean bytes between samples; 0: every block
  std::uint64_t most_sample_bytes;  // the same of the rarest samples, of threads that made haste
  std::uint32_t has_leaks;          // the leak figures of sites are valid
  std::uint32_t frame_pointers_only;
  char program[64];
  capture_reason reason;
  std::uint32_t signal;        // that led to it; 0: none
  std::uint32_t number;        // of this process, from 1 on; 0: the one of its end
  std::uint32_t gaps;          // capture_gap
  std::uint64_t page_bytes;    // that managers hold under tags
  std::uint32_t frame_count;   // frames that have begun
  std::uint32_t period_marks;  // how many of the last marks begin periods
  capture_section sections[section_kind_count];
};

/// One site, summed over all threads. Units: bytes as asked for, blocks, milliseconds.
struct capture_site {
  std::uint32_t first_frame;
  std::uint32_t frame_count;
  std::uint32_t file;  // where the API carried the place; 0: not
  std::uint32_t function;
  std::uint32_t line;
  std::uint32_t tag;
  std::uint64_t born_blocks;
  std::uint64_t born_bytes;
  std::uint64_t live_blocks;
  std::uint64_t live_bytes;
  std::uint64_t temporary_blocks;
  std::uint64_t lost_blocks;  // no pointer to them was found
  std::uint64_t lost_bytes;
  std::uint64_t held_blocks;  // pointed to by lost ones only
  std::uint64_t held_bytes;
  // What samples at larger means add to the variances of bytes, over `sample_bytes` (sampling.hpp).
  std::uint64_t born_excess;
  std::uint64_t live_excess;
  std::uint32_t oldest;  // birth of the oldest live block, in milliseconds since tracking began
  std::uint32_t newest;
};

struct capture_tag {
  std::uint32_t name;
  std::uint32_t parent;
  std::uint64_t soft;  // budgets: all bits set: none
  std::uint64_t hard;
  std::uint64_t live_bytes;
  std::uint64_t peak_bytes;
};

struct capture_thread {
  std::uint32_t name;
  std::uint32_t system_id;
  std::uint32_t ended;
  std::uint32_t unused;
  std::uint64_t born_blocks;
  std::uint64_t born_bytes;
  std::uint64_t dead_blocks;
  std::uint64_t dead_bytes;
  std::uint64_t live_blocks;  // that this thread made
  std::uint64_t live_bytes;
};

/// A moment that the program named, or the beginning of a frame, which has no name.
struct capture_mark {
  std::uint32_t name;
  std::uint32_t at_ms;  // since tracking began, as the births of blocks
  std::uint64_t live_bytes;
  std::uint64_t page_bytes;
  std::uint32_t frame;  // frames that had begun
  std::uint32_t unused;
};

/// What of a site is live and was made between two marks: at or behind mark number `mark`, from 1
/// on, and before the next one. 0: before the first mark that begins a period.
struct capture_period {
  std::uint32_t site;  // index in its section
  std::uint32_t mark;
  std::uint64_t live_blocks;
  std::uint64_t live_bytes;
  std::uint64_t lost_blocks;
  std::uint64_t lost_bytes;
};

/// What containers took at one site from managers that are called alike, inside the pages or blocks
/// that these hold: in no sum.
struct capture_inner {
  std::uint32_t site;  // index in its section
  std::uint32_t kind;  // of the managers: "arena", "pool", ...
  std::uint32_t name;  // 0: they have none
  std::uint32_t unused;
  std::uint64_t born_blocks;
  std::uint64_t born_bytes;
  std::uint64_t live_blocks;
  std::uint64_t live_bytes;
};

}  // namespace ashlar::observe
