// SPDX-License-Identifier: MIT
// Pools of objects: by pointer, and by handles that go stale.
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/pool.hpp"
#include "support/fault_log.hpp"
#include "support/random.hpp"
#include "support/upstream.hpp"

namespace ashlar {
namespace {

/// Counts how many of it live.
struct counted {
  static inline int living = 0;
  explicit counted(int n = 0) : number(n) {
    if (n < 0) throw std::runtime_error("negative");
    ++living;
  }
  counted(const counted&) = delete;
  ~counted() { --living; }
  int number;
};

TEST(pool_of, makes_and_destroys_objects) {
  pool_of<counted> objects;
  counted* const a = objects.make(7);
  counted* const b = objects.make(8);
  EXPECT_EQ(a->number + b->number, 15);
  EXPECT_EQ(objects.size(), 2u);
  objects.destroy(a);
  objects.destroy(nullptr);
  EXPECT_EQ(counted::living, 1);
  objects.destroy_all();
  EXPECT_EQ(counted::living, 0);
  EXPECT_EQ(objects.memory_pool().usage().held, 0u);
}

TEST(pool_of, ends_what_still_lives_with_itself) {
  test::counting_upstream upstream;
  {
    pool_of<counted> objects({.upstream = upstream});
    std::vector<counted*> all;
    for (int i = 0; i < 10'000; ++i) all.push_back(objects.make(i));
    for (std::size_t i = 0; i < all.size(); i += 3) objects.destroy(all[i]);
  }
  EXPECT_EQ(counted::living, 0);
  EXPECT_EQ(upstream.live(), 0u);
}

/// Destroys the one that it owns, of the same pool, when it ends.
struct owner {
  static inline std::size_t ended = 0;
  owner(pool_of<owner>& p, owner* o, bool leaves = false) : pool(p), owned(o), leaves_one(leaves) {}
  owner(const owner&) = delete;
  ~owner() {
    ++ended;
    pool.destroy(owned);
    if (leaves_one) (void)pool.make(pool, nullptr);
  }
  pool_of<owner>& pool;
  owner* owned;
  bool leaves_one;
};

// The chain goes up, down, and to and fro between slabs.
TEST(pool_of, ends_each_object_once_where_they_own_each_other) {
  constexpr std::size_t count = 20'000;
  for (const std::size_t stride : {std::size_t{1}, count - 1, std::size_t{7919}}) {
    for (const std::uint32_t spare : {0u, 1u}) {
      owner::ended = 0;
      pool_of<owner> objects({.spare = spare});
      std::vector<owner*> all;
      for (std::size_t i = 0; i < count; ++i) all.push_back(objects.make(objects, nullptr));
      for (std::size_t i = 0; i + 1 < count / 4; ++i)
        all[i * stride % count]->owned = all[(i + 1) * stride % count];
      for (std::size_t i = count / 2; i < count; i += 3) objects.destroy(all[i * stride % count]);
      const std::size_t before = owner::ended;
      const std::size_t left = objects.size();
      objects.destroy_all();
      EXPECT_EQ(owner::ended - before, left) << stride;
      EXPECT_EQ(objects.size(), 0u);
      EXPECT_EQ(objects.memory_pool().usage().held, 0u);
      EXPECT_NE(objects.make(objects, nullptr), nullptr);
      EXPECT_TRUE(objects.memory_pool().check_invariants());
    }
  }
}

TEST(pool_of, ends_what_destructors_make) {
  owner::ended = 0;
  pool_of<owner> objects;
  for (int i = 0; i < 5000; ++i) ASSERT_NE(objects.make(objects, nullptr, true), nullptr);
  objects.destroy_all();
  EXPECT_EQ(owner::ended, 10'000u);
  EXPECT_EQ(objects.size(), 0u);
  EXPECT_EQ(objects.memory_pool().usage().held, 0u);
}

TEST(pool_of, keeps_nothing_of_an_object_whose_constructor_throws) {
  pool_of<counted> objects;
  EXPECT_THROW((void)objects.make(-1), std::runtime_error);
  EXPECT_EQ(objects.size(), 0u);
  EXPECT_TRUE(objects.memory_pool().check_invariants());
}

TEST(pool_of, aligns_what_needs_it) {
  struct alignas(256) wide {
    char bytes[10];
  };
  pool_of<wide> objects;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(is_aligned(address_of(objects.make()), 256));
}

TEST(pool_of, says_when_there_is_no_memory) {
  test::counting_upstream upstream;
  upstream.refuse_after(0);
  pool_of<counted> objects({.upstream = upstream});
  EXPECT_EQ(objects.make(1), nullptr);
  handle_pool<counted> handles(upstream);
  EXPECT_FALSE(handles.make(1));
  upstream.refuse_after(1);  // the directory, but no chunk
  EXPECT_FALSE(handles.make(1));
  upstream.accept_all();
  EXPECT_TRUE(handles.make(1));
}

TEST(handle_pool, finds_objects_until_they_are_destroyed) {
  handle_pool<counted> objects;
  const handle<counted> h = objects.make(5);
  ASSERT_TRUE(h);
  EXPECT_EQ(objects.get(h)->number, 5);
  objects.destroy(h);
  EXPECT_EQ(objects.get(h), nullptr);
  EXPECT_EQ(counted::living, 0);
  const handle<counted> second = objects.make(6);
  EXPECT_EQ(second.index, h.index) << "the place is used again";
  EXPECT_EQ(objects.get(h), nullptr) << "and the old handle is stale still";
  EXPECT_EQ(objects.get(second)->number, 6);
}

TEST(handle_pool, finds_nothing_for_handles_that_it_never_made) {
  handle_pool<counted> objects;
  EXPECT_EQ(objects.get({}), nullptr);
  EXPECT_EQ(objects.get({0, 1}), nullptr);
  const handle<counted> h = objects.make(1);
  EXPECT_EQ(objects.get({h.index, h.generation + 1}), nullptr);
  EXPECT_EQ(objects.get({h.index + 1, 1}), nullptr);
  EXPECT_EQ(objects.get({0xffffffff, 1}), nullptr);
}

TEST(handle_pool, reports_stale_handles_and_changes_nothing) {
  test::fault_log faults;
  handle_pool<counted> objects;
  const handle<counted> h = objects.make(1);
  objects.destroy(h);
  const handle<counted> other = objects.make(2);
  objects.destroy(h);
  EXPECT_TRUE(faults.took(fault_kind::stale_handle, nullptr));
  EXPECT_EQ(objects.get(other)->number, 2);
  objects.destroy({});
  EXPECT_EQ(faults.count(), 0u);
}

TEST(handle_pool, keeps_handles_stale_when_all_objects_end) {
  handle_pool<counted> objects;
  std::vector<handle<counted>> old;
  for (int i = 0; i < 5000; ++i) old.push_back(objects.make(i));
  objects.destroy_all();
  EXPECT_EQ(counted::living, 0);
  for (int i = 0; i < 5000; ++i) (void)objects.make(i);
  for (const handle<counted> h : old) EXPECT_EQ(objects.get(h), nullptr);
}

TEST(handle_pool, survives_constructors_that_throw_or_make_others) {
  struct parent {
    handle<parent> child;
    parent(handle_pool<parent>& family, int depth) {
      if (depth > 0) child = family.make(family, depth - 1);
    }
  };
  handle_pool<parent> family;
  handle<parent> h = family.make(family, 5);
  int generations = 0;
  for (; h; h = family.get(h)->child) ++generations;
  EXPECT_EQ(generations, 6);

  handle_pool<counted> objects;
  EXPECT_THROW((void)objects.make(-1), std::runtime_error);
  EXPECT_EQ(objects.size(), 0u);
}

/// Knows one that it destroys when it ends, and may make another.
struct relative {
  static inline int ended = 0;
  explicit relative(handle_pool<relative>& p, bool makes = false) : family(p), makes_one(makes) {}
  relative(const relative&) = delete;
  ~relative() {
    ++ended;
    EXPECT_EQ(family.get(self), nullptr) << "its own handle is stale";
    if (family.get(other) != nullptr) family.destroy(other);
    if (makes_one) (void)family.make(family);
  }
  handle_pool<relative>& family;
  handle<relative> self;
  handle<relative> other;
  bool makes_one;
};

TEST(handle_pool, ends_each_object_once_where_they_own_each_other) {
  relative::ended = 0;
  handle_pool<relative> family;
  const handle<relative> a = family.make(family);
  const handle<relative> b = family.make(family);
  family.get(a)->self = family.get(b)->other = a;
  family.get(b)->self = family.get(a)->other = b;
  family.destroy(a);
  EXPECT_EQ(relative::ended, 2);
  EXPECT_EQ(family.size(), 0u);
  EXPECT_NE(family.make(family).index, family.make(family).index);
}

/// Destroys the one that it owns, whether that has ended or not.
struct keeper {
  handle_pool<keeper>& family;
  handle<keeper> kept = {};
  ~keeper() { family.destroy(kept); }
};

TEST(handle_pool, lets_owners_end_what_has_ended_with_all_others) {
  test::fault_log faults;
  {
    handle_pool<keeper> family;
    const handle<keeper> kept = family.make(family);
    (void)family.make(family, kept);  // comes behind it
  }
  EXPECT_EQ(faults.count(), 0u);
}

TEST(handle_pool, ends_what_destructors_make) {
  relative::ended = 0;
  {
    handle_pool<relative> family;
    (void)family.make(family);
    (void)family.make(family);
    (void)family.make(family, true);  // the one that it makes takes a place gone by already
  }
  EXPECT_EQ(relative::ended, 4);
}

TEST(handle_pool, uses_no_place_again_whose_generations_ran_out) {
  place_table places({}, {8, 8});
  const std::uint32_t index = places.take();
  places.expire(index);
  places.recycle(index);
  places[index].generation = 0xfffffffe;  // as after 2^31 lives
  ASSERT_EQ(places.take(), index);
  EXPECT_NE(places.find(index, 0xffffffff), nullptr);
  places.expire(index);
  places.recycle(index);
  EXPECT_NE(places.take(), index);
  EXPECT_EQ(places.find(index, 0xffffffff), nullptr);
  places.release();
}

TEST(handle_pool, agrees_with_a_model) {
  test::counting_upstream upstream;
  test::random_source random(3);
  {
    handle_pool<std::uint64_t> objects(upstream);
    std::map<std::uint64_t, handle<std::uint64_t>> live;
    std::vector<handle<std::uint64_t>> stale;
    for (std::uint64_t step = 1; step < 50'000; ++step) {
      if (random.below(100) < (step < 25'000 ? 60u : 40u)) {
        live[step] = objects.make(step);
      } else if (!live.empty()) {
        auto at = live.lower_bound(random.below(static_cast<std::size_t>(step)));
        if (at == live.end()) at = live.begin();
        ASSERT_EQ(*objects.get(at->second), at->first);
        objects.destroy(at->second);
        stale.push_back(at->second);
        live.erase(at);
      }
      ASSERT_TRUE(stale.empty() || objects.get(stale[random.below(stale.size())]) == nullptr);
      ASSERT_EQ(objects.size(), live.size());
    }
    objects.for_each([&](handle<std::uint64_t> h, std::uint64_t& n) {
      EXPECT_EQ(live[n], h);
      live.erase(n);
    });
    EXPECT_TRUE(live.empty());
    EXPECT_EQ(objects.held(), upstream.bytes());
  }
  EXPECT_EQ(upstream.live(), 0u);
}

}  // namespace
}  // namespace ashlar
