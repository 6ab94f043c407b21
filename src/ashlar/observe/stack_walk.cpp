// SPDX-License-Identifier: MIT
#include "ashlar/observe/stack_walk.hpp"

#include <atomic>
#include <bit>

#include "ashlar/base/relaxed.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/observe/unwind/step.hpp"

namespace ashlar::observe {

namespace {

// No program has code in the first page, nor in the kernel's half.
bool is_code(std::uintptr_t address) { return address - 4_KiB < (std::uintptr_t{1} << 48) - 4_KiB; }

std::uint32_t walk_anew(position at, os::stack_bounds bounds, std::uintptr_t* frames,
                        std::uint32_t most) {
  std::uint32_t count = 0;
  step_trace trace;
  do {
    frames[count++] = at.code;
    if (count == most) break;
    at = step(at, bounds, trace);
  } while (is_code(at.code));
  return count;
}

// Repeats steps of the walk before, from the function `first` on, at which this one is: without
// going by rules, since they are the same, and only as far as the stack is. Returns how many; `at`
// is then where they lead.
ASHLAR_FORCE_INLINE std::size_t repeat(const walked_frames& before, std::size_t first, position& at,
                                       std::uintptr_t high, std::size_t most) {
  const std::uint64_t rare = before.rare >> first;
  std::size_t end = before.count - 1;
  if (end > first + most) end = first + most;
  const std::size_t first_rare = first + static_cast<std::size_t>(std::countr_zero(rare));
  if (end > first_rare) end = first_rare;
  if (end <= first || before.at[end] >= high) return 0;
  // A frame pointer that was read below is the one that this walk has now.
  const auto frame_of = [&, start = at](std::size_t i) {
    return before.frame_at[i] < start.stack ? start.frame : read_stack(before.frame_at[i]);
  };
  std::size_t i = first;
  for (; i < end; ++i) {
    if (before.needed[i] != 0 && before.needed[i] != frame_of(i)) break;
    if (read_stack(before.at[i + 1]) != before.code[i + 1]) break;
  }
  at = {before.code[i], before.at[i] + stack_word, frame_of(i)};
  return i - first;
}

// As `walk_anew`; takes over what it has in common with the walk before. Returns the one of both
// that holds the result: `before` if it has nothing else.
const walked_frames& walk_again(position at, os::stack_bounds bounds, std::uint32_t most,
                                const walked_frames& before, walked_frames& now) {
  now.count = 0;
  now.rare = 0;
  now.is_whole = false;
  std::size_t next = 0;  // of `before`: the first that may lie further up
  step_trace trace;
  do {
    now.add(at, trace.saved_at);
    while (next < before.count && before.at[next] < at.stack - stack_word) ++next;
    if (before.has(next, at)) {
      const std::size_t n = repeat(before, next, at, bounds.high, most - now.count);
      now.is_whole = before.is_whole && next + n + 1 == before.count;
      if (next == 0 && now.count == 1 && (now.is_whole || n + 1 == most)) return before;
      now.add_run(before, next, n);
      next += n;
    }
    if (now.is_whole || now.count == most) return now;
    trace.saved_at = now.frame_at[now.count - 1];
    at = step(at, bounds, trace);
    now.note(trace);
  } while (is_code(at.code));
  now.is_whole = trace.is_end;
  return now;
}

std::uint32_t walk_with(last_walk& last, const position& start, const os::stack_bounds& bounds,
                        std::uintptr_t* frames, std::uint32_t most, std::uint64_t& number) {
  if (most > walked_frames::most) most = walked_frames::most;
  if (last.drops != process_rules.drops()) {
    last.drops = process_rules.drops();
    last.walks[last.latest].count = 0;
  }
  const walked_frames& before = last.walks[last.latest];
  const walked_frames& now = walk_again(start, bounds, most, before, last.walks[last.latest ^ 1]);
  if (&now != &before) {
    last.latest ^= 1;
    ++last.number;
  }
  number = last.number;
  const std::uint32_t count = now.count < most ? now.count : most;
  std::memcpy(frames, now.code, count * sizeof frames[0]);
  return count;
}

}  // namespace

std::uint32_t walk_stack(const caller& from, os::stack_bounds& bounds, std::uintptr_t* frames,
                         std::uint32_t most, last_walk* last, std::uint64_t* number) noexcept {
  if (most == 0) return 0;
  // A stack that grew, or another one: a signal's, a coroutine's.
  if (!bounds.contains(address_of(from.stack))) bounds = os::find_stack(from.stack);
  const position start = {.code = address_of(from.return_address),
                          .stack = address_of(from.stack),
                          .frame = address_of(from.frame)};
  frames[0] = start.code;
  if (!bounds.contains(start.stack) || !is_aligned(start.stack, stack_word)) return 1;
  if (last == nullptr || last->is_in_use) return walk_anew(start, bounds, frames, most);
  store_relaxed(last->is_in_use, true);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  std::uint64_t ignored = 0;
  const std::uint32_t count =
      walk_with(*last, start, bounds, frames, most, number != nullptr ? *number : ignored);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  store_relaxed(last->is_in_use, false);
  return count;
}

}  // namespace ashlar::observe
