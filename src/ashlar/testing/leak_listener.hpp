// SPDX-License-Identifier: MIT
// A listener for GoogleTest that fails a test which leaks, or which needs more than it may.
//
//     int main(int argc, char** argv) {
//       testing::InitGoogleTest(&argc, argv);
//       ashlar::install_leak_listener({.most_bytes = 64_MiB});
//       return RUN_ALL_TESTS();
//     }
//
// Looked at are all managers that are in the registry before and after a test, by their live blocks
// or, where they do not count these, by their bytes in use; and, where the process is tracked
// (level `full` or `debug`), each block of malloc and new: one that was made during the test and
// lives after it is a leak, but for what GoogleTest itself keeps of the test. A manager that a test
// makes and leaves open is a leak if anything lives in it. What lives on by design is said: `allow`
// in the test.
//
// A test suite is looked at as well: what SetUpTestSuite made must be gone after TearDownTestSuite.
//
// Not seen: a test that frees a block which an earlier one left in a manager, and leaks another
// there; managers tell sums. Taken for a leak: a block that lived before and was moved to grow.
// Header only, so that the library does not need GoogleTest. Threads: those that a test started
// must have ended with it. Cost: two walks of the registry a test, and of all tracked blocks one.
#pragma once

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "ashlar/manager/track.hpp"
#include "ashlar/testing/allowances.hpp"
#include "ashlar/testing/gtest_blocks.hpp"
#include "ashlar/testing/listened_managers.hpp"

namespace ashlar {

struct leak_listener_options {
  static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);
  /// The most bytes that may be in use at once during a test, per manager; of tracked bytes as
  /// well. Peaks begin anew with each test then (`manager_usage::peak_used`). Of managers that
  /// only pass on another one's peak, a test fails that raises it.
  std::size_t most_bytes = unlimited;
  /// Whether blocks of malloc and new count, in a process that is tracked.
  bool with_tracker = true;
};

class leak_listener : public ::testing::EmptyTestEventListener {
 public:
  explicit leak_listener(const leak_listener_options& options = {}) : options_(options) {}

  /// In a test: so many blocks and bytes of a manager may outlive it; in SetUpTestSuite or
  /// TearDownTestSuite, the test suite. The name "" stands for the tracked process. Of managers
  /// with one name each may have so many. The last call for a name counts, and of names the
  /// first 64.
  static void allow(const std::string& manager, std::size_t blocks, std::size_t bytes) {
    allowances().set(manager.c_str(), {blocks, bytes});
  }

