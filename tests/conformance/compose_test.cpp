// SPDX-License-Identifier: MIT
// Compositions, over handles, references and values, and over each other.
#include "ashlar/compose.hpp"

#include "ashlar/sources.hpp"
#include "conformance/conformance.hpp"
#include "conformance/parts.hpp"

namespace {

using namespace ashlar;
using test::chunk_manager;

/// Composition `M` made from the upstream as a handle, with room for any request.
template <class M>
struct over_handle {
  static constexpr std::size_t largest = 64_KiB;
  explicit over_handle(memory upstream) : manager_(upstream) {}
  manager& get() { return manager_; }
  M manager_;
};

/// Composition `M` that holds a bounded manager over a chunk of the upstream's.
template <class M>
struct over_chunk {
  static constexpr std::size_t largest = 16_KiB;
  static constexpr std::size_t max_alignment = 4_KiB;
  static constexpr bool may_run_out = true;
  static constexpr std::size_t most_live = 12;
  explicit over_chunk(memory upstream) : manager_(upstream) {}
  manager& get() { return manager_; }
  M manager_;
};

using locked_handle = over_handle<locked<memory>>;
using locked_value = over_chunk<locked<chunk_manager>>;
ASHLAR_CONFORMS(locked_handle, locked_handle);
ASHLAR_CONFORMS(locked_value, locked_value);

struct locked_reference {
  static constexpr std::size_t largest = 64_KiB;
  explicit locked_reference(memory upstream) : user_(table(upstream)), locked_(user_) {}
  manager& get() { return locked_; }
  static ashlar_user_memory table(memory upstream) {
    ashlar_user_memory functions = {};
    functions.context = upstream.get();
    functions.allocate = [](void* m, std::size_t size, std::size_t alignment) {
      return memory(*static_cast<manager*>(m)).allocate({size, alignment}).data();
    };
    functions.deallocate = [](void* m, void* data, std::size_t size, std::size_t alignment) {
      memory(*static_cast<manager*>(m)).deallocate({data, size}, alignment);
    };
    return functions;
  }
  user_manager user_;
  locked<user_manager&> locked_;
};
ASHLAR_CONFORMS(locked_reference, locked_reference);

struct limited_handle {
  static constexpr std::size_t largest = 64_KiB;
  explicit limited_handle(memory upstream) : limited_(upstream, {.limit = 64_MiB}) {}
  manager& get() { return limited_; }
  limited<memory> limited_;
};
struct limited_value {
  static constexpr std::size_t largest = 16_KiB;
  static constexpr std::size_t max_alignment = 4_KiB;
  static constexpr bool may_run_out = true;
  explicit limited_value(memory upstream) : limited_(upstream, {.limit = 64_MiB}) {}
  manager& get() { return limited_; }
  limited<chunk_manager> limited_;
};
/// It is the budget that runs out.
struct tight_budget {
  static constexpr std::size_t largest = 16_KiB;
  static constexpr std::size_t max_alignment = 4_KiB;
  static constexpr bool may_run_out = true;
  static constexpr std::size_t most_live = 12;
  explicit tight_budget(memory upstream) : limited_(upstream, {.limit = 96_KiB}) {}
  manager& get() { return limited_; }
  limited<memory> limited_;
};
ASHLAR_CONFORMS(limited_handle, limited_handle);
ASHLAR_CONFORMS(limited_value, limited_value);
ASHLAR_CONFORMS(tight_budget, tight_budget);

using cache_lines = over_handle<aligned<64, memory>>;
using aligned_value = over_chunk<aligned<256, chunk_manager>>;
ASHLAR_CONFORMS(cache_lines, cache_lines);
ASHLAR_CONFORMS(aligned_value, aligned_value);

using zeroing_handle = over_handle<zeroing<memory>>;
using zeroing_value = over_chunk<zeroing<chunk_manager>>;
using wiping_handle = over_handle<zeroing<memory, wipe::when_freed>>;
using wiping_value = over_chunk<zeroing<chunk_manager, wipe::when_freed>>;
ASHLAR_CONFORMS(zeroing_handle, zeroing_handle);
ASHLAR_CONFORMS(zeroing_value, zeroing_value);
ASHLAR_CONFORMS(wiping_handle, wiping_handle);
ASHLAR_CONFORMS(wiping_value, wiping_value);

struct odd_prefix {
  char bytes[3] = {1, 2, 3};
};
struct alignas(32) wide_suffix {
  std::size_t word = 7;
};
using prefixed = over_handle<affix<memory, std::size_t>>;
using affixed = over_handle<affix<memory, odd_prefix, wide_suffix>>;
using affixed_value = over_chunk<affix<chunk_manager, odd_prefix, std::size_t>>;
ASHLAR_CONFORMS(prefixed, prefixed);
ASHLAR_CONFORMS(affixed, affixed);
ASHLAR_CONFORMS(affixed_value, affixed_value);

using failing_handle = over_handle<fail_on_nth<memory>>;
using failing_value = over_chunk<fail_on_nth<chunk_manager>>;
ASHLAR_CONFORMS(failing_handle, failing_handle);
ASHLAR_CONFORMS(failing_value, failing_value);

struct chunk_then_upstream {
  static constexpr std::size_t largest = 64_KiB;
  explicit chunk_then_upstream(memory upstream) : manager_(upstream, upstream) {}
  manager& get() { return manager_; }
  fallback<chunk_manager, memory> manager_;
};
struct two_chunks {
  static constexpr std::size_t largest = 16_KiB;
  static constexpr std::size_t max_alignment = 4_KiB;
  static constexpr bool may_run_out = true;
  static constexpr std::size_t most_live = 24;
  explicit two_chunks(memory upstream) : manager_(upstream, upstream) {}
  manager& get() { return manager_; }
  fallback<chunk_manager, chunk_manager> manager_;
};
struct small_and_large {
  static constexpr std::size_t largest = 64_KiB;
  explicit small_and_large(memory upstream) : manager_(upstream, upstream) {}
  manager& get() { return manager_; }
  segregate<256, memory, memory> manager_;
};
/// Small blocks from a chunk and what it has no room for from the upstream, large ones from there.
struct small_with_fallback {
  static constexpr std::size_t largest = 64_KiB;
  explicit small_with_fallback(memory upstream)
      : chunk_(upstream, upstream), manager_(chunk_, upstream) {}
  manager& get() { return manager_; }
  fallback<chunk_manager, memory> chunk_;
  segregate<1024, fallback<chunk_manager, memory>&, memory> manager_;
};
ASHLAR_CONFORMS(chunk_then_upstream, chunk_then_upstream);
ASHLAR_CONFORMS(two_chunks, two_chunks);
ASHLAR_CONFORMS(small_and_large, small_and_large);
ASHLAR_CONFORMS(small_with_fallback, small_with_fallback);

struct five_buckets {
  static constexpr std::size_t largest = 1024;
  explicit five_buckets(memory upstream) : manager_([upstream](std::size_t) { return upstream; }) {}
  manager& get() { return manager_; }
  bucketize<memory, 1, 16, 100, 512, 1024> manager_;
};
/// Each bucket is a cascade of chunks.
struct make_chunk {
  memory upstream;
  chunk_manager operator()() const { return chunk_manager(upstream); }
};
struct buckets_of_cascades {
  static constexpr std::size_t largest = 4096;
  static constexpr std::size_t max_alignment = 4_KiB;
  static constexpr std::size_t most_live = 200;
  explicit buckets_of_cascades(memory upstream)
      : manager_(
            [upstream](std::size_t) { return cascade<make_chunk, 64>(make_chunk{upstream}); }) {}
  manager& get() { return manager_; }
  bucketize<cascade<make_chunk, 64>, 64, 512, 4096> manager_;
};
ASHLAR_CONFORMS(five_buckets, five_buckets);
ASHLAR_CONFORMS(buckets_of_cascades, buckets_of_cascades);

/// A manager that is made from a function, as a part.
struct locked_cascade {
  static constexpr std::size_t largest = 16_KiB;
  static constexpr std::size_t max_alignment = 4_KiB;
  static constexpr std::size_t most_live = 30;
  explicit locked_cascade(memory upstream) : manager_(make_chunk{upstream}) {}
  manager& get() { return manager_; }
  locked<cascade<make_chunk>> manager_;
};
ASHLAR_CONFORMS(locked_cascade, locked_cascade);

struct many_chunks {
  static constexpr std::size_t largest = 16_KiB;
  static constexpr std::size_t max_alignment = 4_KiB;
  static constexpr std::size_t most_live = 30;
  explicit many_chunks(memory upstream) : manager_(make_chunk{upstream}) {}
  manager& get() { return manager_; }
  cascade<make_chunk> manager_;
};
ASHLAR_CONFORMS(many_chunks, many_chunks);

using cached_handle = over_handle<thread_cached<memory>>;
using cached_value = over_chunk<thread_cached<locked<chunk_manager>, 256>>;
ASHLAR_CONFORMS(cached_handle, cached_handle);
ASHLAR_CONFORMS(cached_value, cached_value);

/// A tower: aligned over limited over locked over a fallback.
struct tower {
  static constexpr std::size_t largest = 64_KiB;
  explicit tower(memory upstream)
      : fallback_(upstream, upstream), locked_(fallback_), tower_(locked_) {}
  manager& get() { return tower_; }
  fallback<chunk_manager, memory> fallback_;
  locked<fallback<chunk_manager, memory>&> locked_;
  aligned<32, fail_on_nth<affix<memory, std::size_t>>> tower_;
};
ASHLAR_CONFORMS(tower, tower);

}  // namespace
