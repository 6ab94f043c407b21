// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/debug.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/sources.hpp"
#include "ashlar/std_allocator.hpp"
#include "support/child.hpp"
#include "support/fault_log.hpp"
#include "support/unwatched.hpp"
#include "unit/manager/check/debug_manager_fixture.hpp"

namespace {

using namespace ashlar::literals;
using ashlar::debug_options;
using ashlar::fault_kind;

static_assert(std::is_same_v<ashlar::guarded<ashlar::arena, ashlar::checks::none>, ashlar::arena>);

using ashlar::test::report_text;

class DebugManager : public ashlar::test::debug_manager_test {};

TEST_F(DebugManager, FillsBlocksAndDescribesThem) {
  auto m = make();
  const auto a = m.allocate({100, 32});
  EXPECT_EQ(bytes(a)[0], 0xcd);
  EXPECT_EQ(bytes(a)[99], 0xcd);
  const ashlar::debug_header* const h = m.header_of(a.data());
  ASSERT_NE(h, nullptr);
  EXPECT_EQ(h->mark, ashlar::debug_header::live_mark);
  EXPECT_EQ(std::memcmp(&h->mark, "AASHLIVE", 8), 0);
  EXPECT_EQ(h->size, 100u);
  EXPECT_EQ(h->alignment, 32u);
  EXPECT_EQ(h->sequence, 1u);
  m.deallocate(a.get(), 32);
  EXPECT_EQ(bytes(a)[0], 0xdd);  // it is in quarantine
  EXPECT_EQ(faults.count(), 0u);
}

TEST_F(DebugManager, FindsAnOverrunByOneWhenTheBlockIsFreed) {
  auto m = make();
  const int line = __LINE__ + 1;
  const auto a = m.allocate({13});
  bytes(a)[13] = 'X';
  free(m, a);
  EXPECT_TRUE(faults.took(fault_kind::overrun, a.data()));
  EXPECT_TRUE(report.has("1 bytes are not fd")) << report.text;
  EXPECT_TRUE(report.has("*58")) << report.text;
  EXPECT_TRUE(report.has(here(line))) << report.text;
  EXPECT_EQ(m.usage().live_blocks, 0u);  // it was freed all the same
}

TEST_F(DebugManager, FindsAnUnderrunAndNamesTheNeighbour) {
  alignas(64) static std::byte buffer[4096];
  ashlar::arena row({.kind = ashlar::backing::fixed, .buffer = buffer});
  ashlar::debug_manager m(row, {.sink = report.sink()});
  const int line = __LINE__ + 1;
  const auto a = m.allocate({16});
  const auto b = m.allocate({16});
  bytes(b)[-1] = 1;
  EXPECT_EQ(m.check(), 1u);
  EXPECT_TRUE(faults.took(fault_kind::underrun, b.data()));
  EXPECT_TRUE(report.has("the block before:")) << report.text;
  EXPECT_TRUE(report.has(here(line))) << report.text;
  EXPECT_EQ(m.check(), 1u);
  EXPECT_EQ(faults.count(), 0u);  // told once
  (void)a;
}

TEST_F(DebugManager, FindsAHeaderThatWasOverwritten) {
  auto m = make();
  const auto a = m.allocate({16});
  const_cast<ashlar::debug_header*>(m.header_of(a.data()))->size = 17;
  EXPECT_EQ(m.check(), 1u);
  EXPECT_TRUE(faults.took(fault_kind::underrun, a.data()));
  EXPECT_TRUE(report.has("checksum"));
}

TEST_F(DebugManager, FindsAWriteAfterFree) {
  auto m = make();
  const auto a = m.allocate({64});
  free(m, a);
  bytes(a)[40] = 7;
  EXPECT_EQ(m.check(), 1u);
  EXPECT_TRUE(faults.took(fault_kind::write_after_free, a.data()));
  EXPECT_TRUE(report.has("freed at:"));
  const auto b = m.allocate({64});
  free(m, b);
  bytes(b)[0] = 7;
  (void)m.trim(0);  // it leaves the quarantine
  EXPECT_TRUE(faults.took(fault_kind::write_after_free, b.data()));
}

TEST_F(DebugManager, KeepsFreedBlocksUpToTheBound) {
  auto m = make({.quarantine = 4_KiB});
  std::vector<void*> freed;
  for (int i = 0; i < 100; ++i) {
    const auto a = m.allocate({100});
    for (std::size_t k = freed.size() < 10 ? 0 : freed.size() - 10; k < freed.size(); ++k)
      EXPECT_NE(freed[k], a.data());
    freed.push_back(a.data());
    free(m, a);
    EXPECT_LE(m.usage().held, 4_KiB);
  }
  EXPECT_GT(m.trim(0), 0u);
  EXPECT_EQ(m.usage().held, 0u);
}

TEST_F(DebugManager, TellsADoubleFreeWithThreeStacks) {
  auto m = make();
  const ashlar::memory handle = m;
  const auto a = handle.allocate({24, 8});
  handle.deallocate(a.get(), 8);
  handle.deallocate(a.get(), 8);
  EXPECT_TRUE(faults.took(fault_kind::double_free, a.data()));
  for (const char* head : {"allocated at:", "freed at:", "freed again at:"})
    EXPECT_TRUE(report.has(head)) << report.text;
  EXPECT_GE(report.count("    #0 "), 3u) << report.text;
  EXPECT_GE(report.count(std::string(program_invocation_short_name) + "+0x"), 3u) << report.text;
}

TEST_F(DebugManager, KnowsADoubleFreeAfterTheQuarantine) {
  auto m = make({.quarantine = 0});
  const auto a = m.allocate({24});
  free(m, a);
  free(m, a);
  EXPECT_TRUE(faults.took(fault_kind::double_free, a.data()));
}

TEST_F(DebugManager, RefusesWrongFreesAndLeavesTheBlock) {
  auto m = make();
  const auto a = m.allocate({24, 16});
  int local = 0;
  m.deallocate({&local, 4});
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, &local));
  m.deallocate({bytes(a) + 8, 16});
  EXPECT_TRUE(faults.took(fault_kind::interior_free, bytes(a) + 8));
  m.deallocate({a.data(), 25}, 16);
  EXPECT_TRUE(faults.took(fault_kind::size_mismatch, a.data()));
  m.deallocate({a.data(), 24}, 8);
  EXPECT_TRUE(faults.took(fault_kind::alignment_mismatch, a.data()));
  EXPECT_EQ(m.usage().live_blocks, 1u);
  m.deallocate(a.get(), 16);
  EXPECT_EQ(faults.count(), 0u);
}

