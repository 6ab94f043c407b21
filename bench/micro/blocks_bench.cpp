// SPDX-License-Identifier: MIT
// Micro benchmarks of single calls: what one malloc/free pair of each size costs on a hit.
//
// Pairs touch the same block again and again, so everything is in the first-level cache: the figure
// is the length of the path, not the behaviour of a program. `batch` allocates 1,000 blocks before
// it frees them, in order and in reverse, which is more than the smallest thread caches hold.
#include <array>
#include <cstdlib>

#include <benchmark/benchmark.h>

namespace {

constexpr std::size_t batch = 1000;

void malloc_free(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = std::malloc(size);
    benchmark::DoNotOptimize(block);
    std::free(block);
  }
}

void new_delete(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = ::operator new(size);
    benchmark::DoNotOptimize(block);
    ::operator delete(block, size);
  }
}

void calloc_free(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = std::calloc(1, size);
    benchmark::DoNotOptimize(block);
    std::free(block);
  }
}

void aligned_free(benchmark::State& state) {
  const auto alignment = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = std::aligned_alloc(alignment, 4 * alignment);
    benchmark::DoNotOptimize(block);
    std::free(block);
  }
}

/// Grows one block from 16 bytes to the size in steps of a half, as a string does.
void realloc_growth(benchmark::State& state) {
  const auto limit = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* block = nullptr;
    for (std::size_t size = 16; size <= limit; size += size / 2) {
      block = std::realloc(block, size);
      benchmark::DoNotOptimize(block);
    }
    std::free(block);
  }
}

void batch_in_order(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::array<void*, batch> blocks{};
  for (auto _ : state) {
    for (void*& each : blocks) each = std::malloc(size);
    benchmark::ClobberMemory();
    for (void* each : blocks) std::free(each);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}

void batch_in_reverse(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  std::array<void*, batch> blocks{};
  for (auto _ : state) {
    for (void*& each : blocks) each = std::malloc(size);
    benchmark::ClobberMemory();
    for (std::size_t i = batch; i > 0; --i) std::free(blocks[i - 1]);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}

constexpr int smallest = 8;
constexpr int largest = 32 * 1024;

BENCHMARK(malloc_free)->RangeMultiplier(2)->Range(smallest, largest)->ThreadRange(1, 2);
BENCHMARK(new_delete)->RangeMultiplier(8)->Range(smallest, largest);
BENCHMARK(calloc_free)->RangeMultiplier(8)->Range(smallest, largest);
BENCHMARK(aligned_free)->RangeMultiplier(4)->Range(16, 4096);
BENCHMARK(realloc_growth)->RangeMultiplier(16)->Range(64, 1 << 20);
BENCHMARK(batch_in_order)->RangeMultiplier(8)->Range(smallest, largest);
BENCHMARK(batch_in_reverse)->RangeMultiplier(8)->Range(smallest, largest);

}  // namespace

BENCHMARK_MAIN();
