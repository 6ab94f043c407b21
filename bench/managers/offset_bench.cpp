// SPDX-License-Identifier: MIT
// Offset managers: what a range of a GPU heap costs, how long the slowest take, how tight they lie.
//
//   offset_round         7,200 ranges of random sizes up to 2,056, at one alignment; from the
//                        3,600th on one of the live ones, picked at random, is freed before each;
//                        in the end all are. Items per second: ranges allocated and freed.
//   offset_percentiles   the same, each call timed: nanoseconds of the median, the 99th, the 99.9th
//                        percentile and the slowest, of allocate and of free, less what reading the
//                        clock costs. `extent`: the highest unit ever used, over the most units
//                        ever live (1: nothing is lost).
//
// Peers: two maps, which is what one writes for a first version; the virtual blocks of
// VulkanMemoryAllocator and sebbbi's OffsetAllocator, if their headers are found (neither is in
// Debian 12; CXXFLAGS=-isystem...). OffsetAllocator knows no alignment, so it is asked for
// size + alignment - 1, as its users do.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include <benchmark/benchmark.h>

#include "ashlar/offset.hpp"

#if __has_include(<vk_mem_alloc.h>) && __has_include(<vulkan/vulkan.h>)
#define ASHLAR_BENCH_VMA 1
#define VMA_IMPLEMENTATION
#define VMA_STATIC_VULKAN_FUNCTIONS 0
#define VMA_DYNAMIC_VULKAN_FUNCTIONS 0
#include <vk_mem_alloc.h>
#else
#define ASHLAR_BENCH_VMA 0
#endif
#if __has_include(<offsetAllocator.cpp>)
#define ASHLAR_BENCH_OFFSET_ALLOCATOR 1
#include <offsetAllocator.cpp>
#else
#define ASHLAR_BENCH_OFFSET_ALLOCATOR 0
#endif

namespace {

constexpr std::uint64_t space = std::uint64_t{64} << 20;
constexpr std::size_t ranges = 7'200;
constexpr std::size_t most_live = ranges / 2;
constexpr std::uint64_t largest = 2'056;

// --- who hands out ranges ------------------------------------------------------------------------

struct ashlar_offsets {
  using handle = ashlar::offset_handle;
  ashlar::offset_manager manager{{.units = space}};

  handle allocate(std::uint64_t units, std::uint64_t alignment) {
    return manager.allocate({units, alignment}).range.handle;
  }
  std::uint64_t offset_of(handle h) { return manager.find(h).offset; }
  void free(handle h) { manager.deallocate(h); }
};

/// Best fit by size, neighbours by offset.
struct two_maps {
  using handle = std::pair<std::uint64_t, std::uint64_t>;
  std::multimap<std::uint64_t, std::uint64_t> by_size{{space, 0}};
  std::map<std::uint64_t, std::multimap<std::uint64_t, std::uint64_t>::iterator> by_offset{
      {0, by_size.begin()}};

  void add(std::uint64_t offset, std::uint64_t units) {
    if (units != 0) by_offset.emplace(offset, by_size.emplace(units, offset));
  }
  handle allocate(std::uint64_t units, std::uint64_t alignment) {
    for (auto i = by_size.lower_bound(units); i != by_size.end(); ++i) {
      const auto [free_units, free_offset] = *i;
      const std::uint64_t start = (free_offset + alignment - 1) & ~(alignment - 1);
      if (start + units > free_offset + free_units) continue;
      by_offset.erase(free_offset);
      by_size.erase(i);
      add(free_offset, start - free_offset);
      add(start + units, free_offset + free_units - start - units);
      return {start, units};
    }
    return {};
  }
  static std::uint64_t offset_of(handle h) { return h.first; }
  void free(handle h) {
    auto [offset, units] = h;
    auto next = by_offset.lower_bound(offset);
    if (next != by_offset.end() && next->first == offset + units) {
      units += next->second->first;
      by_size.erase(next->second);
      next = by_offset.erase(next);
    }
    if (next != by_offset.begin()) {
      const auto before = std::prev(next);
      if (before->first + before->second->first == offset) {
        offset = before->first;
        units += before->second->first;
        by_size.erase(before->second);
        by_offset.erase(before);
      }
    }
    add(offset, units);
  }
};

#if ASHLAR_BENCH_VMA
struct vma_virtual_block {
  using handle = VmaVirtualAllocation;
  VmaVirtualBlock block = nullptr;

  vma_virtual_block() {
    VmaVirtualBlockCreateInfo info{};
    info.size = space;
    vmaCreateVirtualBlock(&info, &block);
  }
  ~vma_virtual_block() { vmaDestroyVirtualBlock(block); }
  handle allocate(std::uint64_t units, std::uint64_t alignment) {
    VmaVirtualAllocationCreateInfo info{};
    info.size = units;
    info.alignment = alignment;
    handle made = nullptr;
    vmaVirtualAllocate(block, &info, &made, nullptr);
    return made;
  }
  std::uint64_t offset_of(handle h) {
    VmaVirtualAllocationInfo info;
    vmaGetVirtualAllocationInfo(block, h, &info);
    return info.offset;
  }
  void free(handle h) { vmaVirtualFree(block, h); }
};
#endif

#if ASHLAR_BENCH_OFFSET_ALLOCATOR
struct offset_allocator {
  using handle = OffsetAllocator::Allocation;
  OffsetAllocator::Allocator allocator{static_cast<OffsetAllocator::uint32>(space), 16 * 1024};

