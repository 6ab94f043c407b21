// SPDX-License-Identifier: MIT
// Compositions of one part: what each adds to it.
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/buckets.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/general.hpp"
#include "ashlar/manager/memory_system.hpp"
#include "ashlar/sources.hpp"
#include "support/pattern.hpp"
#include "support/unwatched.hpp"
#include "unit/manager/plain_manager.hpp"

namespace ashlar {
namespace {

using test::plain_manager;

alignas(4096) std::byte the_block[256_KiB];

user_block_options block_options() { return {.memory = {the_block, sizeof(the_block)}}; }

// --- limited ---

struct soft_record {
  int calls = 0;
  std::size_t used = 0;
  static void call(void* context, std::size_t used) {
    auto& self = *static_cast<soft_record*>(context);
    ++self.calls;
    self.used = used;
  }
};

TEST(limited, holds_the_budget_to_the_byte) {
  limited<memory> m{memory(default_manager()), {.limit = 100}};
  const allocation a = m.allocate({60, 8});
  EXPECT_EQ(m.allocate({41, 8}).reason(), status::over_budget);
  const allocation b = m.allocate({40, 8});
  EXPECT_TRUE(b);
  EXPECT_EQ(m.usage().used, 100u);
  EXPECT_EQ(m.allocate({0, 1}).reason(), status::over_budget) << "size 0 is served as 1";
  m.deallocate(b.get(), 8);
  EXPECT_EQ(m.usage().used, 60u);
  EXPECT_EQ(m.usage().peak_used, 100u);
  EXPECT_EQ(m.usage().limit, 100u);
  m.deallocate(a.get(), 8);
}

TEST(limited, tells_what_nobody_can_serve_from_what_is_over_budget) {
  limited<memory> m{memory(default_manager()), {.limit = 100}};
  EXPECT_EQ(m.allocate({max_size + 1, 8}).reason(), status::too_large);
  EXPECT_EQ(m.allocate({1, 3}).reason(), status::bad_alignment);
  EXPECT_EQ(m.allocate({max_size, 8}).reason(), status::over_budget);
}

TEST(limited, calls_once_for_each_time_the_soft_limit_is_passed) {
  soft_record record;
  limited<memory> m{memory(default_manager()),
                    {.soft = 100, .context = &record, .above_soft = soft_record::call}};
  const allocation a = m.allocate({100, 8});
  EXPECT_EQ(record.calls, 0);
  const allocation b = m.allocate({1, 1});
  EXPECT_EQ(record.calls, 1);
  EXPECT_EQ(record.used, 101u);
  const allocation c = m.allocate({1, 1});
  EXPECT_EQ(record.calls, 1);
  m.deallocate(c.get(), 1);
  m.deallocate(b.get(), 1);
  const allocation d = m.allocate({7, 1});
  EXPECT_EQ(record.calls, 2);
  m.deallocate(d.get(), 1);
  m.deallocate(a.get(), 8);
}

TEST(limited, changes_its_limit_while_it_lives) {
  limited<memory> m{memory(default_manager()), {.limit = 100}};
  const allocation a = m.allocate({100, 8});
  m.set_limit(50);
  EXPECT_FALSE(m.allocate({1, 1}));
  m.deallocate(a.get(), 8);
  EXPECT_FALSE(m.allocate({51, 1}));
  m.set_limit(limited_options::none);
  const allocation b = m.allocate({1000, 8});
  EXPECT_TRUE(b);
  m.deallocate(b.get(), 8);
}

TEST(limited, counts_resizes) {
  ashlar_user_memory table = {};
  table.allocate = [](void*, std::size_t size, std::size_t) { return ::malloc(size); };
  table.deallocate = [](void*, void* p, std::size_t, std::size_t) { ::free(p); };
  table.reallocate = [](void*, void* p, std::size_t old_size, std::size_t size, std::size_t, bool) {
    return size <= old_size ? p : nullptr;
  };
  user_manager user(table);
  limited<memory> m{memory(user), {.limit = 100}};
  const allocation a = m.allocate({80, 8});
  EXPECT_EQ(memory(m).reallocate(a.get(), 8, {.size = 40}).data(), a.data());
  EXPECT_EQ(m.usage().used, 40u);
  EXPECT_EQ(memory(m).reallocate({a.data(), 40}, 8, {.size = 70}).reason(), status::over_budget)
      << "a move needs room for both";
  const allocation b = memory(m).reallocate({a.data(), 40}, 8, {.size = 60});
  EXPECT_TRUE(b);
  EXPECT_EQ(m.usage().used, 60u);
  EXPECT_EQ(memory(m).reallocate(b.get(), 8, {.size = 101}).reason(), status::over_budget);
  m.deallocate(b.get(), 8);
  EXPECT_EQ(m.usage().used, 0u);
}

// --- locked ---

TEST(locked, lets_one_thread_in_at_a_time) {
  locked<user_block_os> m(block_options());
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&m] {
      for (int i = 0; i < 200; ++i) {
        const allocation a = m.allocate({1, 1});
        EXPECT_TRUE(a);
        EXPECT_TRUE(m.owns(a.data()));
        m.deallocate(a.get(), 1);
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(m.usage().used, 0u);
}

// --- aligned ---

TEST(cascade, may_be_looked_at_while_it_makes_its_first_part) {
  const auto make = [] { return buckets({.upstream = default_manager()}); };
  for (int round = 0; round < 20; ++round) {
    cascade<decltype(make)> m(make, "growing");
    std::atomic<bool> is_done{false};
    std::thread looker([&is_done] {
      const auto look = [](void*, const manager& seen, unsigned) {
        (void)seen.root();
        return true;
      };
      while (!is_done) system().for_each(nullptr, look);
    });
    const allocation a = m.allocate({100, 16});
    is_done = true;
    looker.join();
    EXPECT_EQ(m.upstream(), &default_manager());
    m.deallocate(a.get(), 16);
  }
}

TEST(aligned, raises_alignment_and_rounds_sizes) {
  plain_manager plain;
  aligned<64, plain_manager&> m(plain);
  const allocation a = m.allocate({1, 1});
  EXPECT_TRUE(is_aligned(address_of(a.data()), 64));
  EXPECT_EQ(a.size(), 1u);
  const allocation b = m.allocate({65, 4096}, fit::get_no_less);
  EXPECT_TRUE(is_aligned(address_of(b.data()), 4096));
  EXPECT_EQ(b.size(), 128u);
  m.deallocate(a.get(), 1);
  m.deallocate(b.get(), 4096);
  EXPECT_EQ(m.allocate({1, 0}).reason(), status::bad_alignment);
  EXPECT_EQ(m.allocate({SIZE_MAX - 10, 1}).reason(), status::too_large);
}

// --- zeroing ---

TEST(zeroing, gives_zeroed_blocks) {
  std::memset(the_block, 0xff, sizeof(the_block));
  zeroing<user_block_os> m(block_options());
  for (int i = 0; i < 3; ++i) {
    const allocation a = m.allocate({5000, 8}, fit::get_no_less);
    EXPECT_EQ(test::first_nonzero(a.data(), a.size()), a.size());
    std::memset(a.data(), 0xff, a.size());
    m.deallocate(a.get(), 8);
  }
}

// Lends two halves of a buffer in turn, and looks at what comes back.
struct keeper : manager {
  static constexpr const char* kind_name = "keeper";
  keeper() : manager(ops_for<keeper>, nullptr) {}
  allocation allocate(layout request, fit) noexcept {
    last = bytes + (last == bytes ? sizeof(bytes) / 2 : 0);
    return allocation::of(last, request.size);
  }
  void deallocate(block b, std::size_t) noexcept {
    was_wiped = test::first_nonzero(b.data, b.size) == b.size;
  }
  manager_usage usage() const noexcept { return {}; }
  std::byte bytes[1024] = {};
  std::byte* last = nullptr;
  bool was_wiped = false;
};

TEST(zeroing, leaves_nothing_behind_when_asked_to) {
  keeper keep;
  zeroing<keeper&, wipe::when_freed> m(keep);
  const allocation a = m.allocate({100, 1});
  std::memset(a.data(), 0xff, 100);
  m.deallocate(a.get(), 1);
  EXPECT_TRUE(keep.was_wiped);
  const allocation b = m.allocate({100, 1});
  std::memset(b.data(), 0xff, 100);
  keep.was_wiped = false;
  const allocation c = memory(m).reallocate(b.get(), 1, {.size = 200});
  EXPECT_NE(c.data(), b.data());
  EXPECT_TRUE(keep.was_wiped) << "what a move leaves behind";
}

// --- affix ---

struct owner_record {
  const char* owner = "nobody";
};
struct canary {
  std::uint64_t value = 0x1122334455667788;
};

TEST(affix, puts_objects_around_each_block) {
  affix<memory, owner_record, canary> m{memory(default_manager())};
  for (const std::size_t alignment : {1, 8, 64, 4096})
    for (const std::size_t size : {0, 1, 7, 8, 100}) {
      const allocation a = m.allocate({size, alignment});
      ASSERT_TRUE(a);
      EXPECT_TRUE(is_aligned(address_of(a.data()), alignment));
      EXPECT_STREQ(m.prefix_of(a.data()).owner, "nobody");
      EXPECT_EQ(m.suffix_of(a.get()).value, canary{}.value);
      m.prefix_of(a.data()).owner = "me";
      m.suffix_of(a.get()).value = size;
      std::memset(a.data(), 0xff, size);
      EXPECT_STREQ(m.prefix_of(a.data()).owner, "me");
      EXPECT_EQ(m.suffix_of(a.get()).value, size);
      m.deallocate(a.get(), alignment);
    }
}

TEST(affix, keeps_them_when_a_block_is_resized) {
  ashlar_user_memory table = {};
  table.allocate = [](void*, std::size_t size, std::size_t) { return ::malloc(size); };
  table.deallocate = [](void*, void* p, std::size_t, std::size_t) { ::free(p); };
  table.reallocate = [](void*, void* p, std::size_t, std::size_t size, std::size_t, bool may_move) {
    return may_move ? ::realloc(p, size) : nullptr;
  };
  user_manager user(table);
  affix<memory, owner_record, canary> m{memory(user)};
  allocation a = m.allocate({10, 8});
  m.prefix_of(a.data()).owner = "me";
  m.suffix_of(a.get()).value = 5;
  test::fill_pattern(a.data(), 10, 3);
  for (const std::size_t size : {1000, 100000, 11, 10}) {
    a = memory(m).reallocate(a.get(), 8, {.size = size});
    ASSERT_TRUE(a);
    EXPECT_STREQ(m.prefix_of(a.data()).owner, "me");
    EXPECT_EQ(m.suffix_of(a.get()).value, 5u);
    EXPECT_TRUE(test::has_pattern(a.data(), 10, 3));
  }
  m.deallocate(a.get(), 8);
}

// --- thread_cached ---

TEST(thread_cached, has_classes_that_hold_what_is_put_into_them) {
  std::size_t last = 0;
  for (std::size_t size = 1; size <= 64_KiB; ++size) {
    const std::size_t c = cache_class::of(size);
    ASSERT_GE(cache_class::size_of(c), size);
    ASSERT_TRUE(c == 0 || cache_class::size_of(c - 1) < size);
    ASSERT_TRUE(c == last || c == last + 1);
    ASSERT_EQ(cache_class::of(cache_class::size_of(c)), c);
    last = c;
  }
}

TEST(thread_cached, serves_from_what_was_freed) {
  const test::unwatched quiet;  // under a tool, nothing is cached
  plain_manager plain;
  thread_cached<locked<memory>> m{memory(plain)};
  const allocation a = m.allocate({100, 8});
  EXPECT_EQ(plain.calls, 1);
  m.deallocate(a.get(), 8);
  EXPECT_EQ(m.usage().used, 0u);
  EXPECT_EQ(m.usage().held, 112u);
  const allocation b = m.allocate({112, 16}, fit::get_no_less);
  EXPECT_EQ(b.data(), a.data());
  EXPECT_EQ(plain.calls, 1);
  const allocation c = m.allocate({113, 16});
  EXPECT_EQ(plain.calls, 2);
  m.deallocate(b.get(), 16);
  m.deallocate(c.get(), 16);
  (void)m.trim(0);
  EXPECT_EQ(m.usage().held, 0u);
}

TEST(thread_cached, keeps_no_more_than_a_listful) {
  const test::unwatched quiet;  // under a tool, nothing is cached
  locked<user_block_os> bytes(
      user_block_options{.memory = {the_block, sizeof(the_block)}, .page_size = 64});
  thread_cached<locked<user_block_os>&> m(bytes);
  std::vector<allocation> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(m.allocate({64, 8}));
  for (const allocation& a : blocks) m.deallocate(a.get(), 8);
  EXPECT_LE(bytes.usage().live_blocks, std::size_t{m.per_class});
  EXPECT_GT(bytes.usage().live_blocks, 0u);
}

TEST(thread_cached, caches_nothing_where_a_tool_watches) {
  const test::watched by_a_tool;
  thread_cached<locked<general_manager>> m;
  const allocation a = m.allocate({100, 8});
  std::thread([&] { m.deallocate(a.get(), 8); }).join();
  EXPECT_EQ(m.inner().usage().live_blocks, 0u);
  const allocation large = m.allocate({2000, 16});
  const allocation b = m.reallocate(large.get(), 16, {.size = 50});
  ASSERT_TRUE(b);
  m.deallocate({b.data(), 50}, 16);
  EXPECT_EQ(m.inner().usage().live_blocks, 0u);
  EXPECT_EQ(m.usage().used, 0u);
}

TEST(thread_cached, empties_its_caches_before_it_refuses) {
  locked<user_block_os> bytes(user_block_options{.memory = {the_block, 4096}, .page_size = 64});
  thread_cached<locked<user_block_os>&> m(bytes);
  std::vector<allocation> blocks;
  while (const allocation a = m.allocate({256, 8})) blocks.push_back(a);
  EXPECT_EQ(blocks.size(), 16u);
  EXPECT_EQ(m.allocate({256, 8}).would_fit(), 0u);
  for (const allocation& a : blocks) m.deallocate(a.get(), 8);
  const allocation all = m.allocate({4096, 8});
  EXPECT_TRUE(all);
  m.deallocate(all.get(), 8);
}

TEST(thread_number, is_each_threads_own) {
  const std::size_t mine = thread_number();
  EXPECT_EQ(thread_number(), mine);
  std::thread([mine] { EXPECT_NE(thread_number(), mine); }).join();
}

// --- fail_on_nth ---

TEST(fail_on_nth, refuses_chosen_requests) {
  fail_on_nth<memory> m{memory(default_manager())};
  m.refuse(2, 3);
  std::vector<bool> served;
  for (int i = 0; i < 9; ++i) {
    const allocation a = m.allocate({8, 8});
    served.push_back(static_cast<bool>(a));
    EXPECT_EQ(a.reason(), a ? status::success : status::no_memory);
    m.deallocate(a.get(), 8);
  }
  EXPECT_EQ(served, (std::vector<bool>{true, false, true, true, false, true, true, false, true}));
  EXPECT_EQ(m.requests(), 9u);
  EXPECT_EQ(m.refusals(), 3u);
  m.refuse(0);
  const allocation last = memory(m).allocate_zeroed({0, 1});
  EXPECT_TRUE(last);
  m.deallocate(last.get(), 1);
}

TEST(fail_on_nth, goes_through_every_refusal) {
  fail_on_nth<memory> m{memory(default_manager())};
  std::vector<int> served;
  const std::size_t rounds = for_each_refusal(m, [&] {
    int count = 0;
    for (int i = 0; i < 3; ++i) {
      const allocation a = m.allocate({8, 8});
      count += static_cast<bool>(a);
      m.deallocate(a.get(), 8);
    }
    served.push_back(count);
  });
  EXPECT_EQ(rounds, 4u);
  EXPECT_EQ(served, (std::vector<int>{2, 2, 2, 3}));
}

}  // namespace
}  // namespace ashlar
