// SPDX-License-Identifier: MIT
// What a process that runs on ashlar publishes about its memory: one fixed-size record in a file.
//
// The observed process maps the file shared and overwrites the record in place; readers are other
// processes. Nothing here is text and nothing is allocated: formatting is the reader's work. The
// record survives the death of the process, so a reader sees the last state even after SIGKILL.
//
// The sum that must add up, in bytes:
//
//     resident = live + slack + free + cached + metadata + file - untouched + unexplained
//
// live       what callers asked for and hold. slack: rounding of live blocks up to their class
// (exact
//            for large blocks, estimated from sampled requests for small ones).
// free       free blocks in slabs, tails of slabs, and free spans not yet returned.
// cached     blocks in the bins of threads, ready to be handed out.
// metadata   page map, slab headers, thread structures: what ashlar needs for itself.
// file       code, data and other file mappings of the program (RssFile + RssShmem).
// untouched  the part of the above that was never written, so that it has no pages.
// unexplained is left to the reader: stacks, other mappings of the program, and errors.
//
// Writing: `sequence` is odd while the record changes (a seqlock); readers copy and compare.
// Layout: only fixed-width fields, no pointers; any change raises `snapshot_version`.
#pragma once

#include <cstdint>

namespace ashlar::observe {

inline constexpr std::uint64_t snapshot_magic = 0x31504e534c485341;  // "ASHLSNP1" in memory order
inline constexpr std::uint32_t snapshot_version = 1;
inline constexpr std::uint32_t snapshot_class_limit = 96;
inline constexpr std::uint32_t snapshot_cell_limit = 2048;
inline constexpr std::uint32_t snapshot_fit_sizes = 4;
inline constexpr std::uint64_t snapshot_fit_bytes[snapshot_fit_sizes] = {
    std::uint64_t{4} << 10, std::uint64_t{64} << 10, std::uint64_t{1} << 20,
    std::uint64_t{16} << 20};

enum class process_state : std::uint32_t { running = 1, exited = 2 };

/// One size class, summed over all threads.
struct size_class_record {
  std::uint64_t block_size;        // bytes of one block
  std::uint64_t slabs;             // slabs of this class
  std::uint64_t span_bytes;        // address space of these slabs
  std::uint64_t live_blocks;       // held by the program
  std::uint64_t cached_blocks;     // in bins of threads
  std::uint64_t free_blocks;       // free in slabs
  std::uint64_t slack_bytes;       // estimated rounding loss of the live blocks
  std::uint64_t requests_sampled;  // requests that the slack estimate rests on
};

/// Blocks that have a span of their own.
struct large_record {
  std::uint64_t live_blocks;
  std::uint64_t live_bytes;   // as asked for
  std::uint64_t slack_bytes;  // up to the end of the last page in use
  std::uint64_t span_bytes;   // address space
};

/// What one cell of the map holds. A cell stands for `cell_bytes` of address space.
enum class cell_kind : std::uint8_t {
  none = 0,
  used = 1,      // holds slabs or large blocks; `used_share` tells how much of it is taken
  free = 2,      // committed, in no use
  returned = 3,  // given back to the OS, ready for reuse
  reserved = 4,  // never committed
  metadata = 5,
};

struct cell {
  cell_kind kind;
  std::uint8_t used_share;  // 0..255: live or cached bytes / cell_bytes
  std::uint8_t free_share;  // 0..255: free committed bytes / cell_bytes
  std::uint8_t returned_share;
};

struct snapshot {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t size;      // sizeof(snapshot)
  std::uint32_t sequence;  // odd while being written
  process_state state;
  std::uint32_t pid;
  std::uint32_t parent_pid;
  char program[64];  // file name of the executable, cut, null-terminated
  char library_version[16];
  std::uint64_t start_ns;  // CLOCK_MONOTONIC
  std::uint64_t taken_ns;

  // The sum. Units: bytes.
  std::uint64_t resident;
  std::uint64_t peak_resident;
  std::uint64_t live;
  std::uint64_t slack;
  std::uint64_t free;
  std::uint64_t cached;
  std::uint64_t metadata;
  std::uint64_t file;
  std::uint64_t untouched;
  std::uint64_t returned;  // given back to the OS and not in use again; no part of the sum

  std::uint64_t reserved;   // address space
  std::uint64_t committed;  // accessible
  std::uint64_t peak_committed;
  std::uint64_t peak_live_spans;  // most bytes ever in slabs and large blocks

  // Fragmentation.
  std::uint64_t total_free;                // free + cached + returned, in bytes
  std::uint64_t unused;                    // total_free + slack
  std::uint64_t largest_free;              // largest block that fits without asking the OS
  std::uint64_t free_ranges;               // number of free ranges and free blocks
  std::uint64_t fits[snapshot_fit_sizes];  // of total_free, in ranges of that size and more

  std::uint64_t minor_faults;
  std::uint64_t major_faults;
  std::uint64_t os_calls;
  std::uint64_t discarded;   // bytes ever given back
  std::uint64_t heaps;       // thread-local heaps in use
  std::uint64_t idle_heaps;  // left behind by threads that ended
  std::uint64_t user_ns;     // processor time of the process
  std::uint64_t system_ns;

  std::uint32_t class_count;
  std::uint32_t cell_count;
  std::uint64_t cell_bytes;
  large_record large;
  size_class_record classes[snapshot_class_limit];
  cell cells[snapshot_cell_limit];
};

}  // namespace ashlar::observe
