// SPDX-License-Identifier: MIT
#include "ashlar/observe/stack_walk.hpp"

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/observe/unwind/rule_cache.hpp"
#include "ashlar/os/unwind_tables.hpp"

namespace ashlar::observe {

namespace {

constinit rule_cache rules;

constexpr std::uintptr_t word = sizeof(void*);

// Where a kernel's frame below a signal handler holds registers, from the end of the handler's own:
// Linux on x86-64, `ucontext_t`. The tables say it with expressions, of which the walk knows this
// one.
constexpr std::uintptr_t signal_frame_pointer = 120;
constexpr std::uintptr_t signal_stack_pointer = 160;
constexpr std::uintptr_t signal_code = 168;

/// A function on the stack: where it goes on, and its registers. No code: the walk ends.
struct position {
  std::uintptr_t code = 0;
  std::uintptr_t stack = 0;  // a multiple of a word
  std::uintptr_t frame = 0;
};

ASHLAR_FORCE_INLINE ASHLAR_NO_SANITIZE std::uintptr_t read(std::uintptr_t address) {
  return *reinterpret_cast<const std::uintptr_t*>(address);  // NOLINT(performance-no-int-to-ptr)
}

// No program has code in the first page, nor in the kernel's half.
bool is_code(std::uintptr_t address) { return address - 4_KiB < (std::uintptr_t{1} << 48) - 4_KiB; }

// Whether the word at `address` is the stack's, and beyond the place of the walk.
ASHLAR_FORCE_INLINE bool can_read(std::uintptr_t address, const position& at, std::uintptr_t high) {
  return address >= at.stack && address < high && is_aligned(address, word);
}

// By its frame pointer, at which its caller's lies and then the return address.
ASHLAR_FORCE_INLINE position leave_by_frame_pointer(const position& at, std::uintptr_t high) {
  if (!can_read(at.frame, at, high) || !can_read(at.frame + word, at, high)) return {};
  return {read(at.frame + word), at.frame + 2 * word, read(at.frame)};
}

// The function keeps its CFA below the frame pointer, since it moved the stack pointer by what only
// it knows; and right at the frame pointer its caller's.
position leave_realigned(const position& at, std::uintptr_t below, std::uintptr_t high) {
  const std::uintptr_t kept = at.frame - below;
  if (!can_read(kept, at, high) || !can_read(at.frame, at, high)) return {};
  const std::uintptr_t cfa = read(kept);
  if (!can_read(cfa - word, at, high)) return {};
  return {read(cfa - word), cfa, read(at.frame)};
}

// The interrupted function goes on where it was, and not behind a call: what looks before its
// address for the call finds the instruction itself from one byte further.
position leave_signal(const position& at, os::stack_bounds& bounds) {
  if (!can_read(at.stack + signal_code, at, bounds.high)) return {};
  const position found = {.code = read(at.stack + signal_code) + 1,
                          .stack = read(at.stack + signal_stack_pointer),
                          .frame = read(at.stack + signal_frame_pointer)};
  if (!bounds.contains(found.stack)) bounds = os::find_stack(at_address(found.stack));
  return bounds.contains(found.stack) && is_aligned(found.stack, word) ? found : position{};
}

ASHLAR_NO_INLINE position step_rarely(position at, frame_rule rule, os::stack_bounds& bounds) {
  switch (rule.kind()) {
    case rule_kind::unknown: return leave_by_frame_pointer(at, bounds.high);
    case rule_kind::realigned: return leave_realigned(at, rule.cfa_offset(), bounds.high);
    case rule_kind::signal:
      return rule.cfa_offset() == signal_stack_pointer ? leave_signal(at, bounds) : position{};
    default: return {};
  }
}

// Goes to the caller.
ASHLAR_FORCE_INLINE position step(const position& at, os::stack_bounds& bounds) {
  if constexpr (!os::understands_unwind_tables) return leave_by_frame_pointer(at, bounds.high);
  const frame_rule rule = rules.find(at.code);
  std::uintptr_t cfa = at.stack + rule.cfa_offset();
  const std::uintptr_t saved_below = rule.saved_below();
  if (rule.kind() != rule_kind::from_stack) {
    if (rule.kind() != rule_kind::from_frame) return step_rarely(at, rule, bounds);
    cfa = at.frame + rule.cfa_offset();
    if (!can_read(cfa - word, at, bounds.high) || cfa - saved_below < at.stack) return {};
  } else if (cfa > bounds.high) {
    return {};
  }
  return {read(cfa - word), cfa, saved_below != 0 ? read(cfa - saved_below) : at.frame};
}

}  // namespace

std::uint32_t walk_stack(const caller& from, os::stack_bounds& bounds, std::uintptr_t* frames,
                         std::uint32_t most) noexcept {
  if (most == 0) return 0;
  // A stack that grew, or another one: a signal's, a coroutine's.
  if (!bounds.contains(address_of(from.stack))) bounds = os::find_stack(from.stack);
  os::stack_bounds current = bounds;
  position at = {.code = address_of(from.return_address),
                 .stack = address_of(from.stack),
                 .frame = address_of(from.frame)};
  frames[0] = at.code;
  if (!current.contains(at.stack) || !is_aligned(at.stack, word)) return 1;
  std::uint32_t count = 1;
  while (count < most) {
    at = step(at, current);
    if (!is_code(at.code)) break;
    frames[count++] = at.code;
  }
  return count;
}

}  // namespace ashlar::observe
