// SPDX-License-Identifier: MIT
// Compositions of the library's own managers: ones that free last first, rewind, walk, free nothing
// one by one, or serve one size.
#include "ashlar/arena.hpp"
#include "ashlar/buckets.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/fit.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/stack.hpp"
#include "conformance/conformance.hpp"

namespace {

using namespace ashlar;

arena_options chained_over(memory upstream) {
  return {.kind = backing::chained, .upstream = upstream};
}

/// Composition `M` over an arena or a stack.
template <class M>
struct over_arena {
  static constexpr std::size_t largest = 64_KiB;
  explicit over_arena(memory upstream) : manager_(chained_over(upstream)) {}
  manager& get() { return manager_; }
  M manager_;
};

using locked_arena = over_arena<locked<arena>>;
using aligned_arena = over_arena<aligned<64, arena>>;
using zeroing_arena = over_arena<zeroing<arena>>;
using wiping_arena = over_arena<zeroing<arena, wipe::when_freed>>;
using affixed_arena = over_arena<affix<arena, std::size_t, std::size_t>>;
using failing_arena = over_arena<fail_on_nth<arena>>;
using locked_stack = over_arena<locked<stack_manager>>;
using aligned_stack = over_arena<aligned<64, stack_manager>>;
using zeroing_stack = over_arena<zeroing<stack_manager>>;
using wiping_stack = over_arena<zeroing<stack_manager, wipe::when_freed>>;
using affixed_stack = over_arena<affix<stack_manager, std::size_t, std::size_t>>;
ASHLAR_CONFORMS(locked_arena, locked_arena);
ASHLAR_CONFORMS(aligned_arena, aligned_arena);
ASHLAR_CONFORMS(zeroing_arena, zeroing_arena);
ASHLAR_CONFORMS(wiping_arena, wiping_arena);
ASHLAR_CONFORMS(affixed_arena, affixed_arena);
ASHLAR_CONFORMS(failing_arena, failing_arena);
ASHLAR_CONFORMS(locked_stack, locked_stack);
ASHLAR_CONFORMS(aligned_stack, aligned_stack);
ASHLAR_CONFORMS(zeroing_stack, zeroing_stack);
ASHLAR_CONFORMS(wiping_stack, wiping_stack);
ASHLAR_CONFORMS(affixed_stack, affixed_stack);

/// A budget over what frees nothing one by one, and over what frees last first.
template <class Part>
struct budget_over {
  static constexpr std::size_t largest = 64_KiB;
  explicit budget_over(memory upstream)
      : manager_(chained_over(upstream), limited_options{.limit = 64_MiB}) {}
  manager& get() { return manager_; }
  limited<Part> manager_;
};
using limited_arena_by_value = budget_over<arena>;
using limited_stack = budget_over<stack_manager>;
ASHLAR_CONFORMS(limited_arena_by_value, limited_arena_by_value);
ASHLAR_CONFORMS(limited_stack, limited_stack);

/// Handles to the same, whose nature shows at run time only.
template <class Inner, class M>
struct over_handle_of {
  static constexpr std::size_t largest = 64_KiB;
  explicit over_handle_of(memory upstream) : inner_(chained_over(upstream)), manager_(inner_) {}
  manager& get() { return manager_; }
  Inner inner_;
  M manager_;
};
using locked_handle_of_arena = over_handle_of<arena, locked<memory>>;
using locked_handle_of_stack = over_handle_of<stack_manager, locked<memory>>;
using affixed_handle_of_stack = over_handle_of<stack_manager, affix<memory, int>>;
using wiping_handle_of_stack = over_handle_of<stack_manager, zeroing<memory, wipe::when_freed>>;
using tower_over_arena = over_handle_of<arena, aligned<64, zeroing<fail_on_nth<locked<memory>>>>>;
ASHLAR_CONFORMS(locked_handle_of_arena, locked_handle_of_arena);
ASHLAR_CONFORMS(locked_handle_of_stack, locked_handle_of_stack);
ASHLAR_CONFORMS(affixed_handle_of_stack, affixed_handle_of_stack);
ASHLAR_CONFORMS(wiping_handle_of_stack, wiping_handle_of_stack);
ASHLAR_CONFORMS(tower_over_arena, tower_over_arena);

/// A buffer first, then blocks of the upstream's.
struct buffer_then_upstream {
  static constexpr std::size_t largest = 64_KiB;
  explicit buffer_then_upstream(memory upstream)
      : manager_(arena_options{.kind = backing::fixed, .buffer = bytes_}, upstream) {}
  manager& get() { return manager_; }
  alignas(64) std::byte bytes_[16_KiB];
  fallback<arena, memory> manager_;
};
ASHLAR_CONFORMS(buffer_then_upstream, buffer_then_upstream);

/// The general behaviour of the founding documents: small from pools, large from a tree.
struct small_and_large_managers {
  static constexpr std::size_t largest = 256_KiB;
  explicit small_and_large_managers(memory upstream)
      : manager_(bucket_options{.upstream = upstream, .max_block = 1_KiB},
                 fit_options{.os = &upstream.os(), .reserve = 64_MiB}) {}
  manager& get() { return manager_; }
  segregate<1_KiB, buckets, best_fit_manager> manager_;
};
ASHLAR_CONFORMS(small_and_large_managers, small_and_large_managers);

/// Pools behind one lock, with thread caches in front.
struct cached_buckets {
  static constexpr std::size_t largest = 32_KiB;
  explicit cached_buckets(memory upstream) : manager_(bucket_options{.upstream = upstream}) {}
  manager& get() { return manager_; }
  thread_cached<locked<buckets>> manager_;
};
ASHLAR_CONFORMS(cached_buckets, cached_buckets);

struct make_pool {
  memory upstream;
  pool operator()(std::size_t size) const { return pool({size, 16}, {.upstream = upstream}); }
};
struct pools_by_size {
  static constexpr std::size_t largest = 1_KiB;
  static constexpr std::size_t max_alignment = 16;
  explicit pools_by_size(memory upstream) : manager_(make_pool{upstream}) {}
  manager& get() { return manager_; }
  bucketize<pool, 16, 64, 256, 1024> manager_;
};
ASHLAR_CONFORMS(pools_by_size, pools_by_size);

struct make_tlsf {
  memory upstream;
  tlsf_manager operator()() const {
    return tlsf_manager({.os = &upstream.os(), .reserve = 256_KiB});
  }
};
struct many_tlsf {
  static constexpr std::size_t largest = 64_KiB;
  static constexpr std::size_t most_live = 30;
  explicit many_tlsf(memory upstream) : manager_(make_tlsf{upstream}) {}
  manager& get() { return manager_; }
  cascade<make_tlsf, 64> manager_;
};
ASHLAR_CONFORMS(many_tlsf, many_tlsf);

}  // namespace