  handle allocate(std::uint64_t units, std::uint64_t alignment) {
    return allocator.allocate(static_cast<OffsetAllocator::uint32>(units + alignment - 1));
  }
  static std::uint64_t offset_of(handle h) { return h.offset; }
  void free(handle h) { allocator.free(h); }
};
#endif

// --- the work ------------------------------------------------------------------------------------

struct script {
  std::vector<std::uint64_t> sizes;
  std::vector<std::size_t> victims;  // which live one goes before the n-th range comes

  script() {
    std::mt19937_64 random(1);
    for (std::size_t i = 0; i < ranges; ++i) {
      sizes.push_back(1 + random() % largest);
      victims.push_back(random() % most_live);
    }
  }
};

/// Plays the script; `allocate` and `free` are called with what is to be done.
template <class Handle, class Allocate, class Free>
void play(const script& s, std::vector<Handle>& live, Allocate allocate, Free free) {
  for (std::size_t i = 0; i < ranges; ++i) {
    if (i < most_live) {
      live[i] = allocate(s.sizes[i]);
      continue;
    }
    free(live[s.victims[i]]);
    live[s.victims[i]] = allocate(s.sizes[i]);
  }
  for (const Handle& h : live) free(h);
}

template <class Offsets>
void offset_round(benchmark::State& state) {
  const auto alignment = static_cast<std::uint64_t>(state.range(0));
  const script s;
  Offsets offsets;
  std::vector<typename Offsets::handle> live(most_live);
  for (auto _ : state) {
    play(
        s, live, [&](std::uint64_t units) { return offsets.allocate(units, alignment); },
        [&](const auto& h) { offsets.free(h); });
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(ranges));
}

using wall_clock = std::chrono::steady_clock;

double nanoseconds_since(wall_clock::time_point start) {
  return std::chrono::duration<double, std::nano>(wall_clock::now() - start).count();
}

/// What two readings of the clock in a row are apart: the median of many.
double clock_cost() {
  std::array<double, 10'001> costs;
  for (double& c : costs) c = nanoseconds_since(wall_clock::now());
  std::nth_element(costs.begin(), costs.begin() + costs.size() / 2, costs.end());
  return costs[costs.size() / 2];
}

void report(benchmark::State& state, const std::string& what, std::vector<double>& times,
            double clock) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) {
    const auto index = static_cast<std::size_t>(share * static_cast<double>(times.size() - 1));
    return std::max(times[index] - clock, 0.0);
  };
  state.counters[what + "_p50"] = at(0.5);
  state.counters[what + "_p99"] = at(0.99);
  state.counters[what + "_p999"] = at(0.999);
  state.counters[what + "_max"] = at(1);
}

template <class Offsets>
void offset_percentiles(benchmark::State& state) {
  const auto alignment = static_cast<std::uint64_t>(state.range(0));
  const script s;
  const double clock = clock_cost();
  std::vector<double> allocates;
  std::vector<double> frees;
  std::uint64_t extent = 0;
  Offsets offsets;
  std::vector<typename Offsets::handle> live(most_live);
  for (auto _ : state) {
    play(
        s, live,
        [&](std::uint64_t units) {
          const auto start = wall_clock::now();
          const auto h = offsets.allocate(units, alignment);
          allocates.push_back(nanoseconds_since(start));
          extent = std::max(extent, offsets.offset_of(h) + units);
          return h;
        },
        [&](const auto& h) {
          const auto start = wall_clock::now();
          offsets.free(h);
          frees.push_back(nanoseconds_since(start));
        });
  }
  report(state, "allocate", allocates, clock);
  report(state, "free", frees, clock);
  std::uint64_t now = 0;
  std::uint64_t most = 0;
  std::vector<std::uint64_t> sizes(most_live);
  for (std::size_t i = 0; i < ranges; ++i) {
    std::uint64_t& place = sizes[i < most_live ? i : s.victims[i]];
    now += s.sizes[i] - place;
    place = s.sizes[i];
    most = std::max(most, now);
  }
  state.counters["extent"] = static_cast<double>(extent) / static_cast<double>(most);
}

#define OFFSET_BENCHES(who)                                                  \
  BENCHMARK_TEMPLATE(offset_round, who)->Arg(1)->Arg(16)->Arg(64)->Arg(256); \
  BENCHMARK_TEMPLATE(offset_percentiles, who)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->Iterations(30)

OFFSET_BENCHES(ashlar_offsets);
OFFSET_BENCHES(two_maps);
#if ASHLAR_BENCH_VMA
OFFSET_BENCHES(vma_virtual_block);
#endif
#if ASHLAR_BENCH_OFFSET_ALLOCATOR
OFFSET_BENCHES(offset_allocator);
#endif

}  // namespace
