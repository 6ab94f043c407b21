// SPDX-License-Identifier: MIT
#include "ashlar/observe/stack_walk.hpp"

#include "ashlar/base/units.hpp"
#include "ashlar/observe/unwind/step.hpp"

namespace ashlar::observe {

namespace {

// No program has code in the first page, nor in the kernel's half.
bool is_code(std::uintptr_t address) { return address - 4_KiB < (std::uintptr_t{1} << 48) - 4_KiB; }

std::uint32_t walk_anew(position at, walk_bounds bounds, std::uintptr_t* frames,
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

// Whether the stack holds what the steps from function `first` to `end` led to. `at` is at `first`.
// Looks at everything and then decides: that is quicker than to decide at each word.
ASHLAR_FORCE_INLINE bool is_unchanged(const last_walk& w, std::uint32_t first, std::uint32_t end,
                                      const position& at) {
  std::uintptr_t difference = 0;
  std::uint32_t i = first;
  if (w.needs[first] == w.needs[end]) {
#pragma GCC unroll 4
    for (; i < end; ++i) difference |= w.code[i + 1] ^ read_stack(w.at[i + 1]);
    return difference == 0;
  }
  // Up to where the steps themselves read one, the frame pointer is the one that we came with.
  for (; i < end && w.frame_at[i] < at.stack; ++i) {
    if (w.needed[i] != 0) difference |= w.needed[i] ^ at.frame;
    difference |= w.code[i + 1] ^ read_stack(w.at[i + 1]);
  }
  for (; i < end; ++i) {
    if (w.needed[i] != 0) difference |= w.needed[i] ^ read_stack(w.frame_at[i]);
    difference |= w.code[i + 1] ^ read_stack(w.at[i + 1]);
  }
  return difference == 0;
}

// Repeats steps of the last walk, from function `first` on, at which this one is, to `end`, without
// going by rules: they are the same. Returns the function that it came to; `at` is then there.
ASHLAR_FORCE_INLINE std::uint32_t repeat(const last_walk& w, std::uint32_t first, std::uint32_t end,
                                         position& at, std::uintptr_t sure) {
  if (end <= first || w.at[end] >= sure) return first;
  const auto frame_of = [&, start = at](std::uint32_t i) {
    return w.frame_at[i] < start.stack ? start.frame : read_stack(w.frame_at[i]);
  };
  std::uint32_t i = end;
  if (!is_unchanged(w, first, end, at)) [[unlikely]] {
    for (i = first; i < end; ++i) {
      if (w.needed[i] != 0 && w.needed[i] != frame_of(i)) break;
      if (read_stack(w.at[i + 1]) != w.code[i + 1]) break;
    }
  }
  at = {w.code[i], w.at[i] + stack_word, frame_of(i)};
  return i;
}

// As `repeat`, and takes the steps that are not to be repeated, or differ, as far as they lead to
// the functions that are known.
ASHLAR_FORCE_INLINE std::uint32_t follow(last_walk& w, std::uint32_t first, std::uint32_t end,
                                         position& at, walk_bounds& bounds) {
  std::uint32_t i = first;
  while (true) {
    std::uint32_t rare = w.rare;
    while (rare < i || (rare < end && !w.is_rare[rare])) ++rare;
    i = repeat(w, i, rare < end ? rare : end, at, bounds.sure);
    if (i == end) return i;
    step_trace trace;
    trace.saved_at = w.frame_at[i];
    const position next = step(at, bounds, trace);
    if (!w.has(i + 1, next) || trace.is_rare != w.is_rare[i]) return i;
    w.needed[i] = trace.needed_frame;
    w.set_frame_at(++i, trace.saved_at);
    at = next;
  }
}

// The functions from `first` to `last` belong to another stack further out: adds them to those that
// the walk has met. The first one's frame pointer was read at `frame_at`.
void take_over(fresh_frames& fresh, last_walk& w, std::uint32_t first, std::uint32_t last) {
  for (std::uint32_t i = first; i <= last; ++i) {
    fresh.add({w.code[i], w.at[i] + stack_word, 0}, w.frame_at[i]);
    if (i == last) return;
    fresh.note({.needed_frame = w.needed[i], .is_rare = w.is_rare[i]});
  }
}

// Nothing of the last walk is left in this one. Returns how many functions it met.
std::uint32_t replace(last_walk& w, const fresh_frames& fresh, bool is_whole) {
  w.forget();
  w.push(fresh);
  w.is_whole = is_whole;
  return fresh.count;
}

// The functions of this walk are those met anew, and of the last one those from `next` on. Returns
// how many they are, if no more than `most` are wanted.
std::uint32_t join(last_walk& w, const fresh_frames& fresh, std::uint32_t next,
                   std::uint32_t most) {
  w.drop_to(next);
  if (fresh.count != 0) w.push(fresh);
  const std::uint32_t known = last_walk::capacity - w.top;
  return known < most ? known : most;
}

// Walks, and takes over what this walk has in common with the last one. Afterwards `w.top` is where
// the walk began. Returns how many functions it met.
std::uint32_t walk_again(last_walk& w, position at, walk_bounds bounds, std::uint32_t most) {
  fresh_frames fresh;
  step_trace trace;
  for (std::uint32_t next = w.top;;) {
    while (w.at[next] < at.stack - stack_word) ++next;
    if (w.has(next, at)) {
      w.set_frame_at(next, trace.saved_at);
      const std::uint32_t wanted = next + most - fresh.count - 1;
      const std::uint32_t end = wanted < last_walk::capacity ? wanted : last_walk::capacity - 1;
      const std::uint32_t last = follow(w, next, end, at, bounds);
      if (last == wanted || (last + 1 == last_walk::capacity && w.is_whole))
        return join(w, fresh, next, most);
      take_over(fresh, w, next, last);
      next = last + 1;
      trace.saved_at = w.frame_at[last];
    } else {
      fresh.add(at, trace.saved_at);
    }
    if (fresh.count < most) {
      at = step(at, bounds, trace);
      fresh.note(trace);
      if (is_code(at.code)) continue;
    }
    return replace(w, fresh, trace.is_end);
  }
}

void begin_anew(last_walk& w) {
  w.generation = process_rules.generation();
  w.forget();
}

bool ends_where_none_does(const last_walk& w, std::uint32_t most) {
  return !w.is_whole && w.count < most;
}

// A walk that ended early may have gone by rules of a module that is gone: its modules are looked
// at again. Where that is not why, as in code without tables, ever less often.
ASHLAR_NO_INLINE void doubt(last_walk& w, const position& start, walk_bounds bounds,
                            std::uint32_t most) {
  constexpr std::uint16_t seldom = 1 << 14;
  if (++w.doubtful < w.doubts_most) return;
  w.doubtful = 0;
  process_rules.look_again(w.code + w.top, w.count);
  if (w.generation != process_rules.generation()) {
    begin_anew(w);
    w.count = walk_again(w, start, bounds, most);
    if (!ends_where_none_does(w, most)) {
      w.doubts_most = 1;
      return;
    }
  }
  if (w.doubts_most < seldom) w.doubts_most = static_cast<std::uint16_t>(w.doubts_most * 2 + 1);
}

// Whether a walk can go on from where it begins, given the thread's record of its stack.
bool has_stack(const position& start, os::stack_bounds& bounds) {
  // A stack that grew, or another one: a signal's, a coroutine's.
  if (!bounds.contains(start.stack)) bounds = os::find_stack(at_address(start.stack));
  return bounds.contains(start.stack) && is_aligned(start.stack, stack_word);
}

// Whether the last walk came to what is known to be the thread's own stack by rules alone: then it
// was on it from the begin. A frame pointer that was trusted may have led there from another one.
bool leads_to_own(const last_walk& w, const os::stack_bounds& bounds) {
  for (std::uint32_t i = w.top; i < w.top + w.count; ++i) {
    if (w.at[i] >= bounds.own_from) return true;
    if (w.is_rare[i]) return false;
  }
  return false;
}

position start_of(const caller& from) {
  return {.code = address_of(from.return_address),
          .stack = address_of(from.stack),
          .frame = address_of(from.frame)};
}

}  // namespace

std::uint32_t walk_stack(const caller& from, os::stack_bounds& bounds, std::uintptr_t* frames,
                         std::uint32_t most) noexcept {
  if (most == 0) return 0;
  const position start = start_of(from);
  frames[0] = start.code;
  if (!has_stack(start, bounds)) return 1;
  return walk_anew(start, {bounds, start.stack}, frames, most);
}

walked_stack walk_stack(const caller& from, os::stack_bounds& bounds, std::uint32_t most,
                        last_walk& last) noexcept {
  const position start = start_of(from);
  if (last.generation != process_rules.generation()) [[unlikely]]
    begin_anew(last);
  if (most > stack_frames_limit) most = stack_frames_limit;
  if (!has_stack(start, bounds)) most = 1;
  // What the last walk met there may be unmapped.
  const bool is_own = start.stack >= bounds.own_from;
  if (!is_own) [[unlikely]]
    last.forget();
  const std::uint32_t top = last.top;
  const std::uint32_t count = last.count;
  const std::uint64_t changes = last.changes;
  last.count = walk_again(last, start, {bounds, start.stack}, most);
  if (ends_where_none_does(last, most)) [[unlikely]]
    doubt(last, start, {bounds, start.stack}, most);
  if (!is_own && leads_to_own(last, bounds)) bounds.own_from = align_down(start.stack, stack_page);
  return {.frames = last.code + last.top,
          .count = last.count,
          .is_same = last.top == top && last.count == count && last.changes == changes};
}

}  // namespace ashlar::observe
