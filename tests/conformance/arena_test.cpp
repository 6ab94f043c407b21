// SPDX-License-Identifier: MIT
// The arena over each backing, with the settings that change what its slow path does.
#include "conformance/conformance.hpp"

#include "ashlar/arena.hpp"
#include "ashlar/frame.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/manager/source/user_os.hpp"
#include "ashlar/scoped.hpp"
#include "ashlar/shared_arena.hpp"
#include "ashlar/stack.hpp"

namespace {

using namespace ashlar::literals;
using ashlar::arena;
using ashlar::arena_options;
using ashlar::backing;

/// Options with the upstream filled in.
arena_options over(ashlar::memory upstream, arena_options options) {
  options.upstream = upstream;
  return options;
}

template <std::size_t Size>
struct buffer_of {
  alignas(64) std::byte bytes[Size];
};

struct arena_subject {
  static constexpr std::size_t largest = 256_KiB;
  explicit arena_subject(const arena_options& options) : arena_(options) {}
  ashlar::manager& get() { return arena_; }
  bool is_well() { return arena_.check_invariants(); }
  arena arena_;
};

/// Hands its contents over; stands on chunks or on pages of its own.
struct adopting_subject : arena_subject {
  using arena_subject::arena_subject;
  void adopt(adopting_subject& other) { (void)arena_.adopt(other.arena_); }
};

struct reserved_arena : adopting_subject {
  explicit reserved_arena(ashlar::memory upstream)
      : adopting_subject(over(upstream, {.reserve = 64_MiB})) {}
};

struct reserved_arena_small_steps : arena_subject {
  explicit reserved_arena_small_steps(ashlar::memory upstream)
      : arena_subject(over(upstream, {.reserve = 16_MiB, .commit_step = 1, .keep = 8_KiB})) {}
};

struct reserved_arena_large_pages : arena_subject {
  explicit reserved_arena_large_pages(ashlar::memory upstream)
      : arena_subject(over(upstream, {.reserve = 64_MiB, .page_size = 64_KiB})) {}
};

/// Bounded by the block, which is never known to be zero.
struct block_os : private buffer_of<2_MiB> {
  block_os() : os({.memory = {bytes, sizeof bytes}, .page_size = 1_KiB}) {}
  ashlar::user_block_os os;
};

struct reserved_arena_over_block : private block_os, arena_subject {
  static constexpr std::size_t largest = 64_KiB;
  static constexpr bool uses_upstream = false;
  static constexpr bool may_run_out = true;
  explicit reserved_arena_over_block(ashlar::memory) : arena_subject({.os = &os}) {}
};

struct chained_arena : adopting_subject {
  explicit chained_arena(ashlar::memory upstream)
      : adopting_subject(over(upstream, {.kind = backing::chained})) {}
};

/// Many chunks, many large blocks, little kept.
struct chained_arena_small_chunks : adopting_subject {
  explicit chained_arena_small_chunks(ashlar::memory upstream)
      : adopting_subject(over(upstream, {.kind = backing::chained,
                                         .growth = {.first = 1_KiB, .percent = 25, .cap = 16_KiB},
                                         .keep = 8_KiB})) {}
};

struct chained_arena_over_os : adopting_subject {
  explicit chained_arena_over_os(ashlar::memory upstream)
      : adopting_subject(over(upstream.os(), {.kind = backing::chained, .page_size = 8_KiB})) {}
};

struct limited_arena : arena_subject {
  explicit limited_arena(ashlar::memory upstream)
      : arena_subject(over(upstream, {.kind = backing::chained, .limit = 64_MiB})) {}
};

struct fixed_arena : private buffer_of<1_MiB>, arena_subject {
  static constexpr std::size_t largest = 64_KiB;
  static constexpr bool uses_upstream = false;
  explicit fixed_arena(ashlar::memory) : arena_subject({.kind = backing::fixed, .buffer = bytes}) {}
};

struct tiny_fixed_arena : private buffer_of<777>, arena_subject {
  static constexpr std::size_t largest = 100;
  static constexpr std::size_t max_alignment = 32;
  static constexpr bool uses_upstream = false;
  explicit tiny_fixed_arena(ashlar::memory)
      : arena_subject({.kind = backing::fixed, .buffer = std::span(bytes).subspan(1)}) {}
};

struct inline_arena : private buffer_of<8_KiB>, arena_subject {
  explicit inline_arena(ashlar::memory upstream)
      : arena_subject(over(upstream, {.kind = backing::inline_then_chained, .buffer = bytes})) {}
};

/// A child, with a parent that has nothing else to do.
struct child_arena {
  static constexpr std::size_t largest = 64_KiB;
  static constexpr bool uses_upstream = false;  // the parent holds more than the child
  explicit child_arena(ashlar::memory) : parent_({.limit = 32_MiB}), child_(parent_.sub()) {}
  ashlar::manager& get() { return child_; }
  bool is_well() { return parent_.check_invariants() && child_.check_invariants(); }
  arena parent_;
  arena child_;
};

struct frame {
  static constexpr std::size_t largest = 256_KiB;
  explicit frame(ashlar::memory upstream) : frames_(over(upstream, {.kind = backing::chained})) {
    frames_.next_frame();
  }
  ashlar::manager& get() { return frames_.now(); }
  bool is_well() { return frames_.now().check_invariants(); }
  ashlar::frame_arena<2> frames_;
};

struct stack_subject {
  static constexpr std::size_t largest = 256_KiB;
  explicit stack_subject(const arena_options& options) : stack_(options) {}
  ashlar::manager& get() { return stack_; }
  bool is_well() { return stack_.check_invariants(); }
  ashlar::stack_manager stack_;
};

struct reserved_stack : stack_subject {
  explicit reserved_stack(ashlar::memory upstream)
      : stack_subject(over(upstream, {.reserve = 64_MiB})) {}
};

struct chained_stack : stack_subject {
  explicit chained_stack(ashlar::memory upstream)
      : stack_subject(over(
            upstream, {.kind = backing::chained, .growth = {.first = 2_KiB, .cap = 32_KiB}})) {}
};

struct scoped_over_blocks {
  static constexpr std::size_t largest = 256_KiB;
  explicit scoped_over_blocks(ashlar::memory upstream) : scoped_(upstream) {}
  ashlar::manager& get() { return scoped_; }
  bool is_well() { return scoped_.check_invariants(); }
  ashlar::scoped_manager scoped_;
};

struct scoped_over_arena {
  static constexpr std::size_t largest = 64_KiB;
  static constexpr bool uses_upstream = false;  // the arena holds more than the scope
  explicit scoped_over_arena(ashlar::memory)
      : arena_({.kind = backing::chained}), scoped_(arena_) {}
  ashlar::manager& get() { return scoped_; }
  bool is_well() { return arena_.check_invariants() && scoped_.check_invariants(); }
  arena arena_;
  ashlar::scoped_manager scoped_;
};

struct shared {
  static constexpr std::size_t largest = 256_KiB;
  explicit shared(ashlar::memory upstream) : arena_({.upstream = upstream}) {}
  ashlar::manager& get() { return arena_; }
  bool is_well() { return arena_.check_invariants(); }
  ashlar::shared_arena arena_;
};

struct shared_small_runs {
  static constexpr std::size_t largest = 64_KiB;
  explicit shared_small_runs(ashlar::memory upstream)
      : arena_({.run_size = 4_KiB, .keep = 64_KiB, .upstream = upstream}) {}
  ashlar::manager& get() { return arena_; }
  bool is_well() { return arena_.check_invariants(); }
  ashlar::shared_arena arena_;
};

ASHLAR_CONFORMS(reserved_arena, reserved_arena);
ASHLAR_CONFORMS(reserved_arena_small_steps, reserved_arena_small_steps);
ASHLAR_CONFORMS(reserved_arena_large_pages, reserved_arena_large_pages);
ASHLAR_CONFORMS(chained_arena, chained_arena);
ASHLAR_CONFORMS(reserved_arena_over_block, reserved_arena_over_block);
ASHLAR_CONFORMS(chained_arena_small_chunks, chained_arena_small_chunks);
ASHLAR_CONFORMS(chained_arena_over_os, chained_arena_over_os);
ASHLAR_CONFORMS(limited_arena, limited_arena);
ASHLAR_CONFORMS(fixed_arena, fixed_arena);
ASHLAR_CONFORMS(tiny_fixed_arena, tiny_fixed_arena);
ASHLAR_CONFORMS(inline_arena, inline_arena);
ASHLAR_CONFORMS(child_arena, child_arena);
ASHLAR_CONFORMS(frame_arena, frame);
ASHLAR_CONFORMS(reserved_stack, reserved_stack);
ASHLAR_CONFORMS(chained_stack, chained_stack);
ASHLAR_CONFORMS(scoped_over_blocks, scoped_over_blocks);
ASHLAR_CONFORMS(scoped_over_arena, scoped_over_arena);
ASHLAR_CONFORMS(shared_arena, shared);
ASHLAR_CONFORMS(shared_arena_small_runs, shared_small_runs);

}  // namespace
