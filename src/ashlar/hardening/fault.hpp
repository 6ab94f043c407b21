// SPDX-License-Identifier: MIT
// The catalogue of faults: every rule that a user of the library can break, and the one reporter.
//
// A fault is a bug of the program, never a lack of memory. Its report is one line on stderr, and
// more where more is known of the block (`track=debug`):
//
//     ashlar: invalid free of 0x7ffd12345678: pointer was not allocated by ashlar (this thread's
//     stack)
//
// then abort, unless the policy says otherwise. With a policy that goes on, the caller of
// `report_fault` must leave everything as it was: the operation does not happen.
//
// Threads: thread-safe. Nothing here allocates or takes a lock. Cost: irrelevant, it is the end.
#pragma once

#include <cstddef>
#include <source_location>

#include "ashlar/base/macros.hpp"

namespace ashlar {

enum class fault_kind : unsigned char {
  invalid_free,        ///< No block of ours contains the pointer.
  interior_free,       ///< The pointer lies in a block of ours, but not at its start.
  double_free,         ///< The block is free already.
  invalid_resize,      ///< realloc of a pointer that is not a live block of ours.
  invalid_query,       ///< malloc_usable_size of a pointer that is not a live block of ours.
  size_mismatch,       ///< Freed with another size than it was allocated with.
  alignment_mismatch,  ///< Freed with another alignment than it was allocated with.
  family_mismatch,     ///< new met free, new[] met delete, and so on.
  wrong_heap,          ///< Freed into another heap than it came from.
  overrun,             ///< Bytes behind the block were written to.
  underrun,            ///< Bytes in front of the block were written to.
  write_after_free,    ///< Bytes of a free block were written to.
  use_after_free,      ///< A freed block was accessed, and its pages are protected.
  out_of_order_free,   ///< A stack manager's block was freed before those above it.
  stale_mark,          ///< A rewind to a place that an earlier rewind has ended.
  pop_beyond_start,    ///< More was popped off an arena than had been pushed.
  stale_handle,        ///< A handle to a block that was freed, or moved to another owner.
  pin_mismatch,        ///< A pinned or moving block was freed, or one that was not was unpinned.
  unbalanced_tag,      ///< A tag was popped, or a scope ended, that was not the last one pushed.
  still_in_use,        ///< A manager ended, or was reset, while something depended on it.
  corruption,          ///< A structure of ours contradicts itself.
};

inline constexpr std::size_t fault_kind_count =
    static_cast<std::size_t>(fault_kind::corruption) + 1;

/// What happens at a fault.
enum class fault_policy : unsigned char {
  abort,   ///< One line on stderr, then abort. The default.
  warn,    ///< One line on stderr, then go on.
  ignore,  ///< Go on silently.
};

/// Two numbers that make a report clearer; both zero: none. Their meaning depends on the kind:
/// size and alignment mismatch: as allocated, as freed; interior free: start and size of the block.
struct fault_detail {
  std::size_t expected = 0;
  std::size_t actual = 0;
};

/// Returns the short name of a kind: "invalid free".
ASHLAR_EXPORT const char* fault_name(fault_kind kind) noexcept;

/// Returns the sentence that explains a kind: "pointer was not allocated by ashlar".
ASHLAR_EXPORT const char* fault_text(fault_kind kind) noexcept;

/// What follows the first line of a report: `write` writes further lines. Not called where a hook
/// takes the report.
struct fault_annex {
  void (*write)(const void* context) = nullptr;
  const void* context = nullptr;
  bool ends_anyway = false;  ///< The program dies of this without our help.
};

/// Reports that `pointer` broke a rule. Returns only if the policy, or a hook, says to go on.
ASHLAR_EXPORT void report_fault(fault_kind kind, const void* pointer, fault_detail detail = {},
                                fault_annex annex = {}) noexcept;

/// A place in the program that has a part in a fault: "pushed at", and where that was.
struct fault_place {
  const char* role;
  std::source_location place;  // without a line: not known, and left out
};

/// The same, naming two places.
ASHLAR_EXPORT void report_fault_at(fault_kind kind, const void* pointer, const fault_place& first,
                                   const fault_place& second) noexcept;

ASHLAR_EXPORT fault_policy current_fault_policy() noexcept;
ASHLAR_EXPORT void set_fault_policy(fault_policy policy) noexcept;

/// Called with the finished line instead of printing and aborting, whatever the policy. A lock of
/// the library may be held: a hook must neither allocate nor free.
using fault_hook = void (*)(fault_kind kind, const void* pointer, const char* line);

/// Installs a hook (null: none) and returns the one before.
ASHLAR_EXPORT fault_hook exchange_fault_hook(fault_hook hook) noexcept;

}  // namespace ashlar
