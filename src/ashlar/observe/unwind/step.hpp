// SPDX-License-Identifier: MIT
// One step of a walk: from a function on the stack to its caller.
//
// Every word that is read lies between the place of the walk and the end of the stack, and each
// step goes up, but for a signal's: those lead to another stack, and then its bounds are asked for.
// What is not known to be the thread's own stack may have been unmapped since, but for the page
// that the walk is in: there each further page is asked for before it is read.
// Threads: thread-safe. Cost: some 40 instructions, if the rule is known.
#pragma once

#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/observe/unwind/rule_cache.hpp"
#include "ashlar/os/stack_bounds.hpp"
#include "ashlar/os/unwind_tables.hpp"

namespace ashlar::observe {

inline constexpr std::uintptr_t stack_word = sizeof(void*);
/// What is mapped as a whole or not at all, on every machine.
inline constexpr std::uintptr_t stack_page = 4096;

/// The rules of this process.
extern constinit rule_cache process_rules;

/// A function on the stack: where it goes on, and its registers. No code: there is none.
struct position {
  std::uintptr_t code = 0;
  std::uintptr_t stack = 0;  // a multiple of a word
  std::uintptr_t frame = 0;
};

/// What a step depended on, for who wants to repeat it.
struct step_trace {
  /// The frame pointer, if the CFA was found by it; else 0.
  std::uintptr_t needed_frame = 0;
  /// Where the frame pointer was read last: changed if this step did it, and 0 if it was rare.
  std::uintptr_t saved_at = 0;
  /// It depended on something else, too.
  bool is_rare = false;
  /// There is no caller, by its rule.
  bool is_end = false;
};

ASHLAR_NO_SANITIZE_INLINE std::uintptr_t read_stack(std::uintptr_t address) {
  return *reinterpret_cast<const std::uintptr_t*>(address);  // NOLINT(performance-no-int-to-ptr)
}

/// What a walk may read.
struct walk_bounds : os::stack_bounds {
  std::uintptr_t sure = 0;  ///< Up to here without asking.

  walk_bounds(const os::stack_bounds& of, std::uintptr_t stack) : os::stack_bounds(of) {
    stand_at(stack);
  }
  /// The walk is at `stack`, within the bounds.
  void stand_at(std::uintptr_t stack) {
    const std::uintptr_t page_end = align_up(stack, stack_page);
    sure = stack >= own_from || page_end > high ? high : page_end;
  }
};

/// Whether the words up to the one at `address` are the stack's, and can be read now.
ASHLAR_NO_INLINE bool reaches(walk_bounds& bounds, std::uintptr_t address) noexcept;

/// Whether the word at `address` is the stack's, and beyond the place of the walk.
ASHLAR_FORCE_INLINE bool is_readable(std::uintptr_t address, const position& at,
                                     walk_bounds& bounds) {
  return address >= at.stack && is_aligned(address, stack_word) &&
         (address < bounds.sure || reaches(bounds, address));
}

/// The steps by other rules than the two common ones, and without any.
position step_rarely(position at, frame_rule rule, walk_bounds& bounds) noexcept;

/// Returns the caller. Requires: `bounds` are those of the stack that `at` is on.
ASHLAR_FORCE_INLINE position step(const position& at, walk_bounds& bounds,
                                  step_trace& trace) noexcept {
  frame_rule rule;
  if constexpr (os::understands_unwind_tables) rule = process_rules.find(at.code);
  std::uintptr_t cfa = at.stack + rule.cfa_offset();
  const std::uintptr_t saved_below = rule.saved_below();
  trace.needed_frame = 0;
  trace.is_rare = false;
  if (rule.kind() != rule_kind::from_stack) {
    trace.is_rare = rule.kind() != rule_kind::from_frame;
    if (trace.is_rare) {
      trace.is_end = rule.kind() == rule_kind::end;
      trace.saved_at = 0;
      return step_rarely(at, rule, bounds);
    }
    trace.needed_frame = at.frame;
    cfa = at.frame + rule.cfa_offset();
    if (!is_readable(cfa - stack_word, at, bounds) || cfa - saved_below < at.stack) return {};
  } else if (cfa > bounds.sure && !reaches(bounds, cfa - stack_word)) [[unlikely]] {
    return {};
  }
  if (saved_below == 0) return {read_stack(cfa - stack_word), cfa, at.frame};
  trace.saved_at = cfa - saved_below;
  return {read_stack(cfa - stack_word), cfa, read_stack(trace.saved_at)};
}

}  // namespace ashlar::observe
