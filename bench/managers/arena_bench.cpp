// SPDX-License-Identifier: MIT
// The arena family beside what a user would take instead.
//
//     build/bench/bin/ashlar-managers-bench --benchmark_filter='^arena/'
//         --benchmark_repetitions=9 --benchmark_enable_random_interleaving=true
//
// One item is one block. A round pushes a thousand blocks into memory that is there already and
// warm, then ends them all at once: what a frame, a request or a parsed file does. Nobody asks his
// upstream meanwhile: each arena has room for a round (`no_upstream_call` is checked for ours), so
// that what is measured is the push. Sizes are known at run time only, unless the name says typed.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <memory_resource>
#include <vector>

#if ASHLAR_BENCH_BOOST
#include <boost/container/pmr/monotonic_buffer_resource.hpp>
#endif
#if ASHLAR_BENCH_FOONATHAN
#include <foonathan/memory/memory_stack.hpp>
#endif
#if ASHLAR_BENCH_PROTOBUF
#include <google/protobuf/arena.h>
#endif

#include "ashlar/arena.hpp"
#include "ashlar/scoped.hpp"
#include "ashlar/scratch.hpp"
#include "ashlar/shared_arena.hpp"
#include "ashlar/stack.hpp"

namespace {

using namespace ashlar::literals;

constexpr std::size_t round_length = 1000;
constexpr std::size_t room = 256_KiB;

struct node {
  node* left;
  node* right;
  long key;
};

std::size_t size_of(const benchmark::State& state) {
  auto size = static_cast<std::size_t>(state.range(0));
  benchmark::DoNotOptimize(size);
  return size;
}

// Runs rounds of `push(size)`, each followed by `end()`.
template <class Push, class End>
void run(benchmark::State& state, Push push, End end) {
  const std::size_t size = size_of(state);
  for ([[maybe_unused]] auto _ : state) {
    for (std::size_t i = 0; i < round_length; ++i) {
      void* const p = push(size);
      benchmark::DoNotOptimize(p);
      benchmark::ClobberMemory();
    }
    end();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(round_length));
}

ashlar::arena& warm_arena(ashlar::arena& a) {
  (void)a.push(room);
  a.clear();
  return a;
}

template <class Push>
void run_arena(benchmark::State& state, const ashlar::arena_options& options, Push push) {
  ashlar::arena a(options);
  warm_arena(a);
  const std::size_t held = a.usage().held;
  run(
      state, [&](std::size_t size) { return push(a, size); }, [&] { a.clear(); });
  if (a.usage().held != held) state.SkipWithError("the upstream was called");
}

void direct(benchmark::State& state) {
  run_arena(state, {}, [](ashlar::arena& a, std::size_t size) {
    return a.allocate({size, 8}).data();
  });
}

void direct_chained(benchmark::State& state) {
  run_arena(state, {.kind = ashlar::backing::chained, .growth = {.first = 2_MiB, .cap = 2_MiB}},
            [](ashlar::arena& a, std::size_t size) {
              return a.allocate({size, 8}).data();
            });
}

void zeroed(benchmark::State& state) {
  run_arena(state, {}, [](ashlar::arena& a, std::size_t size) { return a.push(size); });
}

// The handle is loaded anew for each block, as from a container.
void erased(benchmark::State& state) {
  ashlar::arena a;
  ashlar::memory m = warm_arena(a);
  run(
      state,
      [&](std::size_t size) {
        benchmark::DoNotOptimize(m);
        return m.allocate({size, 8}).data();
      },
      [&] { a.clear(); });
}

void typed(benchmark::State& state) {
  run_arena(state, {},
            [](ashlar::arena& a, std::size_t) { return a.make<node>(nullptr, nullptr, 1L); });
}

void shared(benchmark::State& state) {
  ashlar::shared_arena a({.run_size = room});
  run(
      state,
      [&](std::size_t size) {
        return a.allocate({size, 8}).data();
      },
      [&] { a.clear(); });
}

void std_pmr(benchmark::State& state) {
  std::vector<std::byte> buffer(room);
  std::pmr::monotonic_buffer_resource r(buffer.data(), buffer.size(),
                                        std::pmr::null_memory_resource());
  std::pmr::memory_resource* resource = &r;
  run(
      state,
      [&](std::size_t size) {
        benchmark::DoNotOptimize(resource);
        return resource->allocate(size, 8);
      },
      [&] { r.release(); });
}

void std_pmr_typed(benchmark::State& state) {
  std::vector<std::byte> buffer(room);
  std::pmr::monotonic_buffer_resource r(buffer.data(), buffer.size(),
                                        std::pmr::null_memory_resource());
  run(
      state,
      [&](std::size_t) {
        return ::new (r.allocate(sizeof(node), alignof(node))) node{nullptr, nullptr, 1};
      },
      [&] { r.release(); });
}

#if ASHLAR_BENCH_BOOST
void boost_pmr(benchmark::State& state) {
  std::vector<std::byte> buffer(room);
  boost::container::pmr::monotonic_buffer_resource r(buffer.data(), buffer.size());
  run(
      state, [&](std::size_t size) { return r.allocate(size, 8); }, [&] { r.release(); });
}
#endif

#if ASHLAR_BENCH_FOONATHAN
void foonathan_stack(benchmark::State& state) {
  foonathan::memory::memory_stack<> stack(room);
  const auto start = stack.top();
  run(
      state, [&](std::size_t size) { return stack.allocate(size, 8); },
      [&] { stack.unwind(start); });
}
#endif

#if ASHLAR_BENCH_PROTOBUF
void protobuf_arena(benchmark::State& state) {
  std::vector<char> buffer(room);
  google::protobuf::ArenaOptions options;
  options.initial_block = buffer.data();
  options.initial_block_size = buffer.size();
  google::protobuf::Arena a(options);
  run(
      state, [&](std::size_t size) { return google::protobuf::Arena::CreateArray<char>(&a, size); },
      [&] { a.Reset(); });
}
#endif

// The one that has to give each block back.
void libc_malloc(benchmark::State& state) {
  std::vector<void*> blocks;
  blocks.reserve(round_length);
  run(
      state,
      [&](std::size_t size) {
        blocks.push_back(std::malloc(size));
        return blocks.back();
      },
      [&] {
        for (void* p : blocks) std::free(p);
        blocks.clear();
      });
}

// --- pairs: one block, and its end ---------------------------------------------------------------

template <class Pair>
void run_pairs(benchmark::State& state, Pair pair) {
  const std::size_t size = size_of(state);
  for ([[maybe_unused]] auto _ : state) {
    pair(size);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

void scope(benchmark::State& state) {
  ashlar::arena a;
  (void)a.push(100);
  run_pairs(state, [&](std::size_t size) {
    const ashlar::arena_scope s(a);
    benchmark::DoNotOptimize(a.push_no_zero(size));
  });
}

void scratch(benchmark::State& state) {
  ashlar::arena out;
  run_pairs(state, [&](std::size_t size) {
    const ashlar::scratch_scope s(out);
    benchmark::DoNotOptimize(s->push_no_zero(size));
  });
}

template <class Manager>
void run_manager_pairs(benchmark::State& state, Manager& m) {
  run_pairs(state, [&](std::size_t size) {
    const ashlar::allocation a = m.allocate({size, 8});
    benchmark::DoNotOptimize(a.data());
    m.deallocate(a.get(), 8);
  });
}

void stack(benchmark::State& state) {
  ashlar::stack_manager s;
  run_manager_pairs(state, s);
}

void scoped_over_stack(benchmark::State& state) {
  ashlar::stack_manager s;
  ashlar::scoped_manager m(s);
  run_manager_pairs(state, m);
}

void libc_malloc_pair(benchmark::State& state) {
  run_pairs(state, [&](std::size_t size) {
    void* const p = std::malloc(size);
    benchmark::DoNotOptimize(p);
    std::free(p);
  });
}

struct named_case {
  const char* name;
  void (*run)(benchmark::State& state);
};

constexpr named_case rounds[] = {
    {"arena/push/ashlar", direct},
    {"arena/push/ashlar_chained", direct_chained},
    {"arena/push/ashlar_erased", erased},
    {"arena/push/ashlar_zeroed", zeroed},
    {"arena/push/ashlar_shared", shared},
    {"arena/push/std_pmr", std_pmr},
#if ASHLAR_BENCH_BOOST
    {"arena/push/boost_pmr", boost_pmr},
#endif
#if ASHLAR_BENCH_FOONATHAN
    {"arena/push/foonathan_stack", foonathan_stack},
#endif
#if ASHLAR_BENCH_PROTOBUF
    {"arena/push/protobuf", protobuf_arena},
#endif
    {"arena/push/malloc", libc_malloc},
};

constexpr named_case single[] = {
    {"arena/typed/ashlar", typed},
    {"arena/typed/std_pmr", std_pmr_typed},
    {"arena/pair/scope", scope},
    {"arena/pair/scratch", scratch},
    {"arena/pair/stack", stack},
    {"arena/pair/scoped_over_stack", scoped_over_stack},
    {"arena/pair/malloc", libc_malloc_pair},
};

[[maybe_unused]] const bool is_registered = [] {
  for (const named_case& c : rounds)
    benchmark::RegisterBenchmark(c.name, c.run)->Arg(16)->Arg(64)->Arg(200);
  for (const named_case& c : single) benchmark::RegisterBenchmark(c.name, c.run)->Arg(64);
  return true;
}();

}  // namespace
