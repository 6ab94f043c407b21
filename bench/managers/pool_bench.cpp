// SPDX-License-Identifier: MIT
// Pools beside what else hands out blocks of one size: what one block costs, by order of return.
//
//   pair      one block, got and given back at once: the length of the two paths
//   in_order  1,000 blocks, given back in the order in which they came
//   reversed  the last one first
//   shuffled  in random order, the same for all
//   map       std::map<int, int>: 1,000 keys in, 1,000 out
//   list      std::list<int>: 64 in front of it, one in and one out 1,000 times
//
// The four first are the patterns of foonathan/memory's own profiling. Each figure is a whole
// round: divide by the number of blocks. mimalloc is called through a pointer (its library would
// take malloc over if it were linked), which costs it about a nanosecond for a pair.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdlib>
#include <list>
#include <map>
#include <memory_resource>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "ashlar/buckets.hpp"
#include "ashlar/general.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/pool.hpp"

#if ASHLAR_BENCH_BOOST
#include <boost/container/detail/multiallocation_chain.hpp>  // node_allocator.hpp lacks these two
#include <boost/container/detail/version_type.hpp>

#include <boost/container/node_allocator.hpp>
#include <boost/container/pmr/unsynchronized_pool_resource.hpp>
#endif
#if ASHLAR_BENCH_FOONATHAN
#include <foonathan/memory/memory_pool.hpp>
#endif

namespace {

constexpr std::size_t batch = 1000;

/// Lets the compiler believe that the block is used. (DoNotOptimize of a non-const reference is
/// miscompiled by GCC 12 in some of these loops.)
inline void keep(void* block) { asm volatile("" : : "r"(block) : "memory"); }

// --- who hands out blocks
// -------------------------------------------------------------------------

template <std::size_t Size>
struct ashlar_pool {
  ashlar::pool pool{{Size, alignof(std::max_align_t)}};
  void* get() { return pool.get(); }
  void put(void* p) { pool.put(p); }
};

/// Through the handle that containers hold: nothing is known at compile time.
template <std::size_t Size>
struct ashlar_handle {
  ashlar::pool pool{{Size, alignof(std::max_align_t)}};
  ashlar::memory handle{pool};
  void* get() { return handle.allocate({Size, alignof(std::max_align_t)}).data(); }
  void put(void* p) { handle.deallocate({p, Size}); }
};

/// Many sizes, one of them used: what the size classes cost.
template <std::size_t Size>
struct ashlar_buckets {
  ashlar::buckets buckets;
  void* get() { return buckets.allocate({Size, alignof(std::max_align_t)}).data(); }
  void put(void* p) { buckets.deallocate({p, Size}); }
};

template <std::size_t Size>
struct ashlar_general {
  ashlar::general_manager general;
  void* get() { return general.allocate({Size, alignof(std::max_align_t)}).data(); }
  void put(void* p) { general.deallocate({p, Size}); }
};

/// Pools for many threads, in one: to be held against malloc.
template <std::size_t Size>
struct ashlar_thread_cached {
  ashlar::thread_cached_pool pool{{Size, alignof(std::max_align_t)}};
  void* get() { return pool.get(); }
  void put(void* p) { pool.put(p); }
};

template <std::size_t Size>
struct ashlar_thread_pools {
  ashlar::thread_pools pool{{Size, alignof(std::max_align_t)}};
  void* get() { return pool.get(); }
  void put(void* p) { pool.put(p); }
};

/// Named by handles, which are looked up twice.
template <std::size_t Size>
struct ashlar_handles {
  struct object {
    std::byte bytes[Size];
  };
  ashlar::handle_pool<object> pool;
  ashlar::handle<object> last;
  void* get() {
    last = pool.make();
    return pool.get(last);
  }
  void put(void*) {
    if (pool.get(last) != nullptr) pool.destroy(last);
  }
};

template <std::size_t Size>
struct pmr_pool {
  std::pmr::unsynchronized_pool_resource pool;
  void* get() { return pool.allocate(Size); }
  void put(void* p) { pool.deallocate(p, Size); }
};

template <std::size_t Size>
struct glibc_malloc {
  void* get() { return std::malloc(Size); }
  void put(void* p) { std::free(p); }
};

struct mimalloc_functions {
  void* (*get)(std::size_t) = nullptr;
  void (*put)(void*) = nullptr;
};

mimalloc_functions load_mimalloc() {
  void* const library = ::dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return {};
  return {reinterpret_cast<void* (*)(std::size_t)>(::dlsym(library, "mi_malloc")),
          reinterpret_cast<void (*)(void*)>(::dlsym(library, "mi_free"))};
}

const mimalloc_functions mimalloc = load_mimalloc();

template <std::size_t Size>
struct mi_malloc {
  void* get() { return mimalloc.get(Size); }
  void put(void* p) { mimalloc.put(p); }
};

#if ASHLAR_BENCH_BOOST
template <std::size_t Size>
struct boost_pool {
  boost::container::pmr::unsynchronized_pool_resource pool;
  void* get() { return pool.allocate(Size); }
  void put(void* p) { pool.deallocate(p, Size); }
};

template <std::size_t Size>
struct boost_node {
  struct node {
    alignas(std::max_align_t) std::byte bytes[Size];
  };
  boost::container::node_allocator<node> nodes;
  void* get() { return nodes.allocate_one(); }
  void put(void* p) { nodes.deallocate_one(static_cast<node*>(p)); }
};
#endif

#if ASHLAR_BENCH_FOONATHAN
template <std::size_t Size>
struct foonathan_pool {
  foonathan::memory::memory_pool<> pool{Size, 64 * 1024};
  void* get() { return pool.allocate_node(); }
  void put(void* p) { pool.deallocate_node(p); }
};
#endif

// --- the patterns
// ---------------------------------------------------------------------------------

template <class Source>
void pair(benchmark::State& state) {
  Source source;
  void* const other = source.get();  // a pool that is never empty, as in a program
  for (auto _ : state) {
    void* block = source.get();
    keep(block);
    source.put(block);
  }
  source.put(other);
}

template <class Source>
void rounds(benchmark::State& state, const std::vector<std::size_t>& order) {
  Source source;
  std::array<void*, batch> blocks;
  for (auto _ : state) {
    for (void*& block : blocks) {
      block = source.get();
      keep(block);
    }
    for (const std::size_t i : order) source.put(blocks[i]);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(batch) * state.iterations());
}

std::vector<std::size_t> ascending() {
  std::vector<std::size_t> order(batch);
  for (std::size_t i = 0; i < batch; ++i) order[i] = i;
  return order;
}

template <class Source>
void in_order(benchmark::State& state) {
  rounds<Source>(state, ascending());
}

template <class Source>
void reversed(benchmark::State& state) {
  std::vector<std::size_t> order = ascending();
  std::reverse(order.begin(), order.end());
  rounds<Source>(state, order);
}

template <class Source>
void shuffled(benchmark::State& state) {
  std::vector<std::size_t> order = ascending();
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  rounds<Source>(state, order);
}

// --- nodes of containers
// --------------------------------------------------------------------------

/// A standard allocator over a source of blocks large enough for any node here.
template <class T, class Source>
struct node_adapter {
  using value_type = T;
  Source* source;
  explicit node_adapter(Source& s) : source(&s) {}
  template <class U>
  node_adapter(const node_adapter<U, Source>& other)  // NOLINT(google-explicit-constructor)
      : source(other.source) {}
  T* allocate(std::size_t) { return static_cast<T*>(source->get()); }
  void deallocate(T* p, std::size_t) { source->put(p); }
  friend bool operator==(const node_adapter&, const node_adapter&) = default;
};

template <class Source>
void map(benchmark::State& state) {
  Source source;
  std::vector<int> keys(batch);
  for (std::size_t i = 0; i < batch; ++i) keys[i] = static_cast<int>(i * 7919 % batch);
  using pair_type = std::pair<const int, int>;
  for (auto _ : state) {
    std::map<int, int, std::less<>, node_adapter<pair_type, Source>> m{
        node_adapter<pair_type, Source>(source)};
    for (const int key : keys) m.emplace(key, key);
    for (const int key : keys) m.erase(key);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(batch) * state.iterations());
}

template <class Source>
void list(benchmark::State& state) {
  Source source;
  std::list<int, node_adapter<int, Source>> l(64, 0, node_adapter<int, Source>(source));
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch; ++i) {
      l.push_back(1);
      l.pop_front();
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(batch) * state.iterations());
}

