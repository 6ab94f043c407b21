// SPDX-License-Identifier: MIT
// What composing costs: one get and put of 64 bytes, from the general heap alone and through each
// composition over it; and threads at one shared manager, beside std::pmr's synchronised pool.
#include <benchmark/benchmark.h>

#include <memory_resource>

#include "ashlar/compose.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/sources.hpp"

namespace {

using namespace ashlar;

heap& the_heap() {
  static heap general{heap_options{}};
  return general;
}

template <class M>
void get_and_put(benchmark::State& state, M& m) {
  for (auto _ : state) {
    const allocation a = m.allocate({64, 16}, fit::get_exact);
    benchmark::DoNotOptimize(a.data());
    m.deallocate(a.get(), 16);
  }
}

void heap_alone(benchmark::State& state) { get_and_put(state, the_heap()); }
void handle(benchmark::State& state) {
  const memory m = the_heap();
  get_and_put(state, m);
}
BENCHMARK(heap_alone);
BENCHMARK(handle);

template <class M>
void over_reference(benchmark::State& state) {
  M m(the_heap());
  get_and_put(state, m);
}
BENCHMARK(over_reference<locked<heap&>>);
BENCHMARK(over_reference<aligned<64, heap&>>);
BENCHMARK(over_reference<affix<heap&, std::size_t>>);
BENCHMARK(over_reference<fail_on_nth<heap&>>);
BENCHMARK(over_reference<thread_cached<heap&>>);

void limited_heap(benchmark::State& state) {
  limited<heap&> m(the_heap(), {.limit = std::size_t{1} << 30});
  get_and_put(state, m);
}
void fallback_that_does_not(benchmark::State& state) {
  fallback<heap&, null_manager> m(the_heap());
  get_and_put(state, m);
}
void segregated(benchmark::State& state) {
  segregate<256, heap&, heap&> m(the_heap(), the_heap());
  get_and_put(state, m);
}
void five_buckets(benchmark::State& state) {
  bucketize<memory, 16, 32, 64, 128, 256> m([](std::size_t) { return memory(the_heap()); });
  get_and_put(state, m);
}
BENCHMARK(limited_heap);
BENCHMARK(fallback_that_does_not);
BENCHMARK(segregated);
BENCHMARK(five_buckets);

// --- one manager, several threads ---

alignas(4096) std::byte shared_block[1 << 20];

using locked_block = locked<user_block_os>;

locked_block& the_block() {
  static locked_block m(
      user_block_options{.memory = {shared_block, sizeof(shared_block)}, .page_size = 64});
  return m;
}

void shared_locked(benchmark::State& state) { get_and_put(state, the_block()); }
void shared_thread_cached(benchmark::State& state) {
  static thread_cached<locked_block&> m(the_block());
  get_and_put(state, m);
}
void shared_pmr_synchronized_pool(benchmark::State& state) {
  static std::pmr::synchronized_pool_resource pool;
  for (auto _ : state) {
    void* const p = pool.allocate(64, 16);
    benchmark::DoNotOptimize(p);
    pool.deallocate(p, 64, 16);
  }
}
BENCHMARK(shared_locked)->ThreadRange(1, 4)->UseRealTime();
BENCHMARK(shared_thread_cached)->ThreadRange(1, 4)->UseRealTime();
BENCHMARK(shared_pmr_synchronized_pool)->ThreadRange(1, 4)->UseRealTime();

}  // namespace
