// SPDX-License-Identifier: MIT
// What a thread's last walk of its stack met, so that the next one need not step through what has
// not changed since.
//
// For each function: its code, where on the stack that was read, and what the step to its caller
// depended on. If a walk comes to a function at the same place with the same code, then the step
// leads to the same place again (its rule is the same), and it remains to compare what lies there.
// So the frames that both walks have in common cost a few loads that wait for nothing, where steps
// wait for each other. The result is exact: nothing is taken over that was not compared.
//
// The functions lie as on the stack itself, outermost at the high end: a walk that differs in the
// innermost ones replaces those and copies nothing. What lies further out than a walk went is kept,
// and found again when the thread has returned there.
//
// Invariants: (1) `hashes[i]` is stack_hash of the functions from i on, and `needs[i]` the number
// of those whose step went by the frame pointer; (2) no step between `top` and `rare` is rare; (3)
// the functions are those from `top` to `capacity`, and none is at the place behind them. Threads:
// thread-confined. A signal handler that walks in the middle of a walk goes without.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ashlar/base/relaxed.hpp"
#include "ashlar/observe/stack_hash.hpp"
#include "ashlar/observe/unwind/step.hpp"

namespace ashlar::observe {

/// The most frames of a walk.
inline constexpr std::uint32_t stack_frames_limit = 64;

static_assert(stack_hash_powers.size() > stack_frames_limit);

/// The functions that a walk met beyond what the last one had met.
struct fresh_frames {
  static constexpr std::uint32_t most = stack_frames_limit;
  static_assert(most <= 64);

  std::uint32_t count = 0;
  std::uint64_t rare = 0;  // a bit for each: the step from it on is not to be repeated
  std::uintptr_t code[most];
  std::uintptr_t at[most];
  std::uintptr_t needed[most];
  std::uintptr_t frame_at[most];

  void add(const position& p, std::uintptr_t frame_read_at) {
    code[count] = p.code;
    at[count] = p.stack - stack_word;
    needed[count] = 0;
    frame_at[count++] = frame_read_at;
  }

  /// Notes the step from the function added last.
  void note(const step_trace& trace) {
    needed[count - 1] = trace.needed_frame;
    rare |= std::uint64_t{trace.is_rare} << (count - 1);
  }
};

struct last_walk {
  static constexpr std::uint32_t capacity = 192;

  std::uint32_t top = 0;      // the innermost function; capacity: none
  std::uint32_t rare = 0;     // the innermost one from which the step on is not to be repeated
  std::uint32_t count = 0;    // functions of the last walk
  std::uint64_t changes = 0;  // whether functions were replaced since
  bool is_whole = false;      // the outermost one has no caller
  bool is_in_use = false;
  std::uint16_t doubtful = 0;  // walks that ended where no stack does, since modules were looked at
  std::uint16_t doubts_most = 1;  // before they are looked at again
  std::uint32_t generation = 0;   // of the rules that it went by; 0: never begun
  std::uintptr_t code[capacity];
  std::uintptr_t at[capacity + 1];    // where `code` was read: right below the stack pointer
  std::uintptr_t needed[capacity];    // the frame pointer, if the step from i on went by it; or 0
  std::uintptr_t frame_at[capacity];  // where the frame pointer was read; 0: where it always was
  bool is_rare[capacity];
  std::uint8_t needs[capacity + 1];
  std::uint64_t hashes[capacity + 1];

  /// Whether the function of number `i` is at `p`, as far as its code goes and its place.
  bool has(std::uint32_t i, const position& p) const {
    return at[i] == p.stack - stack_word && code[i] == p.code;
  }

  void forget() {
    top = rare = capacity;
    count = 0;
    is_whole = false;
    ++changes;
    set_end();
  }

  /// Drops what lies further in than `i`.
  void drop_to(std::uint32_t i) {
    top = i;
    if (rare < i)
      for (rare = i; rare < capacity && !is_rare[rare];) ++rare;
  }

  /// Says where the frame pointer was read that function `i` has, and those further out up to one
  /// that has read it anew. Rare steps read it anew themselves.
  void set_frame_at(std::uint32_t i, std::uintptr_t read_at) {
    if (frame_at[i] == read_at) return;
    const std::uintptr_t own = at[i];
    do {
      frame_at[i] = read_at;
    } while (!is_rare[i] && ++i < capacity && frame_at[i] <= own);
  }

  /// Puts functions in front of the innermost one.
  void push(const fresh_frames& fresh) {
    ++changes;
    if (top < fresh.count) make_room();
    for (std::uint32_t i = fresh.count; i-- > 0;) {
      --top;
      code[top] = fresh.code[i];
      at[top] = fresh.at[i];
      needed[top] = fresh.needed[i];
      frame_at[top] = fresh.frame_at[i];
      is_rare[top] = (fresh.rare >> i & 1) != 0;
      needs[top] = static_cast<std::uint8_t>(needs[top + 1] + (needed[top] != 0));
      hashes[top] = stack_hash(fresh.code[i], hashes[top + 1]);
    }
    if (fresh.rare != 0) rare = top + static_cast<std::uint32_t>(std::countr_zero(fresh.rare));
  }

  /// The stack_hash of what the last walk met.
  std::uint64_t hash() const {
    return stack_hash_of_first(count, hashes[top], hashes[top + count]);
  }

 private:
  /// Says what lies behind the outermost function.
  void set_end() {
    at[capacity] = ~std::uintptr_t{0};
    needs[capacity] = 0;
    hashes[capacity] = stack_hash_of_none;
  }

  /// Moves what a walk can still reach to the high end.
  void make_room() {
    const std::uint32_t known = capacity - top;
    const std::uint32_t kept = known < stack_frames_limit ? known : stack_frames_limit;
    if (kept < known) is_whole = false;
    const std::uint32_t first = capacity - kept;
    std::memmove(code + first, code + top, kept * sizeof code[0]);
    std::memmove(at + first, at + top, kept * sizeof at[0]);
    std::memmove(needed + first, needed + top, kept * sizeof needed[0]);
    std::memmove(frame_at + first, frame_at + top, kept * sizeof frame_at[0]);
    std::memmove(is_rare + first, is_rare + top, kept * sizeof is_rare[0]);
    for (std::uint32_t i = capacity; i-- > first;) {
      hashes[i] = stack_hash(code[i], hashes[i + 1]);
      needs[i] = static_cast<std::uint8_t>(needs[i + 1] + (needed[i] != 0));
    }
    rare = rare < top + kept ? rare - top + first : capacity;
    top = first;
  }
};

/// Lets a walk use a thread's memory as long as it lives, unless another one does already.
class [[nodiscard]] last_walk_use {
 public:
  explicit last_walk_use(last_walk& memory) noexcept
      : memory_{memory}, is_first_{!memory.is_in_use} {
    store_relaxed(memory_.is_in_use, true);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~last_walk_use() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (is_first_) store_relaxed(memory_.is_in_use, false);
  }
  last_walk_use(const last_walk_use&) = delete;
  last_walk_use& operator=(const last_walk_use&) = delete;

  explicit operator bool() const noexcept { return is_first_; }

 private:
  last_walk& memory_;
  const bool is_first_;
};

}  // namespace ashlar::observe