// Peers stand beside each other for each pattern, since the machine drifts over minutes.
template <template <std::size_t> class Source, std::size_t Size>
void add(const std::string& pattern, const char* name) {
  const std::string full = "pool/" + pattern + "/" + std::to_string(Size) + "/" + name;
  const char* const text = full.c_str();
  if (pattern == "pair") benchmark::RegisterBenchmark(text, pair<Source<Size>>);
  if (pattern == "in_order") benchmark::RegisterBenchmark(text, in_order<Source<Size>>);
  if (pattern == "reversed") benchmark::RegisterBenchmark(text, reversed<Source<Size>>);
  if (pattern == "shuffled") benchmark::RegisterBenchmark(text, shuffled<Source<Size>>);
  if constexpr (Size >= 64) {  // the size of no node here is larger
    if (pattern == "map") benchmark::RegisterBenchmark(text, map<Source<Size>>);
    if (pattern == "list") benchmark::RegisterBenchmark(text, list<Source<Size>>);
  }
}

template <std::size_t Size>
void add_all(const std::string& pattern) {
  add<ashlar_pool, Size>(pattern, "ashlar");
  add<ashlar_handle, Size>(pattern, "ashlar_handle");
  add<ashlar_buckets, Size>(pattern, "ashlar_buckets");
  add<ashlar_general, Size>(pattern, "ashlar_general");
  add<ashlar_thread_cached, Size>(pattern, "ashlar_thread_cached");
  add<ashlar_thread_pools, Size>(pattern, "ashlar_thread_pools");
  if (pattern == "pair") add<ashlar_handles, Size>(pattern, "ashlar_handle_pool");
#if ASHLAR_BENCH_FOONATHAN
  add<foonathan_pool, Size>(pattern, "foonathan");
#endif
  add<pmr_pool, Size>(pattern, "std_pmr");
#if ASHLAR_BENCH_BOOST
  add<boost_pool, Size>(pattern, "boost_pmr");
  add<boost_node, Size>(pattern, "boost_node");
#endif
  add<glibc_malloc, Size>(pattern, "malloc");
  if (mimalloc.get != nullptr) add<mi_malloc, Size>(pattern, "mimalloc");
}

[[maybe_unused]] const bool registered = [] {
  for (const char* const pattern : {"pair", "in_order", "reversed", "shuffled"}) {
    add_all<16>(pattern);
    add_all<64>(pattern);
  }
  add_all<64>("map");
  add_all<64>("list");
  return true;
}();

}  // namespace
