// SPDX-License-Identifier: MIT
// Blocks on pages of their own, between pages that cannot be accessed, so that an overrun faults at
// once; and so does every use of a freed one, until the quarantine drops it.
#pragma once

#include "ashlar/replace/debug/guard.hpp"
#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

/// Where things lie in the span of a block, as offsets. `[open_begin, open_end)` is accessible.
struct page_shape {
  std::size_t open_begin;
  std::size_t open_end;
  std::size_t data;
  std::size_t total;
};

/// Returns the address space of a slab, or of a block that has one to itself.
os::range span_of(const slab& s) noexcept;

page_shape pages_of(std::size_t size, std::size_t alignment, page_protection side) noexcept;

/// Returns a span of the watched heap with its outer pages inaccessible; or accessible, if that
/// cannot be and is not `needed`. Errors: `unsupported` if the system lets us protect no more, else
/// the heap's.
allocation take_page_block(const page_shape& shape, layout request, bool zero,
                           bool needed) noexcept;

/// Makes all of a span inaccessible, and gives its pages back. Errors: false; it is as it was.
bool seal_page_block(const slab& s) noexcept;
/// Makes it accessible again, before it goes back to the heap. Errors: false: it must not go back.
bool open_page_block(const slab& s) noexcept;

/// Copies memory that may go away, or become inaccessible, at any time. Returns how many bytes
/// could be read.
std::size_t read_safely(std::uintptr_t from, void* to, std::size_t size) noexcept;
/// As `is_whole`, of a block that another thread may free and seal meanwhile: true if it did.
bool is_whole_or_sealed(byte_range guard) noexcept;

}  // namespace ashlar::replace
