// SPDX-License-Identifier: MIT
#include "ashlar/manager/unreleased.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "ashlar/arena.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/debug.hpp"
#include "ashlar/fit.hpp"
#include "ashlar/general.hpp"
#include "ashlar/heap.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/scoped.hpp"
#include "support/fault_log.hpp"

namespace {

using ashlar::unreleased_policy;

// Says what was written to stderr while `end` ran under a policy.
template <class End>
std::string said(unreleased_policy policy, End end) {
  ashlar::set_unreleased_policy(policy);
  testing::internal::CaptureStderr();
  end();
  ashlar::set_unreleased_policy(unreleased_policy::ignore);
  return testing::internal::GetCapturedStderr();
}

void leave_in_pool(std::size_t blocks) {
  ashlar::pool nodes({24, 8}, {.name = "nodes"});
  for (std::size_t i = 0; i < blocks; ++i) ASSERT_TRUE(nodes.allocate({24, 8}));
}

bool has(const std::string& text, const char* words) {
  return text.find(words) != std::string::npos;
}

TEST(Unreleased, SaysNothingAsARule) {
  EXPECT_EQ(said(unreleased_policy::ignore, [] { leave_in_pool(3); }), "");
}

TEST(Unreleased, NamesTheManagerAndItsBlocks) {
  const std::string text = said(unreleased_policy::report, [] { leave_in_pool(3); });
  EXPECT_TRUE(has(text, "ashlar: pool 'nodes' ends with 3 live blocks, 72 B\n  24 B at 0x"))
      << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 4);
  EXPECT_EQ(said(unreleased_policy::report, [] { leave_in_pool(0); }), "");
  const std::string one = said(unreleased_policy::report, [] { leave_in_pool(1); });
  EXPECT_TRUE(has(one, "with 1 live block, 24 B")) << one;
}

TEST(Unreleased, ShowsAFewOfMany) {
  const std::string text = said(unreleased_policy::report, [] { leave_in_pool(100); });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 10) << text;
  EXPECT_TRUE(has(text, "\n  and more\n"));
}

TEST(Unreleased, AsksHeapsAndFitManagers) {
  const std::string text = said(unreleased_policy::report, [] {
    ashlar::heap own;
    ashlar::best_fit_manager level({.name = "level"});
    ASSERT_TRUE(own.allocate({1000}));
    ASSERT_TRUE(level.allocate({500}));
  });
  EXPECT_TRUE(has(text, "ashlar: heap ends with ")) << text;
  EXPECT_TRUE(has(text, "'level' ends with 1 live block")) << text;
}

template <class M>
void use_and_empty(M& m) {
  ashlar::block blocks[100];
  for (std::size_t i = 0; i < 100; ++i) blocks[i] = m.allocate({24, 8}).get();
  for (const ashlar::block b : blocks) m.deallocate(b, 8);
}

TEST(Unreleased, SaysNothingOfManagersThatAreEmptyAgain) {
  EXPECT_EQ(said(unreleased_policy::fault,
                 [] {
                   ashlar::heap own;
                   ashlar::best_fit_manager best;
                   ashlar::tlsf_manager tlsf;
                   ashlar::general_manager general;
                   ashlar::pool nodes({24, 8});
                   ashlar::locked<ashlar::heap> locked;
                   use_and_empty(own);
                   use_and_empty(best);
                   use_and_empty(tlsf);
                   use_and_empty(general);
                   use_and_empty(nodes);
                   use_and_empty(locked);
                 }),
            "");
}

TEST(Unreleased, ThePartOfACompositionTellsAndTheWholeDoesNot) {
  const std::string text = said(unreleased_policy::report, [] {
    ashlar::limited<ashlar::best_fit_manager> level({.limit = 1000});
    ASSERT_TRUE(level.allocate({500}));
    ashlar::heap own;
    ashlar::limited<ashlar::memory> passing(own, {.limit = 1000});
    ASSERT_TRUE(passing.allocate({24, 8}));
  });
  EXPECT_TRUE(has(text, "ashlar: best_fit ends with 1 live block, ")) << text;
  EXPECT_TRUE(has(text, "ashlar: heap ends with 1 live block, ")) << text;
  EXPECT_FALSE(has(text, "limited")) << text;
}

TEST(Unreleased, ArenasMayEndWithAllTheyHave) {
  EXPECT_EQ(said(unreleased_policy::report,
                 [] {
                   ashlar::arena scratch({.name = "scratch"});
                   ASSERT_TRUE(scratch.allocate({1000}));
                 }),
            "");
}

TEST(Unreleased, DebugManagersTellByThemselves) {
  const std::string text = said(unreleased_policy::report, [] {
    ashlar::best_fit_manager inner;
    ashlar::debug_manager level(inner, {.name = "level"});
    ASSERT_TRUE(level.allocate({500}));
  });
  EXPECT_TRUE(has(text, "ashlar: level ends with 1 live block, 500 B")) << text;
  EXPECT_FALSE(has(text, "'level'")) << text;
}

TEST(Unreleased, AScopeTellsWhereItIsAskedTo) {
  const auto leave = [](bool tells) {
    ashlar::best_fit_manager inner;
    ashlar::scoped_manager scope(inner, {.name = "scope", .tells_left = tells});
    ASSERT_TRUE(scope.allocate({500}));
  };
  EXPECT_EQ(said(unreleased_policy::report, [&] { leave(false); }), "");
  const std::string text = said(unreleased_policy::ignore, [&] { leave(true); });
  EXPECT_TRUE(has(text, "ashlar: scoped 'scope' ends with 1 live block, 500 B")) << text;
}

TEST(Unreleased, MayBeAFault) {
  ashlar::test::fault_log faults;
  const std::string text = said(unreleased_policy::fault, [] { leave_in_pool(2); });
  EXPECT_TRUE(has(text, "2 live blocks")) << text;
  EXPECT_EQ(faults.count(), 1u);
}

}  // namespace
