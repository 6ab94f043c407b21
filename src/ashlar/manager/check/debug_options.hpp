// SPDX-License-Identifier: MIT
// What a debug manager is told, when it is made or at any time later: each check on its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/units.hpp"
#include "ashlar/observe/table/site_table.hpp"

namespace ashlar {

/// Where a block lies in pages of its own. The pages next to it, and those of a freed block while
/// it is in quarantine, cannot be touched: a stray access faults at the instruction that makes it.
enum class debug_pages : std::uint8_t {
  none,
  front,  ///< begins where its pages begin: underruns fault at once, overruns at the page's end
  back,   ///< ends where its pages end, as near as its alignment lets it: overruns fault at once
};

enum class debug_event_kind : std::uint8_t { allocated, refused, freed, released, faulted };

constexpr const char* to_string(debug_event_kind kind) {
  switch (kind) {
    case debug_event_kind::allocated: return "allocated";
    case debug_event_kind::refused: return "refused";
    case debug_event_kind::freed: return "freed";
    case debug_event_kind::released: return "released";  // left the quarantine
    case debug_event_kind::faulted: return "faulted";
  }
  return "unknown";
}

/// One line of the log.
struct debug_event {
  debug_event_kind kind = debug_event_kind::allocated;
  std::uint32_t thread = 0;    // the OS's number
  std::uint64_t sequence = 0;  // of the block: they are numbered from 1
  const void* data = nullptr;
  std::size_t size = 0;
  std::size_t alignment = 0;
  observe::site_id site = observe::site_table::none;
};

/// Where lines of text go. Must not use the manager that calls it.
struct debug_sink {
  void* context = nullptr;
  void (*write)(void* context, const char* line) = nullptr;  // null: stderr
};

struct debug_options {
  /// A record in front of each block that describes it, so that a memory dump can be read.
  bool headers = true;
  /// Bytes of a pattern on either side of each block, rounded up to a multiple of 8.
  std::uint16_t guard = 16;
  /// Fresh blocks are filled with `fresh_byte`, freed ones with `freed_byte`.
  bool fill = true;
  std::uint8_t fresh_byte = 0xcd;
  std::uint8_t freed_byte = 0xdd;
  std::uint8_t guard_byte = 0xfd;
  debug_pages pages = debug_pages::none;
  /// Freed blocks are kept from reuse until more than so many bytes are. 0: none is.
  std::size_t quarantine = 1_MiB;
  /// Freed blocks that are remembered after they left the quarantine, to know a double free.
  std::uint32_t history = 4096;
  /// Most return addresses of a call stack; 1: the caller alone.
  std::uint8_t depth = 24;
  /// Blocks that are older than so many calls of `next_frame` are reported. 0: none.
  std::uint32_t most_frames = 0;
  /// Blocks that live when the manager ends are reported.
  bool leaks = true;
  /// Called at each event. Must not use the manager.
  void* log_context = nullptr;
  void (*log)(void* context, const debug_event& event) = nullptr;
  /// Where reports go, but for the one line of each fault (hardening/fault.hpp).
  debug_sink sink = {};
  const char* name = nullptr;  ///< in the registry and in reports; outlives the manager
};

}  // namespace ashlar
