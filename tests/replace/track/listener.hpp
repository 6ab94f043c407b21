// SPDX-License-Identifier: MIT
// Tests under the leak listener in a tracked process. Those that it is to fail, and how often, say
// so by their names; `run_listened` finds out whether it did. Suites likewise.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "ashlar/fit.hpp"
#include "ashlar/testing/leak_listener.hpp"
#include "ashlar/track.hpp"

inline char* make_block(std::size_t size) {
  auto* const p = new char[size];
  asm volatile("" : : "r"(p) : "memory");
  return p;
}

inline ashlar::best_fit_manager& long_named() {
  static ashlar::best_fit_manager m({.name = "a manager with quite a long name indeed"});
  return m;
}

// --- what GoogleTest keeps is not the test's ---

TEST(Clean, FreesAll) { delete[] make_block(1000); }
TEST(Clean, Records) { RecordProperty("a key that is not short at all", std::string(100, 'v')); }
TEST(Clean, Skips) { GTEST_SKIP() << std::string(100, 's'); }
TEST(Clean, Traces) {
  const std::string text(100, 't');
  SCOPED_TRACE(text);
}
TEST(CleanDeathTest, Dies) { EXPECT_DEATH(abort(), ""); }
TEST(Fails1, Once) { EXPECT_EQ(1, 2) << std::string(100, 'x'); }
TEST(Fails1, ByAnException) { throw std::runtime_error("thrown"); }
TEST(Fails3, Often) {
  for (int i = 0; i < 3; ++i) ADD_FAILURE() << std::string(100, 'x');
}

// --- what the test leaves behind is ---

TEST(Leaks1, ABlock) { (void)make_block(10); }
TEST(Leaks1, ABlockForAnOlderOne) {
  static char* held = make_block(64);
  (void)held;
}

class Handed : public testing::Test {
 protected:
  static inline char* block = nullptr;
};
class HandedOn1 : public Handed {};
TEST_F(Handed, Over) {
  ashlar::leak_listener::allow("", 1, 64);
  block = make_block(64);
}
TEST_F(HandedOn1, FreesTheOldAndLeaksANew) {
  delete[] block;
  block = make_block(64);
}

TEST(Clean, AllowsByALongName) {
  ashlar::leak_listener::allow("a manager with quite a long name indeed", 1, 64);
  (void)long_named().allocate({64, 16});
}

// --- limits are those of one test ---

inline void use(std::size_t size) {
  const auto a = long_named().allocate({size, 16});
  long_named().deallocate(a.get(), 16);
}
TEST(Limit1, IsExceeded) { use(3 << 20); }
TEST(Limit1, IsExceededByLess) { use(5 << 19); }
TEST(Limit1, IsExceededByTheProcess) { delete[] make_block(4 << 20); }
TEST(Limit1, IsExceededByTheProcessByLess) { delete[] make_block(3 << 20); }
TEST(Clean, StaysBelowTheLimit) { use(100); }

// --- suites ---

class SuiteLeaks2 : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    (void)make_block(777);
    (void)long_named().allocate({1000, 16});
  }
};
TEST_F(SuiteLeaks2, IsNotTheTests) {}
TEST_F(SuiteLeaks2, AndNotTheNexts) {}

class SuiteFrees : public testing::Test {
 protected:
  static inline char* block = nullptr;
  static void SetUpTestSuite() { block = make_block(777); }
  static void TearDownTestSuite() { delete[] block; }
};
TEST_F(SuiteFrees, All) {}

class SuiteAllows : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ashlar::leak_listener::allow("", 1, 777);
    (void)make_block(777);
  }
};
TEST_F(SuiteAllows, What) {}

/// How many failures a name asks for: the digit at its end.
inline int expected_of(const std::string& name) {
  return name.back() >= '0' && name.back() <= '9' ? name.back() - '0' : 0;
}

inline int failures_in(const testing::TestResult& result) {
  int sum = 0;
  for (int i = 0; i < result.total_part_count(); ++i) sum += result.GetTestPartResult(i).failed();
  return sum;
}

/// Returns how many tests and suites failed more or less often than their names say.
inline int count_surprises() {
  int surprises = 0;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  const auto compare = [&](const std::string& name, int found, int expected) {
    if (found == expected) return;
    ++surprises;
    std::printf("SURPRISE: %s failed %d times, not %d\n", name.c_str(), found, expected);
  };
  for (int s = 0; s < all.total_test_suite_count(); ++s) {
    const testing::TestSuite& suite = *all.GetTestSuite(s);
    const std::string name = suite.name();
    const bool is_suites = name.rfind("Suite", 0) == 0;
    compare(name, failures_in(suite.ad_hoc_test_result()), is_suites ? expected_of(name) : 0);
    for (int t = 0; t < suite.total_test_count(); ++t)
      compare(name + "." + suite.GetTestInfo(t)->name(),
              failures_in(*suite.GetTestInfo(t)->result()), is_suites ? 0 : expected_of(name));
  }
  return surprises;
}

inline int run_listened(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  (void)long_named();
  if (!ashlar::set_tracking({.level = ashlar::track_level::full, .exact_peaks = true})) return 2;
  ashlar::install_leak_listener({.most_bytes = 2 << 20});
  const int has_failed = RUN_ALL_TESTS();  // as it must: some tests are to
  return has_failed != 0 && count_surprises() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