TEST_F(DebugManager, ReportsBlocksThatLiveTooLong) {
  auto m = make({.most_frames = 2});
  const auto old = m.allocate({8});
  EXPECT_EQ(m.next_frame(), 0u);
  const auto young = m.allocate({8});
  EXPECT_EQ(m.next_frame(), 0u);
  EXPECT_EQ(m.next_frame(), 1u);
  EXPECT_TRUE(report.has("3 frames old"));
  EXPECT_EQ(m.next_frame(), 1u);  // now the other one; each once
  EXPECT_EQ(m.next_frame(), 0u);
  free(m, old);
  free(m, young);
}

TEST_F(DebugManager, ReportsLeaksBySiteWhenItEnds) {
  {
    auto m = make({.name = "level"});
    for (int i = 0; i < 3; ++i) (void)m.allocate({8});
    const int line = __LINE__ + 1;
    (void)m.allocate({1000});
    EXPECT_EQ(m.report_leaks(), 4u);
    EXPECT_TRUE(report.has(here(line))) << report.text;
    EXPECT_LT(report.text.find("1 block, 1000 B"), report.text.find("3 blocks, 24 B"));
    report.text.clear();
  }
  EXPECT_TRUE(report.has("level ends with 4 live blocks")) << report.text;
  report.text.clear();
  {
    auto m = make();
    free(m, m.allocate({8}));
  }
  EXPECT_EQ(report.text, "");
}

TEST_F(DebugManager, LogsEvents) {
  struct counted {
    int n[5] = {};
  } seen;
  auto m = make({.log_context = &seen, .log = [](void* c, const ashlar::debug_event& e) {
                   ++static_cast<counted*>(c)->n[static_cast<int>(e.kind)];
                 }});
  for (int i = 0; i < 100; ++i) free(m, m.allocate({static_cast<std::size_t>(i)}));
  (void)m.trim(0);
  EXPECT_EQ(seen.n[0], 100);
  EXPECT_EQ(seen.n[2], 100);
  EXPECT_EQ(seen.n[3], 100);
  ashlar::debug_event latest[ashlar::debug_manager::most_events];
  EXPECT_EQ(m.events(latest, 64), 64u);
  EXPECT_EQ(m.events(latest, 2), 2u);
  EXPECT_EQ(latest[1].kind, ashlar::debug_event_kind::released);
  EXPECT_EQ(latest[1].sequence, 100u);
  EXPECT_EQ(latest[1].size, 99u);
}

TEST_F(DebugManager, CountsBlocksToTheTagOfTheThread) {
  auto m = make();
  auto& tags = ashlar::observe::process_tracker().tags;
  m.set_tag(tags.define("debug/manager"));
  const auto a = m.allocate({8});
  EXPECT_EQ(m.header_of(a.data())->tag, m.tag());
  (void)m.report_leaks();
  EXPECT_TRUE(report.has("tag debug/manager")) << report.text;
  free(m, a);
}

