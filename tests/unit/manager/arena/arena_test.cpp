// SPDX-License-Identifier: MIT
#include "ashlar/arena.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <vector>

#include "ashlar/arena.h"
#include "ashlar/base/units.hpp"
#include "ashlar/heap.hpp"
#include "ashlar/manager/arena/hosted_arena.hpp"
#include "ashlar/manager/memory_system.hpp"
#include "ashlar/manager/source/default_manager.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/manager/source/user_manager.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"

namespace ashlar {
namespace {

template <std::size_t Size>
struct buffer_of {
  alignas(64) std::byte bytes[Size];
};

constinit arena static_arena;

TEST(arena, needs_no_code_to_be_initialised) {
  EXPECT_EQ(static_arena.usage().held, 0u);
  EXPECT_NE(static_arena.push<int>(), nullptr);
  EXPECT_EQ(&static_arena.os(), &system_os());
}

TEST(arena, pushes_one_block_behind_the_other) {
  arena a;
  auto* const one = static_cast<char*>(a.push_no_zero(16));
  EXPECT_EQ(a.push_no_zero(16), one + 16);
  EXPECT_EQ(a.pos(), 32u);
  EXPECT_EQ(memory(a).allocate({8, 8}).data(), one + 32);
  EXPECT_EQ(a.push_no_zero<int>(), static_cast<void*>(one + 40));
}

// --- alignment -----------------------------------------------------------------------------------

// At each distance from the end of a chunk, for each alignment: inside it, and in the next one.
void push_at_each_border(const arena_options& options, std::size_t chunk) {
  for (std::size_t alignment = 1; alignment <= 4096; alignment *= 2) {
    for (std::size_t before = chunk - 2 * alignment - 200; before < chunk; before += 13) {
      arena a(options);
      ASSERT_NE(a.allocate({before, 1}).data(), nullptr);
      const allocation b = a.allocate({24, alignment});
      if (!b) {
        ASSERT_EQ(options.kind, backing::fixed);
        continue;
      }
      ASSERT_TRUE(is_aligned(address_of(b.data()), alignment));
      std::memset(b.data(), 0xff, 24);
      ASSERT_TRUE(a.check_invariants());
      ASSERT_TRUE(a.owns(b.data()));
      ASSERT_TRUE(a.owns(static_cast<std::byte*>(b.data()) + 23));
    }
  }
}

TEST(arena, aligns_at_the_border_of_every_backing) {
  static buffer_of<16_KiB> buffer;
  push_at_each_border({.kind = backing::fixed, .buffer = buffer.bytes}, 16_KiB);
  push_at_each_border({.kind = backing::inline_then_chained, .buffer = buffer.bytes}, 16_KiB);
  push_at_each_border({.kind = backing::chained, .growth = {.first = 16_KiB}}, 16_KiB);
  push_at_each_border({.reserve = 1_MiB, .commit_step = 16_KiB}, 16_KiB);
}

TEST(arena, has_an_alignment_for_pushes_that_name_none) {
  arena a({.auto_align = 1});
  auto* const first = static_cast<char*>(a.push(1));
  EXPECT_EQ(a.push(1), first + 1);
  a.set_auto_align(256);
  EXPECT_TRUE(is_aligned(address_of(a.push(1)), 256));
  EXPECT_TRUE(is_aligned(address_of(a.push_no_zero(1)), 256));
  a.set_auto_align(24);
  EXPECT_EQ(a.push(1), nullptr);
  a.set_auto_align(0);
  EXPECT_NE(a.push(1), nullptr);
}

TEST(arena, aligner_holds_for_the_next_push_in_whatever_chunk_it_comes) {
  for (std::size_t before = 1; before < 3000; before += 37) {
    arena a({.kind = backing::chained, .growth = {.first = 1_KiB}, .auto_align = 1});
    (void)a.push(before);
    ASSERT_TRUE(a.push_aligner(512));
    ASSERT_TRUE(is_aligned(address_of(a.push(700)), 512)) << before;
    ASSERT_TRUE(a.check_invariants());
  }
}

// A chunk for it would be larger than a quarter of the cap, as of a block that lies beside.
TEST(arena, aligner_finds_a_chunk_beyond_the_growth_cap) {
  for (const std::size_t alignment : {std::size_t{4096}, std::size_t{64_KiB}}) {
    arena a({.kind = backing::chained, .growth = {.first = 4_KiB, .cap = 16_KiB}});
    for (int i = 0; i < 20; ++i) {
      (void)a.push(10);
      const std::size_t before = a.pos();
      ASSERT_TRUE(a.push_aligner(alignment));
      ASSERT_GE(a.pos(), before);
      ASSERT_TRUE(is_aligned(address_of(a.push(10)), alignment));
      ASSERT_TRUE(a.check_invariants());
    }
  }
  arena full({.kind = backing::chained, .limit = 10});
  (void)full.push(10);
  EXPECT_FALSE(full.push_aligner(4096));
}

TEST(arena, aligner_without_room_changes_nothing) {
  buffer_of<100> buffer;
  arena a({.kind = backing::fixed, .auto_align = 1, .buffer = buffer.bytes});
  (void)a.push(70);
  EXPECT_FALSE(a.push_aligner(64));
  EXPECT_FALSE(a.push_aligner(3));
  EXPECT_EQ(a.pos(), 70u);
}

// --- running out ---------------------------------------------------------------------------------

TEST(arena, fixed_says_to_the_byte_what_would_fit) {
  buffer_of<1000> buffer;
  arena a({.kind = backing::fixed, .buffer = buffer.bytes});
  EXPECT_TRUE(a.can(capability::bounded));
  (void)a.allocate({100, 1});
  EXPECT_EQ(a.allocate({901, 1}).reason(), status::not_enough_memory);
  EXPECT_EQ(a.allocate({901, 1}).would_fit(), 900u);
  EXPECT_EQ(a.allocate({901, 64}).would_fit(), 872u);
  EXPECT_TRUE(a.allocate({872, 64}));
  EXPECT_EQ(a.allocate({1, 1}).would_fit(), 0u);
  EXPECT_EQ(a.push(1), nullptr);
  EXPECT_EQ(a.pos(), 1000u);
}

TEST(arena, reserved_says_to_the_byte_what_would_fit) {
  arena a({.reserve = 64_KiB});
  (void)a.allocate({1000, 1});
  EXPECT_EQ(a.allocate({64_KiB, 1}).reason(), status::not_enough_memory);
  EXPECT_EQ(a.allocate({64_KiB, 1}).would_fit(), 64_KiB - 1000);
  EXPECT_TRUE(a.allocate({64_KiB - 1000, 1}));
}

TEST(arena, limit_is_exact_for_every_backing) {
  static buffer_of<64_KiB> buffer;
  for (const backing kind :
       {backing::reserved, backing::chained, backing::fixed, backing::inline_then_chained}) {
    arena a({.kind = kind, .growth = {.first = 600}, .limit = 5000, .buffer = buffer.bytes});
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(a.allocate({100, 1}));
    EXPECT_EQ(a.pos(), 5000u);
    EXPECT_EQ(a.allocate({1, 1}).reason(), status::over_budget);
    a.pop(100);
    EXPECT_EQ(a.allocate({101, 1}).reason(), status::over_budget);
    EXPECT_TRUE(a.allocate({100, 1}));
    a.clear();
    EXPECT_TRUE(a.allocate({5000, 1}));
    EXPECT_EQ(a.usage().limit, 5000u);
    EXPECT_TRUE(a.check_invariants());
  }
}

// --- growth --------------------------------------------------------------------------------------

std::vector<std::size_t> chunk_sizes(const arena& a) {
  std::vector<std::size_t> sizes;
  a.for_each_chunk([&](const arena::chunk_view& c) { sizes.insert(sizes.begin(), c.size); });
  return sizes;
}

TEST(arena, chunks_grow_by_the_percentage_up_to_the_cap) {
  arena a({.kind = backing::chained,
           .growth = {.first = 10'000, .percent = 50, .cap = 30'000},
           .upstream = default_manager()});
  for (int i = 0; i < 200; ++i) ASSERT_NE(a.push(1000), nullptr);
  const std::vector<std::size_t> sizes = chunk_sizes(a);
  ASSERT_GE(sizes.size(), 5u);
  const std::size_t record = 10'000 - sizes[0];
  EXPECT_LT(record, 200u);
  EXPECT_EQ(sizes[1], 15'000 - record);
  EXPECT_EQ(sizes[2], 22'500 - record);
  EXPECT_EQ(sizes[3], 30'000 - record);
  EXPECT_EQ(sizes[4], 30'000 - record);
}

TEST(arena, large_request_has_a_chunk_of_its_own_and_leaves_the_growth_alone) {
  arena a({.kind = backing::chained,
           .growth = {.first = 4_KiB, .cap = 64_KiB},
           .upstream = default_manager()});
  auto* const small = static_cast<char*>(a.push(16));
  const void* const large = a.push(1_MiB);
  EXPECT_NE(large, nullptr);
  EXPECT_EQ(a.push(16), small + 16);  // the window is where it was
  EXPECT_EQ(a.pos(), 1_MiB + 32);
  EXPECT_LT(a.usage().held, 1_MiB + 5_KiB);
  for (int i = 0; i < 5; ++i) (void)a.push(1000);
  EXPECT_LT(a.usage().held, 1_MiB + 13_KiB);  // the next chunk is 8 KiB
}

TEST(arena, large_chunk_is_taken_again_after_a_rewind) {
  arena a({.kind = backing::chained, .upstream = default_manager()});
  const mark start = a.here();
  const void* const large = a.push(1_MiB);
  const std::size_t held = a.usage().held;
  for (int i = 0; i < 5; ++i) {
    a.rewind(start);
    EXPECT_EQ(a.push(1_MiB), large);
    EXPECT_EQ(a.usage().held, held);
  }
}

TEST(arena, page_size_is_what_memory_is_taken_in_multiples_of) {
  arena chunks({.kind = backing::chained, .page_size = 4096, .growth = {.first = 5000}});
  (void)chunks.push(1);
  EXPECT_EQ(chunks.usage().held, 8192u);
  EXPECT_EQ(chunks.page_size(), 4096u);
  arena pages({.reserve = 8_MiB, .page_size = 1_MiB, .commit_step = 1});
  (void)pages.push(1);
  EXPECT_EQ(pages.usage().held, 1_MiB);
}

TEST(arena, huge_pages_are_asked_for_in_whole_ones) {
  arena a({.reserve = 64_MiB, .huge = huge_pages::wanted});
  ASSERT_NE(a.push(1), nullptr);
  EXPECT_TRUE(is_aligned(a.usage().held, os::huge_page_size()));
}

// --- zero ----------------------------------------------------------------------------------------

TEST(arena, clears_only_what_was_used_before) {
  buffer_of<1000> buffer;
  std::memset(buffer.bytes, 7, sizeof buffer.bytes);
  // The arena is told that the buffer is zero; it is not, which shows who clears what.
  arena a({.kind = backing::fixed, .auto_align = 1, .buffer = buffer.bytes, .buffer_zeroed = true});
  auto* const bytes = static_cast<std::byte*>(a.push(100));
  EXPECT_EQ(bytes[0], std::byte{7});
  EXPECT_EQ(bytes[99], std::byte{7});
  a.pop(60);
  (void)a.push(200);
  EXPECT_EQ(bytes[39], std::byte{7});
  EXPECT_EQ(bytes[40], std::byte{0});
  EXPECT_EQ(bytes[99], std::byte{0});
  EXPECT_EQ(bytes[100], std::byte{7});
}

TEST(arena, knows_a_buffer_to_be_used_unless_told) {
  buffer_of<1000> buffer;
  std::memset(buffer.bytes, 7, sizeof buffer.bytes);
  arena a({.kind = backing::fixed, .buffer = buffer.bytes});
  EXPECT_EQ(test::first_nonzero(a.push(1000), 1000), 1000u);
}

TEST(arena_chained, growth_that_knows_no_bounds_does_not_overflow) {
  alignas(64) static std::byte buffer[64_KiB];
  arena bounded({.kind = backing::fixed, .buffer = buffer});
  arena a({.kind = backing::chained,
           .page_size = 4096,
           .growth = {.first = max_size * 2 + 1, .cap = max_size * 2 + 1},
           .upstream = bounded});
  void* const p = a.push(100);
  ASSERT_NE(p, nullptr) << "where the good size is refused, what is needed is asked for";
  std::memset(p, 1, 100);
  EXPECT_GE(a.usage().held, 100u);
  EXPECT_TRUE(a.check_invariants());
}

TEST(arena_c, ends_an_arena_that_cpp_made_over_functions) {
  ashlar_user_memory functions = {};
  functions.allocate = [](void*, std::size_t size, std::size_t alignment) {
    return std::aligned_alloc(alignment, align_up(size, alignment));
  };
  functions.deallocate = [](void*, void* data, std::size_t, std::size_t) { std::free(data); };
  user_manager from(functions);
  hosted_arena* const made = hosted_arena::create({.kind = backing::chained, .upstream = from});
  ASSERT_NE(made, nullptr);
  EXPECT_NE(ArenaPush(reinterpret_cast<Arena*>(made), 100), nullptr);
  ArenaRelease(reinterpret_cast<Arena*>(made));
  EXPECT_EQ(from.usage().live_blocks, 0u);
  const allocation a = from.allocate({100});
  ASSERT_TRUE(a) << "it is still there";
  from.deallocate(a.get());
}

TEST(arena, takes_steps_without_bound_for_as_much_as_there_is) {
  constexpr std::size_t all = static_cast<std::size_t>(-1);
  arena reserved({.reserve = 1_MiB, .commit_step = all});
  EXPECT_NE(reserved.push(100), nullptr);
  EXPECT_EQ(reserved.usage().held, 1_MiB);
  hosted_arena* const hosted = hosted_arena::create({.reserve = 1_MiB, .commit_step = all});
  ASSERT_NE(hosted, nullptr);
  EXPECT_NE(hosted->push(1_MiB), nullptr);
  hosted_arena::destroy(hosted);
  heap upstream;
  arena chained({.kind = backing::chained,
                 .page_size = 4096,
                 .growth = {.first = all},
                 .upstream = upstream});
  EXPECT_NE(chained.push(100), nullptr);
  EXPECT_TRUE(chained.check_invariants());
}

}  // namespace
}  // namespace ashlar
