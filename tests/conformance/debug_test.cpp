// SPDX-License-Identifier: MIT
// The debug manager with each of its options, over managers of several kinds.
#include "ashlar/debug.hpp"

#include "ashlar/arena.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/stack.hpp"
#include "conformance/conformance.hpp"

namespace ashlar::test {
namespace {

void ignore_line(void*, const char*) {}

debug_options quiet(debug_options options) {
  options.sink.write = ignore_line;
  return options;
}

struct debug_subject {
  static constexpr std::size_t largest = 64_KiB;
  static constexpr std::size_t steps = 1500;
  debug_subject(memory upstream, const debug_options& options) : debug_(upstream, quiet(options)) {}
  manager& get() { return debug_; }
  bool is_well() { return debug_.check() == 0; }
  debug_manager debug_;
};

/// One with a setting of its own.
template <debug_options (*Options)()>
struct debug_with : debug_subject {
  explicit debug_with(memory upstream) : debug_subject(upstream, Options()) {}
};

debug_options as_it_is() { return {}; }
debug_options bare() {
  return {.headers = false, .guard = 0, .fill = false, .quarantine = 0, .history = 0, .depth = 1};
}
debug_options without_headers() { return {.headers = false}; }
debug_options without_guards() { return {.guard = 0}; }
debug_options with_wide_guards() { return {.guard = 4096}; }
debug_options with_odd_guards() { return {.headers = false, .guard = 1}; }
debug_options without_fill() { return {.fill = false}; }
debug_options without_quarantine() { return {.quarantine = 0}; }
debug_options with_small_quarantine() { return {.quarantine = 4_KiB, .history = 8}; }
debug_options in_front_of_pages() { return {.pages = debug_pages::front}; }
debug_options at_the_back_of_pages() { return {.pages = debug_pages::back}; }
debug_options with_log() {
  return {.log = [](void*, const debug_event&) {}};
}
debug_options with_age() { return {.most_frames = 1}; }

template <debug_options (*Options)()>
struct debug_on_pages : debug_with<Options> {
  static constexpr std::size_t steps = 300;  // several system calls each
  using debug_with<Options>::debug_with;
};

/// Around managers that can do less, or more.
struct debug_over_a_pool {
  static constexpr std::size_t largest = 400;
  static constexpr std::size_t max_alignment = 64;
  explicit debug_over_a_pool(memory upstream)
      : pool_({512, 64}, {.upstream = upstream}), debug_(pool_, quiet({.quarantine = 2_KiB})) {}
  manager& get() { return debug_; }
  bool is_well() { return debug_.check() == 0 && pool_.check_invariants(); }
  pool pool_;
  debug_manager debug_;
};

struct debug_over_a_stack {
  static constexpr std::size_t largest = 4_KiB;
  static constexpr std::size_t max_alignment = 4_KiB;
  explicit debug_over_a_stack(memory upstream)
      : stack_({.kind = backing::chained, .upstream = upstream}), debug_(stack_, quiet({})) {}
  manager& get() { return debug_; }
  bool is_well() { return debug_.check() == 0; }
  stack_manager stack_;
  debug_manager debug_;
};

struct debug_over_an_arena {
  static constexpr std::size_t largest = 16_KiB;
  explicit debug_over_an_arena(memory upstream)
      : arena_({.kind = backing::chained, .upstream = upstream}), debug_(arena_, quiet({})) {}
  manager& get() { return debug_; }
  bool is_well() { return debug_.check() == 0 && arena_.check_invariants(); }
  arena arena_;
  debug_manager debug_;
};

ASHLAR_CONFORMS(debug_manager, debug_with<as_it_is>);
ASHLAR_CONFORMS(debug_bare, debug_with<bare>);
ASHLAR_CONFORMS(debug_without_headers, debug_with<without_headers>);
ASHLAR_CONFORMS(debug_without_guards, debug_with<without_guards>);
ASHLAR_CONFORMS(debug_with_wide_guards, debug_with<with_wide_guards>);
ASHLAR_CONFORMS(debug_with_odd_guards, debug_with<with_odd_guards>);
ASHLAR_CONFORMS(debug_without_fill, debug_with<without_fill>);
ASHLAR_CONFORMS(debug_without_quarantine, debug_with<without_quarantine>);
ASHLAR_CONFORMS(debug_with_small_quarantine, debug_with<with_small_quarantine>);
ASHLAR_CONFORMS(debug_in_front_of_pages, debug_on_pages<in_front_of_pages>);
ASHLAR_CONFORMS(debug_at_the_back_of_pages, debug_on_pages<at_the_back_of_pages>);
ASHLAR_CONFORMS(debug_with_log, debug_with<with_log>);
ASHLAR_CONFORMS(debug_with_age, debug_with<with_age>);
ASHLAR_CONFORMS(debug_over_a_pool, debug_over_a_pool);
ASHLAR_CONFORMS(debug_over_a_stack, debug_over_a_stack);
ASHLAR_CONFORMS(debug_over_an_arena, debug_over_an_arena);

}  // namespace
}  // namespace ashlar::test
