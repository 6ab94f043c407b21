// SPDX-License-Identifier: MIT
// The containers beside what a user would take instead: vector beside std::vector, appending to
// vm_vector and passing bytes through ring_buffer beside memcpy.
//
// Interleave and repeat, or the drift of the machine is taken for a difference:
//   ashlar-managers-bench --benchmark_filter=container --benchmark_repetitions=15
//     --benchmark_enable_random_interleaving=true --benchmark_report_aggregates_only=true
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <memory_resource>
#include <span>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "ashlar/arena.hpp"
#include "ashlar/ring_buffer.hpp"
#include "ashlar/std_allocator.hpp"
#include "ashlar/vector.hpp"
#include "ashlar/vm_vector.hpp"

namespace {

struct line {
  std::array<std::uint64_t, 8> words;
};

template <class T>
T element(std::size_t i) {
  if constexpr (std::is_same_v<T, line>)
    return {{i, i, i, i, i, i, i, i}};
  else if constexpr (std::is_same_v<T, std::string>)
    return std::string("shorter", i % 8);
  else
    return static_cast<T>(i);
}

// One vector filled from empty, and ended: growth and everything it causes.
template <class Vector, class... Args>
void fill(benchmark::State& state, Args&... args) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    Vector v(args...);
    for (std::size_t i = 0; i < count; ++i) v.push_back(element<typename Vector::value_type>(i));
    benchmark::DoNotOptimize(v.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

template <class T>
void container_vector(benchmark::State& state) {
  fill<ashlar::vector<T>>(state);
}
template <class T>
void container_vector_inverse_size(benchmark::State& state) {
  fill<ashlar::vector<T, ashlar::inverse_size<>>>(state);
}
template <class T>
void container_std_vector(benchmark::State& state) {
  fill<std::vector<T>>(state);
}

// In an arena whose pages are there, as one vector was filled before. Cleared after each.
template <class Vector>
void fill_in_arena(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  ashlar::arena arena;
  const auto once = [&] {
    {
      Vector v(arena);
      for (std::size_t i = 0; i < count; ++i) v.push_back(element<typename Vector::value_type>(i));
      benchmark::DoNotOptimize(v.data());
      benchmark::ClobberMemory();
    }
    arena.clear();
  };
  once();
  for (auto _ : state) once();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
template <class T>
void container_vector_in_arena(benchmark::State& state) {
  fill_in_arena<ashlar::vector<T>>(state);
}
// The same arena under std::vector, which cannot ask to grow in place.
template <class T>
void container_std_vector_in_arena(benchmark::State& state) {
  fill_in_arena<std::vector<T, ashlar::std_allocator<T>>>(state);
}
// What a user of the standard library takes instead, its buffer large enough and its pages there.
template <class T>
void container_std_vector_in_pmr_monotonic(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::size_t size = 4 * count * sizeof(T) + 4096;
  const auto buffer = std::make_unique<std::byte[]>(size);
  for (auto _ : state) {
    std::pmr::monotonic_buffer_resource resource(buffer.get(), size,
                                                 std::pmr::null_memory_resource());
    std::pmr::vector<T> v(&resource);
    for (std::size_t i = 0; i < count; ++i) v.push_back(element<T>(i));
    benchmark::DoNotOptimize(v.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

#define ASHLAR_BENCH_COUNTS RangeMultiplier(10)->Range(10, 10'000'000)
BENCHMARK(container_vector<int>)->ASHLAR_BENCH_COUNTS;
BENCHMARK(container_std_vector<int>)->ASHLAR_BENCH_COUNTS;
BENCHMARK(container_vector<std::string>)->ASHLAR_BENCH_COUNTS;
BENCHMARK(container_std_vector<std::string>)->ASHLAR_BENCH_COUNTS;
BENCHMARK(container_vector<line>)->ASHLAR_BENCH_COUNTS;
BENCHMARK(container_std_vector<line>)->ASHLAR_BENCH_COUNTS;
BENCHMARK(container_vector_inverse_size<int>)->ASHLAR_BENCH_COUNTS;
#define ASHLAR_BENCH_ARENA_COUNTS RangeMultiplier(100)->Range(100, 1'000'000)
BENCHMARK(container_vector_in_arena<int>)->ASHLAR_BENCH_ARENA_COUNTS;
BENCHMARK(container_std_vector_in_arena<int>)->ASHLAR_BENCH_ARENA_COUNTS;
BENCHMARK(container_std_vector_in_pmr_monotonic<int>)->ASHLAR_BENCH_ARENA_COUNTS;
BENCHMARK(container_vector_in_arena<std::string>)->ASHLAR_BENCH_ARENA_COUNTS;
BENCHMARK(container_std_vector_in_arena<std::string>)->ASHLAR_BENCH_ARENA_COUNTS;
BENCHMARK(container_std_vector_in_pmr_monotonic<std::string>)->ASHLAR_BENCH_ARENA_COUNTS;
BENCHMARK(container_vector_in_arena<line>)->ASHLAR_BENCH_ARENA_COUNTS;
BENCHMARK(container_std_vector_in_arena<line>)->ASHLAR_BENCH_ARENA_COUNTS;
BENCHMARK(container_std_vector_in_pmr_monotonic<line>)->ASHLAR_BENCH_ARENA_COUNTS;

constexpr std::size_t append_size = std::size_t{64} << 20;

std::vector<std::byte> source_bytes(std::size_t size) {
  return std::vector<std::byte>(size, std::byte{0x5a});
}

// Appends 64 MiB in pieces to memory whose pages are there, and to memory fresh from the OS.
void container_vm_vector_append_warm(benchmark::State& state) {
  const std::vector<std::byte> piece = source_bytes(static_cast<std::size_t>(state.range(0)));
  ashlar::vm_vector<std::byte> v(append_size);
  v.resize(append_size);
  for (auto _ : state) {
    v.clear();
    while (v.size() < append_size) v.append(piece.begin(), piece.end());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(append_size));
}
void container_memcpy_append_warm(benchmark::State& state) {
  const std::vector<std::byte> piece = source_bytes(static_cast<std::size_t>(state.range(0)));
  std::vector<std::byte> target(append_size);
  for (auto _ : state) {
    for (std::size_t at = 0; at < append_size; at += piece.size())
      std::memcpy(target.data() + at, piece.data(), piece.size());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(append_size));
}

void container_vm_vector_append_fresh(benchmark::State& state) {
  const std::vector<std::byte> piece = source_bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    ashlar::vm_vector<std::byte> v(append_size);
    while (v.size() < append_size) v.append(piece.begin(), piece.end());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(append_size));
}
void container_memcpy_append_fresh(benchmark::State& state) {
  const std::vector<std::byte> piece = source_bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    auto* const target = static_cast<std::byte*>(std::malloc(append_size));
    for (std::size_t at = 0; at < append_size; at += piece.size())
      std::memcpy(target + at, piece.data(), piece.size());
    benchmark::ClobberMemory();
    std::free(target);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(append_size));
}
#define ASHLAR_BENCH_PIECES Arg(256)->Arg(4096)->Arg(64 << 10)
BENCHMARK(container_vm_vector_append_warm)->ASHLAR_BENCH_PIECES;
BENCHMARK(container_memcpy_append_warm)->ASHLAR_BENCH_PIECES;
BENCHMARK(container_vm_vector_append_fresh)->ASHLAR_BENCH_PIECES;
BENCHMARK(container_memcpy_append_fresh)->ASHLAR_BENCH_PIECES;

// Passes bytes through: in by one copy, out by another. Odd sizes, so that pieces cross the seam.
constexpr std::size_t ring_size = std::size_t{1} << 20;

// A line of pages, as the ring has it: a copy between places that differ in their last bits takes
// up to a quarter longer.
struct freed_by_free {
  void operator()(std::byte* p) const { std::free(p); }
};
std::unique_ptr<std::byte[], freed_by_free> page_aligned(std::size_t size) {
  auto* const p = static_cast<std::byte*>(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096));
  std::memset(p, 0x5a, size);
  return std::unique_ptr<std::byte[], freed_by_free>(p);
}

constexpr std::size_t longest_piece = 300'000;

// Where pieces come from, pass through and go to: the same for all rows.
struct passage {
  std::unique_ptr<std::byte[], freed_by_free> in = page_aligned(longest_piece);
  std::unique_ptr<std::byte[], freed_by_free> out = page_aligned(longest_piece);
  std::unique_ptr<std::byte[], freed_by_free> plain = page_aligned(ring_size + longest_piece);
  ashlar::ring_buffer ring{ring_size};
};
passage& the_passage() {
  static passage p;
  return p;
}

void container_ring_buffer(benchmark::State& state) {
  passage& p = the_passage();
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::span<const std::byte> in(p.in.get(), size);
  const std::span<std::byte> out(p.out.get(), size);
  for (auto _ : state) {
    benchmark::DoNotOptimize(p.ring.write(in));
    benchmark::DoNotOptimize(p.ring.read(out));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
void pass_through(benchmark::State& state, std::byte* between) {
  const std::byte* const in = the_passage().in.get();
  std::byte* const out = the_passage().out.get();
  const auto size = static_cast<std::size_t>(state.range(0));
  std::size_t at = 0;
  for (auto _ : state) {
    std::memcpy(between + at, in, size);
    std::memcpy(out, between + at, size);
    at += size;
    if (at >= ring_size) at -= ring_size;
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
void container_memcpy_twice(benchmark::State& state) {
  pass_through(state, the_passage().plain.get());
}
// The same where the ring lies: mapped twice, so that it goes on behind its end.
void container_memcpy_twice_in_ring(benchmark::State& state) {
  the_passage().ring.clear();
  pass_through(state, the_passage().ring.write_space().data());
}
#define ASHLAR_BENCH_MESSAGES Arg(100)->Arg(1500)->Arg(20'000)->Arg(300'000)
BENCHMARK(container_ring_buffer)->ASHLAR_BENCH_MESSAGES;
BENCHMARK(container_memcpy_twice)->ASHLAR_BENCH_MESSAGES;
BENCHMARK(container_memcpy_twice_in_ring)->ASHLAR_BENCH_MESSAGES;

}  // namespace
