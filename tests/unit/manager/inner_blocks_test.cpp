// SPDX-License-Identifier: MIT
// What containers take from managers appears under its tag and site, exactly, however it ends.
#include "ashlar/manager/inner_blocks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <memory_resource>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/debug.hpp"
#include "ashlar/fit.hpp"
#include "ashlar/general.hpp"
#include "ashlar/heap.hpp"
#include "ashlar/manager/track.hpp"
#include "ashlar/pmr.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/scoped.hpp"
#include "ashlar/shared_arena.hpp"
#include "ashlar/slot_map.hpp"
#include "ashlar/small_vector.hpp"
#include "ashlar/sources.hpp"
#include "ashlar/stack.hpp"
#include "ashlar/std_allocator.hpp"
#include "ashlar/unique.hpp"
#include "ashlar/vector.hpp"
#include "support/child.hpp"

namespace ashlar {
namespace {

template <class T>
using std_vector = std::vector<T, std_allocator<T>>;

/// Live blocks and bytes, and what was ever made.
struct figures {
  std::uint64_t blocks;
  std::uint64_t bytes;
  std::uint64_t total_blocks;
  std::uint64_t total_bytes;
  bool operator==(const figures&) const = default;
};

std::ostream& operator<<(std::ostream& out, const figures& f) {
  return out << f.blocks << " blocks, " << f.bytes << " bytes of " << f.total_blocks << ", "
             << f.total_bytes;
}

figures of(const block_usage& u) {
  return {u.live_blocks, u.live_bytes, u.total_blocks, u.total_bytes};
}

figures of(tag t) { return of(usage_of(t).inner); }

/// Each test has a tag of its own, that of the thread.
class inner : public testing::Test {
 protected:
  inner() : begun_(set_tracking({.level = track_level::full})) {}
  ~inner() override { (void)set_tracking({}); }

  figures now() const { return of(mine_); }
  std::uint64_t live() const { return now().blocks; }

  const bool begun_;
  const tag mine_ = define_tag(
      (std::string("inner/") + testing::UnitTest::GetInstance()->current_test_info()->name())
          .substr(0, 44)
          .c_str());
  const tag_scope scope_{mine_};
};

/// A container whose destructor never runs.
template <class Container>
class abandoned {
 public:
  template <class... Args>
  explicit abandoned(Args&&... args) {
    ::new (static_cast<void*>(place_)) Container(std::forward<Args>(args)...);
  }
  Container* operator->() { return std::launder(reinterpret_cast<Container*>(place_)); }

 private:
  alignas(Container) std::byte place_[sizeof(Container)];
};

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

TEST_F(inner, std_pmr_containers_count_at_their_own_site) {
  heap from;
  memory_resource resource(from);
  std::pmr::vector<int> v(&resource);
  v.reserve(25);
  EXPECT_EQ(now(), (figures{1, 100, 1, 100}));
  v = std::pmr::vector<int>(&resource);
  v.shrink_to_fit();
  EXPECT_EQ(live(), 0u);
}

TEST_F(inner, an_adapter_upon_an_adapter_is_one_block) {
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

TEST_F(inner, blocks_of_new_are_none) {
  std_vector<int> v;
  v.reserve(10);
  limited<memory> over(memory(default_manager()), {.limit = 1 << 20});
  std_vector<int> w(over);
  w.reserve(10);
  vector<int> x(default_manager());
  x.reserve(10);
  EXPECT_EQ(now(), (figures{0, 0, 0, 0}));
}

TEST_F(inner, off_and_counters_record_nothing) {
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

TEST_F(inner, a_block_ends_too_when_tracking_is_off_by_then) {
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

TEST_F(inner, the_tag_is_the_class_s_then_the_thread_s_then_the_manager_s) {
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

TEST_F(inner, sites_are_shown_with_their_stacks) {
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

TEST_F(inner, all_live_blocks_are_listed_while_others_come) {
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

TEST_F(inner, threads_count_exactly) {
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

TEST_F(inner, a_child_of_a_fork_counts_on) {
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
