// SPDX-License-Identifier: MIT
// A scripted life of a heap in which the OS says no: once at every single call, then at every
// second, third and seventh, then at all of them. Nothing may leak, contents stay, invariants hold,
// and the heap works again afterwards.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/heap_registry.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/os/fault_injection.hpp"
#include "support/child.hpp"
#include "support/fake_os.hpp"
#include "support/pattern.hpp"
#include "unit/heap/heap_fixture.hpp"

namespace ashlar {
namespace {

/// Blocks with contents, on a heap whose allocations may fail.
class script {
 public:
  explicit script(heap& h) : heap_(h) {}

  /// Small, medium, large and direct blocks; growth, moves, trims; some freed, some kept.
  void run() {
    for (std::size_t i = 0; i < 120; ++i) allocate(16 + i * 37 % 3000, i);
    for (std::size_t i = 0; i < 12; ++i) allocate(60_KiB * i + 100, i);
    for (const std::size_t size : {1_MiB, 3_MiB, 20_MiB, 33_MiB, 40_MiB}) allocate(size, size);
    for (std::size_t i = 0; i < held_.size(); i += 2) reallocate(i, held_[i].size * 2 + 5);
    for (std::size_t i = 1; i < held_.size(); i += 3) free(i);
    heap_.trim(0);
    allocate(1_MiB, 1, 2_MiB);
    allocate(5000, 2, 128_KiB);
    for (std::size_t i = 0; i < held_.size(); i += 3) reallocate(i, held_[i].size / 3 + 1);
    for (std::size_t i = 0; i < 100; ++i) allocate(100_KiB, i);
    for (std::size_t i = 2; i < held_.size(); i += 2) free(i);
    heap_.trim(1_MiB);
    heap_.check_invariants();
    for (const held& b : held_) check(b);
  }

  std::size_t refusals() const { return refusals_; }

 private:
  struct held {
    std::byte* data;
    std::size_t size;
    std::uint64_t stamp;
  };

  // Both ends are enough, and large blocks stay cheap.
  static constexpr std::size_t end = 4096;

  static void fill(const held& b) {
    test::fill_pattern(b.data, b.size < end ? b.size : end, b.stamp);
    if (b.size > 2 * end) test::fill_pattern(b.data + b.size - end, end, b.stamp + 1);
  }
  static void check(const held& b) {
    EXPECT_TRUE(test::has_pattern(b.data, b.size < end ? b.size : end, b.stamp));
    if (b.size > 2 * end) {
      EXPECT_TRUE(test::has_pattern(b.data + b.size - end, end, b.stamp + 1));
    }
  }

  void allocate(std::size_t size, std::uint64_t n, std::size_t alignment = default_alignment) {
    const allocation a =
        n % 4 == 0 ? heap_.allocate_zeroed({size, alignment}) : heap_.allocate({size, alignment});
    if (!a) return refuse(a);
    if (n % 4 == 0) {
      EXPECT_EQ(test::first_nonzero(a.data(), size), size);
    }
    EXPECT_TRUE(is_aligned(address_of(a.data()), alignment));
    held_.push_back({static_cast<std::byte*>(a.data()), size, held_.size() * 2});
    fill(held_.back());
  }

  void reallocate(std::size_t i, std::size_t size) {
    held& b = held_[i];
    const allocation a = heap_.reallocate({b.data}, default_alignment, {size});
    if (!a) {
      refuse(a);
      return check(b);
    }
    b.data = static_cast<std::byte*>(a.data());
    const std::size_t kept = size < b.size ? size : b.size;
    EXPECT_TRUE(test::has_pattern(b.data, kept < end ? kept : end, b.stamp));
    b.size = size;
    fill(b);
  }

  void free(std::size_t i) {
    check(held_[i]);
    heap_.deallocate(held_[i].data);
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
  }

  void refuse(const allocation& a) {
    ++refusals_;
    EXPECT_EQ(a.reason(), status::no_memory);
  }

