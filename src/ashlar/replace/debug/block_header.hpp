// SPDX-License-Identifier: MIT
// Headers in front of guarded blocks, where the option `header` asks for them: for the eyes of who
// reads a memory dump. What is known of a block lies beside the slab's header all the same.
//
// Blocks on pages of their own have none, nor have those that are aligned to more than
// `most_aligned_front`.
#pragma once

#include "ashlar/hardening/debug_header.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"

namespace ashlar::replace {

/// What a report says of a damaged one.
inline constexpr const char* header_note =
    "  the header in front of it was written to: its checksum is another";

/// Whether a block that does not lie on pages of its own has a header.
inline bool has_header(std::size_t alignment) noexcept {
  return guard_settings.header && alignment <= most_aligned_front;
}
inline bool has_header(const guarded_block& b) noexcept {
  return has_header(b.facts.alignment()) && !b.is_paged();
}

inline debug_header* header_in_front(std::byte* data) noexcept {
  return reinterpret_cast<debug_header*>(data - guard_settings.guard) - 1;
}

/// Before a block's record says that it lives: its header is not written yet.
inline void clear_header(std::byte* data) noexcept {
  store_relaxed(header_in_front(data)->mark, debug_header::busy_mark);
}
/// Describes a block that is new, or whose header was damaged.
void write_live_header(std::byte* data, const observe::block_facts& facts) noexcept;
/// Describes one that was freed.
void write_freed_header(const dead_block& dead) noexcept;

/// Whether a header is as it was written. `mark`: which of the two it must have.
inline bool is_header_whole(std::byte* data, std::uint64_t mark) noexcept {
  const debug_header* const h = header_in_front(data);
  return h->mark == mark && h->is_whole();
}
/// Whether it is, or is being written.
inline bool may_be_whole(std::byte* data) noexcept {
  // acquire: with the mark all the rest is there.
  return __atomic_load_n(&header_in_front(data)->mark, __ATOMIC_ACQUIRE) ==
             debug_header::busy_mark ||
         is_header_whole(data, debug_header::live_mark);
}

/// Reports that the header of a live block was written to, and makes it whole again.
void report_header(const guarded_block& b, const caller& from) noexcept;

}  // namespace ashlar::replace