TEST_F(DebugManager, ChangesItsOptionsAtRunTime) {
  auto m = make({.headers = false, .guard = 0});
  const auto a = m.allocate({8});
  auto options = m.options();
  options.headers = true;
  options.guard = 64;
  m.set_options(options);
  const auto b = m.allocate({8});
  bytes(b)[8 + 63] = 0;
  free(m, a);
  EXPECT_EQ(faults.count(), 0u);
  free(m, b);
  EXPECT_TRUE(faults.took(fault_kind::overrun, b.data()));
}

TEST_F(DebugManager, CatchesStrayAccessesByPages) {
  struct way {
    ashlar::debug_pages pages;
    std::ptrdiff_t offset;
    bool is_freed;
    const char* tells;
  };
  const way ways[] = {
      {ashlar::debug_pages::back, 64, false, "0 bytes behind a block"},
      {ashlar::debug_pages::front, -1, false, "1 bytes before a block"},
      {ashlar::debug_pages::back, 0, true, "0 bytes into a freed block"},
      {ashlar::debug_pages::front, 63, true, "63 bytes into a freed block"},
  };
  static ashlar::debug_manager* watched;
  for (const way& w : ways) {
    ashlar::debug_manager m(ashlar::system_os(),
                            {.pages = w.pages, .leaks = false, .sink = report.sink()});
    const auto a = m.allocate({64});
    bytes(a)[0] = bytes(a)[63] = 1;
    if (w.is_freed) free(m, a);
    watched = &m;
    const int status = ashlar::test::run_in_child([&] {
      struct sigaction on_fault = {};
      on_fault.sa_flags = SA_SIGINFO;
      on_fault.sa_sigaction = [](int, siginfo_t* about, void*) {
        ::_exit(watched->describe(about->si_addr) ? 42 : 43);
      };
      ::sigaction(SIGSEGV, &on_fault, nullptr);
      const_cast<volatile unsigned char*>(bytes(a))[w.offset] = 1;
    });
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 42) << w.tells;
    EXPECT_TRUE(m.describe(bytes(a) + w.offset));
    EXPECT_TRUE(report.has(w.tells)) << report.text;
    if (!w.is_freed) free(m, a);
  }
}

TEST_F(DebugManager, FindsAnOverrunWithinThePage) {
  ashlar::debug_manager m(ashlar::system_os(),
                          {.pages = ashlar::debug_pages::front, .sink = report.sink()});
  const auto a = m.allocate({64});
  bytes(a)[64] = 1;
  free(m, a);
  EXPECT_TRUE(faults.took(fault_kind::overrun, a.data()));
}

TEST_F(DebugManager, RewindsWithTheArenaThatItWatches) {
  ashlar::arena arena;
  ashlar::debug_manager m(arena, {.sink = report.sink()});
  const ashlar::memory handle = m;
  ASSERT_TRUE(m.can(ashlar::capability::rewind));
  (void)handle.allocate({8});
  const ashlar::mark first = handle.here();
  const auto a = handle.allocate({8});
  const ashlar::mark second = handle.here();
  (void)handle.allocate({8});
  bytes(a)[8] = 1;
  handle.rewind(first);
  EXPECT_TRUE(faults.took(fault_kind::overrun, a.data()));
  EXPECT_EQ(m.usage().live_blocks, 1u);
  handle.rewind(second);
  EXPECT_TRUE(faults.took(fault_kind::stale_mark, &m));
  handle.rewind(first);  // as often as one likes
  EXPECT_EQ(faults.count(), 0u);
}

TEST_F(DebugManager, ServesContainersOfTheStandard) {
  auto m = make();
  {
    std::vector<int, ashlar::std_allocator<int>> numbers{ashlar::std_allocator<int>(m)};
    for (int i = 0; i < 1000; ++i) numbers.push_back(i);
    EXPECT_EQ(m.usage().live_blocks, 1u);
  }
  EXPECT_EQ(m.usage().live_blocks, 0u);
  EXPECT_EQ(faults.count(), 0u);
}

TEST_F(DebugManager, ServesManyThreadsOverAManagerThatDoes) {
  auto m = make({.quarantine = 64_KiB});
  ASSERT_TRUE(m.can(ashlar::capability::thread_safe));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&m] {
      for (std::size_t i = 0; i < 500; ++i) {
        const auto a = m.allocate({i % 200});
        if (i % 7 == 0) (void)m.usage();
        m.deallocate(a.get());
      }
    });
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(m.usage().live_blocks, 0u);
  EXPECT_EQ(m.check(), 0u);
  EXPECT_EQ(faults.count(), 0u);
}

TEST_F(DebugManager, GuardsAManagerThatItOwns) {
  alignas(64) std::byte buffer[4096];
  ashlar::guarded<ashlar::arena, ashlar::checks::all> m(
      ashlar::arena_options{.kind = ashlar::backing::fixed, .buffer = buffer});
  const auto a = m.allocate({8});
  EXPECT_TRUE(m.guarded().owns(a.data()));
  EXPECT_EQ(m.upstream(), &m.guarded());
  free(m, a);
}

}  // namespace
