// SPDX-License-Identifier: MIT
// What containers take from managers is counted exactly, however it ends.
#include "ashlar/manager/inner_blocks.hpp"

#include <gtest/gtest.h>

#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "ashlar/arena.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/debug.hpp"
#include "ashlar/fit.hpp"
#include "ashlar/general.hpp"
#include "ashlar/heap.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/scoped.hpp"
#include "ashlar/shared_arena.hpp"
#include "ashlar/slot_map.hpp"
#include "ashlar/small_vector.hpp"
#include "ashlar/stack.hpp"
#include "ashlar/unique.hpp"
#include "ashlar/vector.hpp"
#include "unit/manager/inner_fixture.hpp"

namespace ashlar {
namespace {

using test::abandoned;
using test::figures;
using test::of;
using test::std_vector;

class inner : public test::inner_test {};

TEST_F(inner, a_vector_in_an_arena_counts_its_growth_and_its_end) {
  ASSERT_TRUE(begun_);
  arena from({.name = "level"});
  {
    std_vector<int> v(from);
    v.reserve(10);
    EXPECT_EQ(now(), (figures{1, 40, 1, 40}));
    v.reserve(100);
    EXPECT_EQ(now(), (figures{1, 400, 2, 440}));
  }
  EXPECT_EQ(now(), (figures{0, 0, 2, 440}));
  const tag_usage all = usage_of(mine_);
  EXPECT_EQ(all.blocks.total_blocks, 0u);
  EXPECT_EQ(all.live_bytes, all.page_bytes);
}

TEST_F(inner, nodes_in_a_pool_count_one_by_one) {
  pool from;
  using map = std::map<int, int, std::less<>, std_allocator<std::pair<const int, int>>>;
  map numbers(from);
  for (int i = 0; i < 1000; ++i) numbers[i] = i;
  const std::uint64_t size = now().bytes / 1000;
  EXPECT_GE(size, sizeof(std::pair<const int, int>) + 3 * sizeof(void*));
  EXPECT_EQ(now(), (figures{1000, 1000 * size, 1000, 1000 * size}));
  for (int i = 0; i < 1000; i += 2) numbers.erase(i);
  EXPECT_EQ(now(), (figures{500, 500 * size, 1000, 1000 * size}));
  numbers.clear();
  EXPECT_EQ(live(), 0u);
}

TEST_F(inner, each_kind_of_manager_ends_its_blocks_without_destructors) {
  const auto lives_and_ends = [&](auto& from, const char* what) {
    for (int round = 0; round < 2; ++round) {
      abandoned<std_vector<std::uint64_t>> v(from);
      v->reserve(8);
      EXPECT_EQ(live(), 1u) << what;
      from.free_all();
      EXPECT_EQ(live(), 0u) << what;
    }
  };
  const auto ends_with = [&](auto make, const char* what) {
    {
      auto from = make();
      abandoned<std_vector<std::uint64_t>> v(*from);
      v->reserve(8);
      EXPECT_EQ(now().bytes, 64u) << what;
    }
    EXPECT_EQ(live(), 0u) << what;
    auto from = make();
    lives_and_ends(*from, what);
  };
  ends_with([] { return std::make_unique<arena>(); }, "arena");
  ends_with([] { return std::make_unique<pool>(layout{64, 8}); }, "pool");
  ends_with([] { return std::make_unique<general_manager>(); }, "general");
  ends_with([] { return std::make_unique<best_fit_manager>(); }, "best fit");
  ends_with([] { return std::make_unique<tlsf_manager>(); }, "tlsf");
  ends_with([] { return std::make_unique<heap>(); }, "heap");
  ends_with([] { return std::make_unique<stack_manager>(); }, "stack");
  ends_with([] { return std::make_unique<shared_arena>(); }, "shared arena");
  ends_with([] { return std::make_unique<locked<arena>>(); }, "locked arena");
  ends_with([] { return std::make_unique<limited<heap>>(); }, "limited heap");
  heap below;
  ends_with([&] { return std::make_unique<scoped_manager>(below); }, "scoped");
  ends_with([&] { return std::make_unique<debug_manager>(below); }, "debug");
}

TEST_F(inner, an_arena_that_is_rewound_ends_what_lies_above) {
  arena from;
  abandoned<std_vector<int>> low(from);
  low->reserve(10);
  const mark place = from.here();
  abandoned<std_vector<int>> high(from);
  high->reserve(100);
  std_vector<int> large(from);
  large.reserve(1 << 20);
  EXPECT_EQ(now().blocks, 3u);
  from.rewind(place);
  EXPECT_EQ(now().bytes, 40u);
  from.pop(from.pos());
  EXPECT_EQ(live(), 0u);
  abandoned<std_vector<int>> next(from);
  next->reserve(3);
  EXPECT_EQ(now().bytes, 12u);
  from.clear();
  EXPECT_EQ(live(), 0u);
}

TEST_F(inner, chunks_of_an_arena_end_as_they_are_left) {
  arena from({.kind = backing::chained, .growth = {.first = 4096}});
  std::list<abandoned<std_vector<char>>> kept;
  const auto keep = [&](std::size_t size) {
    kept.emplace_back(from);
    kept.back()->reserve(size);
  };
  keep(1000);
  const mark place = from.here();
  for (int i = 0; i < 100; ++i) keep(i % 10 == 0 ? 200'000 : 1000);
  EXPECT_EQ(live(), 101u);
  from.rewind(place);
  EXPECT_EQ(now().bytes, 1000u);
  from.clear();
  EXPECT_EQ(live(), 0u);
}

TEST_F(inner, what_stands_upon_an_arena_ends_with_its_bytes) {
  arena from;
  limited<arena&> over(from, {.limit = 1 << 20});
  abandoned<std_vector<int>> v(over);
  v->reserve(10);
  {
    arena child = from.sub();
    abandoned<std_vector<int>> w(child);
    w->reserve(10);
    EXPECT_EQ(live(), 2u);
  }
  EXPECT_EQ(live(), 1u);
  from.clear();
  EXPECT_EQ(live(), 0u);
}

TEST_F(inner, what_stands_upon_a_shared_arena_ends_with_its_bytes) {
  shared_arena from({.run_size = 4096});
  limited<shared_arena&> over(from, {.limit = 1 << 20});
  for (int round = 0; round < 2; ++round) {
    // Several runs that are full, one that is not, and blocks with memory of their own.
    std::list<abandoned<std_vector<char>>> kept;
    for (int i = 0; i < 20; ++i) {
      kept.emplace_back(over);
      kept.back()->reserve(i % 5 == 0 ? 3000 : 700);
    }
    abandoned<std_vector<char>> own(from);
    own->reserve(100);
    EXPECT_EQ(live(), 21u);
    if (round == 0)
      from.clear();
    else
      from.free_all();
    EXPECT_EQ(live(), 0u);
  }
}

TEST_F(inner, a_known_block_that_grows_while_nobody_looks_stays_known) {
  best_fit_manager from;
  vector<char> v(from);
  v.reserve(100);
  const figures before = now();
  ASSERT_TRUE(set_tracking({.level = track_level::counters}));
  v.reserve(1000);
  EXPECT_EQ(now(), (figures{1, v.capacity(), 2, before.bytes + v.capacity()}));
  ASSERT_TRUE(set_tracking({.level = track_level::full}));
  const std::uint64_t second = v.capacity();
  {
    const observe::mute_scope quiet;
    v.reserve(5000);
  }
  EXPECT_EQ(now(), (figures{1, v.capacity(), 3, before.bytes + second + v.capacity()}));
  ASSERT_TRUE(set_tracking({}));
  { const vector<char> ending = std::move(v); }
  EXPECT_EQ(live(), 0u);
}

TEST_F(inner, a_block_at_the_place_of_a_forgotten_one_ends_it) {
  pool from(layout{64, 8});
  abandoned<std_vector<char>> v(from);
  v->reserve(64);
  from.put(v->data());  // behind the container's back
  std_vector<char> w(from);
  w.reserve(50);
  ASSERT_EQ(w.data(), v->data());
  EXPECT_EQ(now(), (figures{1, 50, 2, 114}));
}

TEST_F(inner, containers_of_ashlar_count_too) {
  best_fit_manager from;
  {
    vector<int> v(from);
    for (int i = 0; i < 1000; ++i) v.push_back(i);
    EXPECT_EQ(now().blocks, 1u);
    EXPECT_EQ(now().bytes, v.capacity() * sizeof(int));
    v.shrink_to_fit();
    EXPECT_EQ(now().bytes, v.capacity() * sizeof(int));
    small_vector<std::string, 2> s(from);
    for (int i = 0; i < 3; ++i) s.emplace_back("x");
    EXPECT_EQ(live(), 2u);
    s.pop_back();
    s.shrink_to_fit();
    EXPECT_EQ(live(), 1u);
    slot_map<int> m(from);
    for (int i = 0; i < 100; ++i) (void)m.insert(i);
    EXPECT_EQ(live(), 2u);
    const unique<std::string> u = make_unique<std::string>(from, "text");
    const unique<int[]> few = try_make_unique<int[]>(from, 10);
    EXPECT_EQ(live(), 4u);
  }
  EXPECT_EQ(live(), 0u);
  EXPECT_EQ(from.usage().live_blocks, 0u);
}

TEST_F(inner, a_refused_growth_changes_nothing) {
  limited<heap> from({.limit = 1000});
  vector<char> v(from);
  v.reserve(400);
  const figures before = now();
  EXPECT_NE(v.try_reserve(5000), status::success);
  EXPECT_EQ(now(), before);
}

}  // namespace
}  // namespace ashlar