  heap& heap_;
  std::vector<held> held_;
  std::size_t refusals_ = 0;
};

// What was refused to be unmapped is offered to the OS again at the next reservation.
void settle() { os::release(os::reserve(64_KiB, 64_KiB).value, 0); }

struct outcome {
  std::size_t refusals = 0;
  bool was_injected = false;
};

// The process keeps metadata and page map: a life before makes them large enough.
void have_what_the_process_keeps() {
  heap h{heap_options{}};
  script s(h);
  s.run();
  EXPECT_EQ(s.refusals(), 0u);
}

outcome live_once(std::uint64_t n, std::uint64_t every) {
  static const bool lived_before = [] {
    heap h{heap_options{}};
    script(h).run();
    return true;
  }();
  EXPECT_TRUE(lived_before);
  const std::size_t committed = os::current_counters().committed;
  const std::size_t reserved = os::current_counters().reserved;
  const std::uint64_t injected = os::injected_failures();
  outcome result;
  {
    heap h{heap_options{}};
    os::fail_nth_call(n, every);
    script s(h);
    s.run();
    result.refusals = s.refusals();
    os::fail_nth_call(0, 0);
    result.was_injected = os::injected_failures() != injected;
    // Everything is as if it had never happened.
    for (const std::size_t size : {100_KiB / 1024, 100_KiB, 10_MiB, 50_MiB})
      EXPECT_TRUE(h.allocate({size})) << size;
    script again(h);
    again.run();
    EXPECT_EQ(again.refusals(), 0u);
    h.check_invariants();
    // Destroyed with failures going on as well.
    os::fail_nth_call(n == 0 ? 0 : 1, every);
  }
  os::fail_nth_call(0, 0);
  settle();
  // New places of regions need new entries of the page map: 256 KiB for each GiB, never given back.
  EXPECT_LE(os::current_counters().committed - committed, 2_MiB) << "call " << n << "/" << every;
  EXPECT_EQ(os::current_counters().reserved - reserved, 0u) << "call " << n << " every " << every;
  return result;
}

// For children: tests before may have left a map.
void forget_the_map() {
  process_heaps.stop();
  process_page_map.release();
}

using injection = test::plain_heaps;

TEST_F(injection, the_script_runs_without_refusals_when_nothing_fails) {
  have_what_the_process_keeps();
  EXPECT_EQ(live_once(0, 0).refusals, 0u);
}

TEST_F(injection, of_a_failure_at_every_single_call) {
  have_what_the_process_keeps();
  // One thread is nothing new to TSan: there, some of the calls will do.
  constexpr std::uint64_t step = ASHLAR_TSAN ? 9 : 1;
  std::uint64_t n = 1;
  while (n < 2000 && live_once(n, 0).was_injected) n += step;
  EXPECT_GT(n, 30u) << "the script makes no calls";
  EXPECT_LT(n, 2000u);
}

TEST_F(injection, of_failures_again_and_again) {
  have_what_the_process_keeps();
  for (const std::uint64_t every : {2, 3, 7})
    for (std::uint64_t n = 1; n <= 12; ++n) EXPECT_TRUE(live_once(n, every).was_injected);
}

TEST_F(injection, of_failures_only) {
  have_what_the_process_keeps();
  const outcome all = live_once(1, 1);
  EXPECT_TRUE(all.was_injected);
  EXPECT_GT(all.refusals, 0u);
}

TEST_F(injection, at_the_first_use_of_the_process) {
  for (std::uint64_t n = 1; n <= 12; ++n) {
    EXPECT_TRUE(test::ended_well(test::run_in_child([n] {
      forget_the_map();
      os::fail_nth_call(n, 0);
      heap h{heap_options{}};
      static_cast<void>(h.allocate({100}));
      os::fail_nth_call(0, 0);
      EXPECT_TRUE(h.allocate({100}));
      EXPECT_TRUE(h.allocate({50_MiB}));
      h.check_invariants();
    }))) << n;
  }
}

// --- little address space, as under `ulimit -v` ---

using small_address_space = test::plain_heaps;

TEST_F(small_address_space, is_used_to_the_end_and_given_back) {
  for (const std::size_t limit : {40_MiB, 200_MiB, 2_GiB}) {
    EXPECT_TRUE(test::ended_well(test::run_in_child([limit] {
      forget_the_map();
      test::fake_os os;
      os.limit_address_space(limit);
      const std::size_t before = os::current_counters().reserved;
      {
        heap h{heap_options{}};
        EXPECT_TRUE(process_page_map.is_compact());
        std::size_t bytes = 0;
        while (const allocation a = h.allocate({100_KiB})) bytes += a.size();
        // Metadata, page map and ends of regions that fit nowhere take their part.
        EXPECT_GT(bytes, limit / 3);
        EXPECT_EQ(h.allocate({100_KiB}).reason(), status::no_memory);
        h.check_invariants();
      }
      EXPECT_LE(os::current_counters().reserved - before, 32_MiB + limit / 2);
      heap again{heap_options{}};
      EXPECT_TRUE(again.allocate({10_MiB}));
    }))) << limit;
  }
}

TEST_F(small_address_space, serves_all_sizes_through_the_compact_map) {
  EXPECT_TRUE(test::ended_well(test::run_in_child([] {
    forget_the_map();
    test::fake_os os;
    os.limit_address_space(3_GiB);
    heap h{heap_options{}};
    script s(h);
    s.run();
    EXPECT_EQ(s.refusals(), 0u);
    EXPECT_TRUE(process_page_map.is_compact());
    std::vector<void*> blocks;
    for (std::size_t size = 1; size < 500'000; size += size / 2 + 1)
      for (int i = 0; i < 20; ++i) blocks.push_back(h.allocate({size}).data());
    for (void* const p : blocks) h.deallocate(p);
    h.trim(0);
    h.check_invariants();
  })));
}

}  // namespace
}  // namespace ashlar
