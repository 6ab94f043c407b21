// SPDX-License-Identifier: MIT
#include "ashlar/observe/unwind/step.hpp"

namespace ashlar::observe {

constinit rule_cache process_rules;

namespace {

// Where the kernel's frame below a signal handler holds registers, from the end of the handler's
// own: Linux on x86-64, `ucontext_t`. Its rule is known by the first of them.
constexpr std::uintptr_t signal_stack_pointer = 160;
constexpr std::uintptr_t signal_frame_pointer = 120;
constexpr std::uintptr_t signal_code = 168;

// By its frame pointer, at which its caller's lies and then the return address.
position leave_by_frame_pointer(const position& at, walk_bounds& bounds) {
  const std::uintptr_t saved_code = at.frame + stack_word;
  if (!is_readable(at.frame, at, bounds) || !is_readable(saved_code, at, bounds)) return {};
  return {read_stack(saved_code), saved_code + stack_word, read_stack(at.frame)};
}

// The function keeps its CFA below the frame pointer, since it moved the stack pointer by what only
// it knows; and right at the frame pointer its caller's.
position leave_realigned(const position& at, std::uintptr_t below, walk_bounds& bounds) {
  const std::uintptr_t kept = at.frame - below;
  if (!is_readable(kept, at, bounds) || !is_readable(at.frame, at, bounds)) return {};
  const std::uintptr_t cfa = read_stack(kept);
  if (!is_readable(cfa - stack_word, at, bounds)) return {};
  return {read_stack(cfa - stack_word), cfa, read_stack(at.frame)};
}

// The interrupted function goes on where it was, and not behind a call: what looks before its
// address for the call finds the instruction itself from one byte further.
position leave_signal(const position& at, walk_bounds& bounds) {
  if (!is_readable(at.stack + signal_code, at, bounds)) return {};
  const position found = {.code = read_stack(at.stack + signal_code) + 1,
                          .stack = read_stack(at.stack + signal_stack_pointer),
                          .frame = read_stack(at.stack + signal_frame_pointer)};
  os::stack_bounds& there = bounds;
  if (!there.contains(found.stack)) there = os::find_stack(at_address(found.stack));
  if (!there.contains(found.stack) || !is_aligned(found.stack, stack_word)) return {};
  bounds.stand_at(found.stack);
  return found;
}

}  // namespace

bool reaches(walk_bounds& bounds, std::uintptr_t address) noexcept {
  constexpr int most_pages = 64;
  if (address >= bounds.high) return false;
  for (int i = 0; bounds.sure <= address && bounds.sure < bounds.own_from; ++i) {
    if (i == most_pages || !os::can_read(bounds.sure)) return false;
    bounds.sure += stack_page;
  }
  if (bounds.sure >= bounds.own_from || bounds.sure > bounds.high) bounds.sure = bounds.high;
  return true;
}

position step_rarely(position at, frame_rule rule, walk_bounds& bounds) noexcept {
  switch (rule.kind()) {
    case rule_kind::unknown: return leave_by_frame_pointer(at, bounds);
    case rule_kind::realigned: return leave_realigned(at, rule.cfa_offset(), bounds);
    case rule_kind::signal:
      return rule.cfa_offset() == signal_stack_pointer ? leave_signal(at, bounds) : position{};
    default: return {};
  }
}

}  // namespace ashlar::observe