  void OnTestProgramStart(const ::testing::UnitTest&) override {
    // What GoogleTest makes once, or once for a thread, it makes now and not within a test.
    ::testing::TestPartResultArray nowhere;
    const ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &nowhere);
    const ::testing::ScopedTrace trace(__FILE__, __LINE__, "");
    SUCCEED();
  }

  void OnTestSuiteStart(const ::testing::TestSuite&) override {
    allowances().clear();
    reported_.clear();
    has_begun_ = false;
    before_suite_ = listened_managers::read();
    suite_began_ = begin_period();
  }

  void OnTestStart(const ::testing::TestInfo&) override {
    if (!has_begun_) {
      set_up_ended_ = begin_period();
      of_suite_ = allowances();
      has_begun_ = true;
    }
    allowances().clear();
    if (options_.most_bytes != leak_listener_options::unlimited) {
      listened_managers::restart_peaks();
      restart_tracked_peak();
    }
    before_ = listened_managers::read();
    process_peak_before_ = recent_peak_bytes();
    test_began_ = begin_period();
  }

  void OnTestEnd(const ::testing::TestInfo& test) override {
    const std::uint32_t ended = begin_period();  // what is made from here on is our own
    const std::string who = std::string(test.test_suite_name()) + "." + test.name();
    detail::gtest_blocks own;
    own.add_result(*test.result());
    const figures process = blocks_between(own, test_began_, ended);
    const std::uint64_t peak = is_tracked() ? recent_peak_bytes() : 0;
    for (const auto& [manager, after] : listened_managers::read()) {
      const figures before = figures_in(before_, manager);
      look_at(who, manager.second, before, after, allowances());
      add_growth(manager, before, after);
      if (after.peak > before.peak) look_at_peak(who, called(manager.second), after.peak);
    }
    look_at_process(who, process, allowances());
    if (peak > process_peak_before_) look_at_peak(who, called(""), peak);
    allowances().clear();
    tests_ended_ = begin_period();
  }

  void OnTestSuiteEnd(const ::testing::TestSuite& suite) override {
    if (!has_begun_) return;
    const std::uint32_t ended = begin_period();
    const std::string who = suite.name();
    detail::gtest_blocks own;
    own.add_result(suite.ad_hoc_test_result());
    for (int i = 0; i < suite.total_test_count(); ++i)
      own.add_result(*suite.GetTestInfo(i)->result());
    const figures set_up = blocks_between(own, suite_began_, set_up_ended_);
    const figures torn_down = blocks_between(own, tests_ended_, ended);
    allowances().add(of_suite_);
    for (const auto& [manager, after] : listened_managers::read()) {
      figures before = figures_in(before_suite_, manager);
      const figures told = figures_in(reported_, manager);
      before.bytes += told.bytes;
      if (before.counts_blocks()) before.blocks += told.blocks;
      look_at(who, manager.second, before, after, allowances());
    }
    look_at_process(who, {set_up.blocks + torn_down.blocks, set_up.bytes + torn_down.bytes},
                    allowances());
    allowances().clear();
  }

 private:
  using listened_managers = detail::listened_managers;
  using figures = detail::listened_figures;

  static detail::allowance_table& allowances() {
    static detail::allowance_table of_this_test;
    return of_this_test;
  }
  static std::string called(const std::string& name) {
    return name.empty() ? "the process" : "manager '" + name + "'";
  }
  static figures figures_in(const listened_managers::figures_of_all& all,
                            const listened_managers::identity& manager) {
    const auto known = all.find(manager);
    if (known != all.end()) return known->second;
    return {0, 0, 0};
  }
  bool is_tracked() const {
    return options_.with_tracker && current_tracking().level >= track_level::full;
  }

  // The tracked blocks that live and were made in `(after, until]`, but for GoogleTest's.
  figures blocks_between(detail::gtest_blocks& own, std::uint32_t after,
                         std::uint32_t until) const {
    figures sum{0, 0, 0};
    own.finish();
    if (!is_tracked()) return sum;
    for_each_live_block([&](const live_block& found) {
      if (found.born_ms <= after || found.born_ms > until || own.holds(found.data)) return;
      ++sum.blocks;
      sum.bytes += found.size;
    });
    return sum;
  }

  static void look_at_process(const std::string& who, const figures& left,
                              const detail::allowance_table& allowed) {
    const detail::allowance may = allowed.find("");
    if (left.blocks > may.blocks || left.bytes > may.bytes)
      ADD_FAILURE() << who << " leaks: the process has " << left.text() << " that it made";
  }

  static void look_at(const std::string& who, const std::string& name, const figures& before,
                      const figures& after, const detail::allowance_table& allowed) {
    const detail::allowance may = allowed.find(name.c_str());
    const std::size_t blocks_before = before.counts_blocks() ? before.blocks : 0;
    const bool has_more_blocks = after.counts_blocks() && after.blocks > blocks_before + may.blocks;
    const bool has_more_bytes = after.bytes > before.bytes + may.bytes;
    // Where blocks are counted, bytes alone may be what is kept for later.
    if (has_more_blocks || (!after.counts_blocks() && has_more_bytes))
      ADD_FAILURE() << who << " leaks: " << called(name) << " had " << before.text() << ", and has "
                    << after.text();
  }

  void look_at_peak(const std::string& who, const std::string& whose, std::size_t peak) const {
    if (peak > options_.most_bytes)
      ADD_FAILURE() << who << ": " << whose << " needed " << peak << " bytes, and may need "
                    << options_.most_bytes;
  }

  // What a test left in a manager was told of, or allowed, and is not the suite's.
  void add_growth(const listened_managers::identity& manager, const figures& before,
                  const figures& after) {
    figures& sum = reported_.try_emplace(manager, figures{0, 0, 0}).first->second;
    if (after.bytes > before.bytes) sum.bytes += after.bytes - before.bytes;
    if (!after.counts_blocks()) return;
    const std::size_t blocks_before = before.counts_blocks() ? before.blocks : 0;
    if (after.blocks > blocks_before) sum.blocks += after.blocks - blocks_before;
  }

  leak_listener_options options_;
  listened_managers::figures_of_all before_;
  listened_managers::figures_of_all before_suite_;
  listened_managers::figures_of_all reported_;
  detail::allowance_table of_suite_;
  bool has_begun_ = false;  // a test of this suite
  std::uint64_t process_peak_before_ = 0;
  std::uint32_t suite_began_ = 0;
  std::uint32_t set_up_ended_ = 0;
  std::uint32_t test_began_ = 0;
  std::uint32_t tests_ended_ = 0;
};

/// Adds a listener to the tests of this program, before whoever prints results. GoogleTest ends it.
inline void install_leak_listener(const leak_listener_options& options = {}) {
  ::testing::TestEventListeners& all = ::testing::UnitTest::GetInstance()->listeners();
  ::testing::TestEventListener* const printer = all.Release(all.default_result_printer());
  all.Append(new leak_listener(options));
  if (printer != nullptr) all.Append(printer);
}

}  // namespace ashlar
