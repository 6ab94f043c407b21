// SPDX-License-Identifier: MIT
// What a thread's last walk of its stack met, so that the next one need not step through what has
// not changed since.
//
// For each function: its code, where on the stack that was read, and what the step to its caller
// depended on. If a walk comes to a function at the same place with the same code, then the step
// leads to the same place again (its rule is the same), and it remains to compare what lies there.
// So the frames that both walks have in common cost a few loads that wait for nothing, where steps
// wait for each other. The result is exact: nothing is taken over that was not compared.
// Threads: thread-confined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ashlar/observe/unwind/step.hpp"

namespace ashlar::observe {

/// The functions of one walk, innermost first.
struct walked_frames {
  static constexpr std::uint32_t most = 64;

  std::uint32_t count = 0;
  bool is_whole = false;   // the last one has no caller
  std::uint64_t rare = 0;  // bit i: the step from i on is not to be repeated
  std::uintptr_t code[most] = {};
  std::uintptr_t at[most] = {};        // where `code` was read: right below the stack pointer
  std::uintptr_t needed[most] = {};    // the frame pointer, if the step from i on went by it; or 0
  std::uintptr_t frame_at[most] = {};  // where the frame pointer was read; 0: where it always was

  /// Whether the function of number `i` is at `p`, as far as its code goes and its place.
  bool has(std::size_t i, const position& p) const {
    return i < count && at[i] == p.stack - stack_word && code[i] == p.code;
  }

  void add(const position& p, std::uintptr_t frame_read_at) {
    code[count] = p.code;
    frame_at[count] = frame_read_at;
    at[count++] = p.stack - stack_word;
  }

  /// Notes the step from the function added last.
  void note(const step_trace& trace) {
    needed[count - 1] = trace.needed_frame;
    rare |= std::uint64_t{trace.is_rare} << (count - 1);
  }

  /// Adds `n` functions of another walk: those behind the one at `first`, which is the last one
  /// here.
  void add_run(const walked_frames& from, std::size_t first, std::size_t n) {
    const std::size_t last = count - 1;
    copy(needed + last, from.needed + first, n);
    copy(code + count, from.code + first + 1, n);
    copy(at + count, from.at + first + 1, n);
    copy(frame_at + count, from.frame_at + first + 1, n);
    // Up to where the run itself read one, the frame pointer is that of its beginning.
    for (; count <= last + n && frame_at[count] <= at[last]; ++count)
      frame_at[count] = frame_at[last];
    count = static_cast<std::uint32_t>(last + 1 + n);
  }

 private:
  static void copy(std::uintptr_t* to, const std::uintptr_t* from, std::size_t n) {
    std::memcpy(to, from, n * sizeof *to);
  }
};

struct last_walk {
  walked_frames walks[2];
  std::uint32_t latest = 0;
  std::uint64_t number = 0;  // of the latest: walks that come out the same have the same one
  std::uint32_t drops = 0;   // of rules, before it
  bool is_in_use = false;    // a signal handler that walks meanwhile goes without
};

}  // namespace ashlar::observe
