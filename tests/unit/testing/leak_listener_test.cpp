// SPDX-License-Identifier: MIT
#include "ashlar/testing/leak_listener.hpp"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "ashlar/debug.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/sources.hpp"

namespace {

// Calls the listener as GoogleTest does, around `body`, and collects the failures it adds.
template <class Body>
std::vector<std::string> failures_of(ashlar::leak_listener& listener, Body body) {
  ::testing::TestPartResultArray found;
  const ::testing::TestInfo& test = *::testing::UnitTest::GetInstance()->current_test_info();
  const ::testing::ScopedFakeTestPartResultReporter reporter(
      ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &found);
  listener.OnTestStart(test);
  body();
  listener.OnTestEnd(test);
  std::vector<std::string> texts;
  for (int i = 0; i < found.size(); ++i) texts.emplace_back(found.GetTestPartResult(i).message());
  return texts;
}

TEST(LeakListener, AcceptsATestThatFreesAll) {
  ashlar::pool pool({64, 16}, {.name = "listened"});
  ashlar::leak_listener listener({.with_tracker = false});
  EXPECT_EQ(failures_of(listener, [&] { pool.put(pool.get()); }).size(), 0u);
}

TEST(LeakListener, FailsATestThatLeaks) {
  ashlar::pool pool({64, 16}, {.name = "listened"});
  void* const before = pool.get();
  ashlar::leak_listener listener({.with_tracker = false});
  void* leaked = nullptr;
  const auto found = failures_of(listener, [&] { leaked = pool.get(); });
  ASSERT_EQ(found.size(), 1u);
  const std::string& text = found[0];
  EXPECT_NE(text.find("LeakListener.FailsATestThatLeaks leaks: manager 'listened' had 64 bytes in "
                      "1 blocks, and has 128 bytes in 2 blocks"),
            std::string::npos)
      << text;
  pool.put(leaked);
  pool.put(before);
}

TEST(LeakListener, FindsAManagerThatWasLeftOpen) {
  alignas(ashlar::pool) std::byte place[sizeof(ashlar::pool)];
  ashlar::pool* left = nullptr;
  ashlar::leak_listener listener({.with_tracker = false});
  const auto found = failures_of(listener, [&] {
    left = ::new (place) ashlar::pool({64, 16}, {.name = "left"});
    (void)left->get();
  });
  EXPECT_EQ(found.size(), 1u);
  left->~pool();
}

TEST(LeakListener, KnowsWhatMayLiveOn) {
  ashlar::pool pool({64, 16}, {.name = "listened"});
  ashlar::leak_listener listener({.with_tracker = false});
  void* kept = nullptr;
  const auto found = failures_of(listener, [&] {
    ashlar::leak_listener::allow("listened", 1, 64);
    kept = pool.get();
  });
  EXPECT_EQ(found.size(), 0u);
  pool.put(kept);
}

TEST(LeakListener, FailsATestThatNeedsTooMuch) {
  ashlar::new_manager inner;
  ashlar::debug_manager manager(inner, {.name = "listened"});
  ashlar::leak_listener listener({.most_bytes = 1000, .with_tracker = false});
  const auto needs = [&](std::size_t size) {
    return failures_of(listener, [&] { manager.deallocate(manager.allocate({size}).get()); })
        .size();
  };
  EXPECT_EQ(needs(1000), 0u);
  EXPECT_EQ(needs(1001), 1u);
  EXPECT_EQ(needs(500), 0u);  // the peak of a test before is not this one's
}

TEST(LeakListener, LooksAtAllManagersHoweverManyThereAre) {
  std::vector<std::unique_ptr<ashlar::pool>> pools;
  for (int i = 0; i < 600; ++i)
    pools.push_back(std::make_unique<ashlar::pool>(ashlar::layout{64, 16},
                                                   ashlar::pool_options{.name = "one"}));
  ashlar::leak_listener listener({.with_tracker = false});
  void* leaked = nullptr;
  EXPECT_EQ(failures_of(listener, [&] { leaked = pools.back()->get(); }).size(), 1u);
  pools.back()->put(leaked);
}

TEST(LeakListener, KnowsLongNames) {
  const std::string name(120, 'n');
  ashlar::pool pool({64, 16}, {.name = name.c_str()});
  ashlar::leak_listener listener({.with_tracker = false});
  void* kept = nullptr;
  const auto found = failures_of(listener, [&] {
    ashlar::leak_listener::allow(name, 1, 64);
    kept = pool.get();
  });
  EXPECT_EQ(found.size(), 0u);
  pool.put(kept);
}

TEST(LeakListener, FailsEachTestThatNeedsTooMuch) {
  ashlar::new_manager inner;
  ashlar::debug_manager manager(inner, {.name = "listened"});
  ashlar::leak_listener listener({.most_bytes = 1000, .with_tracker = false});
  for (const std::size_t size : {3000u, 2000u, 1001u})
    EXPECT_EQ(
        failures_of(listener, [&] { manager.deallocate(manager.allocate({size}).get()); }).size(),
        1u)
        << size;
  EXPECT_EQ(failures_of(listener, [] {}).size(), 0u);
}

}  // namespace
