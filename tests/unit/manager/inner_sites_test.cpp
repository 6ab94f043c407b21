// SPDX-License-Identifier: MIT
// What containers take from managers appears once, under its tag, at its site, by its address.
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory_resource>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/heap.hpp"
#include "ashlar/pmr.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/sources.hpp"
#include "ashlar/vector.hpp"
#include "support/child.hpp"
#include "unit/manager/inner_fixture.hpp"

namespace ashlar {
namespace {

using test::abandoned;
using test::figures;
using test::of;
using test::std_vector;

class inner_sites : public test::inner_test {};

TEST_F(inner_sites, std_pmr_containers_count_at_their_own_site) {
  heap from;
  memory_resource resource(from);
  std::pmr::vector<int> v(&resource);
  v.reserve(25);
  EXPECT_EQ(now(), (figures{1, 100, 1, 100}));
  v = std::pmr::vector<int>(&resource);
  v.shrink_to_fit();
  EXPECT_EQ(live(), 0u);
}

TEST_F(inner_sites, an_adapter_upon_an_adapter_is_one_block) {
  arena from;
  memory_resource resource(from);
  pmr_manager upon(&resource, "upon");
  vector<int> v(upon);
  v.reserve(10);
  EXPECT_EQ(live(), 1u);
  std::string kind;
  for_each_inner_block([&](const inner_usage& found) {
    if (found.of == mine_) kind += found.kind + std::string(" ") + found.name;
    return true;
  });
  EXPECT_EQ(kind, "pmr upon");
  pool slabs(layout{64, 8}, {.upstream = upon});
  (void)slabs.get();  // what a manager takes is no container's block
  EXPECT_EQ(live(), 1u);
}

TEST_F(inner_sites, blocks_of_new_are_none) {
  std_vector<int> v;
  v.reserve(10);
  limited<memory> over(memory(default_manager()), {.limit = 1 << 20});
  std_vector<int> w(over);
  w.reserve(10);
  vector<int> x(default_manager());
  x.reserve(10);
  EXPECT_EQ(now(), (figures{0, 0, 0, 0}));
}

TEST_F(inner_sites, off_and_counters_record_nothing) {
  heap from;
  for (const track_level level : {track_level::off, track_level::counters}) {
    ASSERT_TRUE(set_tracking({.level = level}));
    std_vector<int> v(from);
    v.reserve(10);
    vector<int> w(from);
    w.reserve(10);
    EXPECT_EQ(now().total_blocks, 0u);
  }
}

TEST_F(inner_sites, a_block_ends_too_when_tracking_is_off_by_then) {
  heap from;
  std_vector<int> before(from);
  ASSERT_TRUE(set_tracking({}));
  before.reserve(10);
  ASSERT_TRUE(set_tracking({.level = track_level::full}));
  std_vector<int> v(from);
  v.reserve(10);
  EXPECT_EQ(live(), 1u);
  before = std_vector<int>(from);  // was never known
  EXPECT_EQ(live(), 1u);
  ASSERT_TRUE(set_tracking({}));
  v = std_vector<int>(from);
  EXPECT_EQ(live(), 0u);
}

struct tagged {
  static constexpr const char* memory_tag = "inner/of a class";
  int value;
};

TEST_F(inner_sites, the_tag_is_the_class_s_then_the_thread_s_then_the_manager_s) {
  heap from;
  const tag of_manager = define_tag("inner/of a manager");
  from.set_tag(of_manager.id());
  std_vector<tagged> a(from);
  a.reserve(1);
  EXPECT_EQ(of(find_tag("inner/of a class")).blocks, 1u);
  std_vector<int> b(from);
  b.reserve(2);
  EXPECT_EQ(now().bytes, 8u);
  EXPECT_EQ(of(of_manager).blocks, 0u);
  const tag_scope none(tag{});
  std_vector<int> c(from);
  c.reserve(3);
  EXPECT_EQ(of(of_manager).bytes, 12u);
}

[[gnu::noinline]] void reserve_here(std_vector<int>& v, std::size_t count) {
  v.reserve(count);
  asm volatile("" ::: "memory");
}

TEST_F(inner_sites, sites_are_shown_with_their_stacks) {
  arena from;
  std::vector<std_vector<int>> some;
  for (int i = 0; i < 2; ++i) some.emplace_back(from);
  volatile std::size_t count = 2;  // lest the loop become two calls
  for (std::size_t i = 0; i < count; ++i) reserve_here(some[i], 5);
  int sites = 0;
  for_each_site([&](const site_usage& s) {
    if (s.of != mine_ || s.inner.total_blocks == 0) return true;
    ++sites;
    EXPECT_EQ(of(s.inner), (figures{2, 40, 2, 40}));
    EXPECT_EQ(s.blocks.total_blocks, 0u);
    EXPECT_GT(s.frame_count, 1u);
    return true;
  });
  EXPECT_EQ(sites, 1);
}

TEST_F(inner_sites, all_live_blocks_are_listed_while_others_come) {
  heap from({.name = "listed"});
  std::list<std_vector<char>> kept;
  for (std::size_t i = 1; i <= 100; ++i) kept.emplace_back(from).reserve(i);
  std::size_t bytes = 0;
  std::vector<const void*> places;
  for_each_inner_block([&](const inner_usage& found) {
    if (found.of != mine_) return true;
    bytes += found.size;
    places.push_back(found.data);
    EXPECT_STREQ(found.kind, "heap");
    EXPECT_STREQ(found.name, "listed");
    std_vector<char> one_more(from);  // the visitor is under no lock
    one_more.reserve(1);
    return true;
  });
  EXPECT_GE(bytes, 5050u);
  for (const auto& each : kept)
    EXPECT_NE(std::find(places.begin(), places.end(), each.data()), places.end());
}

TEST_F(inner_sites, threads_count_exactly) {
  heap from;
  constexpr int rounds = 2000;
  std::vector<std::thread> threads;
  std::vector<std_vector<int>> kept;
  for (int t = 0; t < 4; ++t) kept.emplace_back(from);
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const tag_scope scope(mine_);
      arena own;
      for (int i = 0; i < rounds; ++i) {
        std_vector<int> v(from);
        v.reserve(10);
        std_vector<int> w(own);
        w.reserve(10);
        const mark place = own.here();
        abandoned<std_vector<int>> x(own);
        x->reserve(5);
        own.rewind(place);
      }
      kept[static_cast<std::size_t>(t)].reserve(7);
    });
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(now(), (figures{4, 112, 12 * rounds + 4, 100 * 4 * rounds + 112}));
}

TEST_F(inner_sites, a_child_of_a_fork_counts_on) {
  heap from;
  std_vector<int> v(from);
  v.reserve(10);
  EXPECT_TRUE(test::ended_well(test::run_in_child([&] {
    std_vector<int> w(from);
    w.reserve(10);
    EXPECT_EQ(live(), 2u);
    v = std_vector<int>(from);
    EXPECT_EQ(live(), 1u);
  })));
  EXPECT_EQ(live(), 1u);
}

}  // namespace
}  // namespace ashlar
