// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstring>
#include <string>

#include "ashlar/debug.hpp"
#include "ashlar/fit.hpp"
#include "ashlar/sources.hpp"
#include "support/child.hpp"
#include "support/fault_log.hpp"
#include "support/unwatched.hpp"

namespace {

using namespace ashlar::literals;
using ashlar::fault_kind;

void append(void* text, const char* line) {
  static_cast<std::string*>(text)->append(line).append("\n");
}

unsigned char* bytes(void* p) { return static_cast<unsigned char*>(p); }

TEST(ArenaWatch, FindsAnOverrunIntoTheNextPush) {
  const ashlar::test::unwatched quiet;
  ashlar::arena a;
  ashlar::test::fault_log faults;
  std::string report;
  ashlar::arena_watch watch(a, {.sink = {&report, append}});
  auto* const p = bytes(a.push(13));
  (void)a.push(100);
  EXPECT_EQ(watch.check(), 0u);
  p[13] = 'X';
  EXPECT_EQ(watch.check(), 1u);
  EXPECT_TRUE(faults.took(fault_kind::overrun, p));
  EXPECT_NE(report.find("push of 13 bytes"), std::string::npos) << report;
  EXPECT_NE(report.find("pushed at:"), std::string::npos) << report;
  EXPECT_NE(report.find("#0 "), std::string::npos) << report;
  a.clear();
  EXPECT_EQ(faults.count(), 0u);  // told once
  EXPECT_EQ(watch.pushes(), 0u);
}

TEST(ArenaWatch, ChecksGuardsWhenTheyArePopped) {
  const ashlar::test::unwatched quiet;
  ashlar::arena a;
  ashlar::test::fault_log faults;
  std::string report;
  ashlar::arena_watch watch(a, {.sink = {&report, append}});
  const ashlar::mark m = a.here();
  auto* const p = bytes(a.push(16));
  p[31] = 1;
  a.rewind(m);
  EXPECT_TRUE(faults.took(fault_kind::overrun, p));
}

TEST(ArenaWatch, FillsFreshAndPoppedBytesAndKeepsZeroes) {
  const ashlar::test::unwatched quiet;
  ashlar::arena a;
  const ashlar::arena_watch watch(a);
  for (int round = 0; round < 2; ++round) {
    auto* const fresh = bytes(a.push_no_zero(64));
    EXPECT_EQ(fresh[0], 0xcd);
    EXPECT_EQ(fresh[63], 0xcd);
    auto* const zeroed = bytes(a.push(64));
    for (int i = 0; i < 64; ++i) EXPECT_EQ(zeroed[i], 0);
    a.clear();
    EXPECT_EQ(fresh[0], 0xdd);
    EXPECT_EQ(zeroed[63], 0xdd);
  }
}

TEST(ArenaWatch, LetsTheArenaBeAsItWas) {
  const ashlar::test::unwatched quiet;
  ashlar::arena a;
  auto* const before = bytes(a.push(16));
  {
    const ashlar::arena_watch watch(a);
    (void)a.push(16);
    EXPECT_TRUE(a.check_invariants());
  }
  auto* const p = bytes(a.push(16));
  auto* const q = bytes(a.push(16));
  EXPECT_EQ(q, p + 16);  // no guard between them
  EXPECT_GT(p, before);
  EXPECT_TRUE(a.check_invariants());
}

TEST(ArenaWatch, ShutsPoppedPages) {
  const ashlar::test::unwatched quiet;
  for (const ashlar::backing kind : {ashlar::backing::reserved, ashlar::backing::chained}) {
    ashlar::arena a({.kind = kind, .growth = {.first = 1_MiB, .cap = 4_MiB}});
    (void)a.push(100);
    const ashlar::arena_watch watch(a, {.protect = true});
    auto* const p = bytes(a.push(40_KiB));
    p[20000] = 1;
    a.clear();
    const int status = ashlar::test::run_in_child([&] {
      ::signal(SIGSEGV, [](int) { ::_exit(42); });
      const_cast<volatile unsigned char*>(p)[20000] = 1;
    });
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    // What is pushed again can be used, whatever its size, and so can all after the watch.
    for (std::size_t size = 1; size < 60_KiB; size = size * 3 + 1) {
      auto* const again = bytes(a.push(size));
      std::memset(again, 1, size);
    }
    a.free_all();
    std::memset(a.push(100_KiB), 1, 100_KiB);
    (void)a.trim();
  }
}

TEST(ArenaWatch, LogsPushesAndPops) {
  const ashlar::test::unwatched quiet;
  ashlar::arena a;
  struct counts {
    int pushed = 0;
    int popped = 0;
  } seen;
  const ashlar::arena_watch watch(
      a, {.log_context = &seen, .log = [](void* c, const ashlar::debug_event& e) {
            auto& n = *static_cast<counts*>(c);
            ++(e.kind == ashlar::debug_event_kind::allocated ? n.pushed : n.popped);
          }});
  for (int i = 0; i < 10; ++i) (void)a.push(8);
  a.clear();
  EXPECT_EQ(seen.pushed, 10);
  EXPECT_EQ(seen.popped, 10);
}

TEST(ArenaWatch, SeesThroughEveryWayToPush) {
  const ashlar::test::unwatched quiet;
  ashlar::arena a;
  ashlar::arena_watch watch(a);
  ashlar::memory handle = a;
  (void)handle.allocate({8});
  (void)handle.allocate_zeroed({8});
  (void)a.make<int>(7);
  struct ends {
    ~ends() { ++*count; }
    int* count;
  };
  int ended = 0;
  a.own<ends>()->count = &ended;
  EXPECT_EQ(watch.pushes(), 4u);
  EXPECT_TRUE(a.push_aligner(256));
  EXPECT_EQ(ashlar::address_of(a.push(1)) % 256, 0u);
  const auto grown = handle.reallocate(handle.allocate({8}).get(), 16, {.size = 100});
  EXPECT_TRUE(static_cast<bool>(grown));
  EXPECT_TRUE(a.check_invariants());
  a.clear();
  EXPECT_EQ(ended, 1);
}

// What goes back to where it came from must be open again: others write to it at once.
TEST(ArenaWatch, GivesNoShutPageBack) {
  const ashlar::test::unwatched quiet;
  ashlar::best_fit_manager level;
  ashlar::arena a({.kind = ashlar::backing::chained, .upstream = ashlar::memory(level)});
  std::memset(a.push(200'000), 1, 200'000);
  ashlar::arena_watch watch(a, {.protect = true});
  a.free_all();
  const ashlar::allocation others = level.allocate({300'000});
  ASSERT_TRUE(static_cast<bool>(others));
  std::memset(others.data(), 2, 300'000);
  std::memset(a.push(100'000), 3, 100'000);
  level.deallocate(others.get());
}

TEST(ArenaSnapshot, BringsContentsAndPositionBack) {
  const ashlar::test::unwatched quiet;
  ashlar::new_manager storage;
  for (const ashlar::backing kind : {ashlar::backing::reserved, ashlar::backing::chained}) {
    ashlar::arena a({.kind = kind});
    auto* const p = bytes(a.push_no_zero(1000));
    std::memset(p, 7, 1000);
    ashlar::arena_snapshot saved(a, storage);
    ASSERT_TRUE(static_cast<bool>(saved));
    const std::size_t position = a.pos();
    EXPECT_EQ(saved.size(), 1000u);
    for (int round = 0; round < 3; ++round) {
      std::memset(p, 8, 1000);
      (void)a.push(5000);
      if (kind == ashlar::backing::chained && round == 1) (void)a.push(1_MiB);
      EXPECT_TRUE(saved.restore());
      EXPECT_EQ(a.pos(), position);
      EXPECT_EQ(p[0], 7);
      EXPECT_EQ(p[999], 7);
      EXPECT_TRUE(a.check_invariants());
    }
  }
}

TEST(ArenaSnapshot, ComesBackFromARewindWithinOneRange) {
  const ashlar::test::unwatched quiet;
  ashlar::new_manager storage;
  ashlar::arena a;
  auto* const p = bytes(a.push_no_zero(1000));
  std::memset(p, 7, 1000);
  ashlar::arena_snapshot saved(a, storage);
  a.clear();
  std::memset(a.push_no_zero(64), 1, 64);
  EXPECT_TRUE(saved.restore());
  EXPECT_EQ(a.pos(), 1000u);
  EXPECT_EQ(p[0], 7);
  a.free_all();
  EXPECT_FALSE(saved.restore());  // the memory is gone
}

TEST(ArenaSnapshot, RefusesWhereObjectsHaveEnded) {
  const ashlar::test::unwatched quiet;
  struct object {
    ~object() {}
    int value = 0;
  };
  ashlar::new_manager storage;
  ashlar::arena a;
  a.own<object>()->value = 5;
  ashlar::arena_snapshot saved(a, storage);
  (void)a.own<object>();
  EXPECT_TRUE(saved.restore());
  a.clear();
  EXPECT_FALSE(saved.restore());
}

TEST(ArenaSnapshot, TellsWhenTheStorageRefuses) {
  const ashlar::test::unwatched quiet;
  ashlar::null_manager storage;
  ashlar::arena a;
  (void)a.push(10);
  ashlar::arena_snapshot saved(a, storage);
  EXPECT_FALSE(static_cast<bool>(saved));
  EXPECT_NE(saved.reason(), ashlar::status::success);
  EXPECT_FALSE(saved.restore());
}

TEST(ArenaSnapshot, CannotBeMadeUnderATool) {
  const auto before = ashlar::poison::exchange_watcher(ashlar::poison::tool::none);
  {
    ashlar::new_manager storage;
    ashlar::arena a;
    (void)a.push(10);
    (void)ashlar::poison::exchange_watcher(ashlar::poison::tool::memcheck);
    const ashlar::arena_snapshot saved(a, storage);
    EXPECT_EQ(saved.reason(), ashlar::status::unsupported);
    (void)ashlar::poison::exchange_watcher(ashlar::poison::tool::none);
  }
  (void)ashlar::poison::exchange_watcher(before);
}

}  // namespace
