// SPDX-License-Identifier: MIT
// Reports of faults read as documented and obey the policy.
#include "ashlar/hardening/fault.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <thread>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/hardening/fault_watch.hpp"

namespace ashlar {
namespace {

const void* const somewhere = at_address(0x1230);

std::string last_line;

/// Returns the line that a report would print.
std::string line_of(fault_kind kind, const void* pointer, fault_detail detail = {}) {
  last_line.clear();
  const fault_hook before =
      exchange_fault_hook([](fault_kind, const void*, const char* line) { last_line = line; });
  report_fault(kind, pointer, detail);
  exchange_fault_hook(before);
  return last_line;
}

class policy_scope {
 public:
  explicit policy_scope(fault_policy policy) { set_fault_policy(policy); }
  ~policy_scope() { set_fault_policy(before_); }
  policy_scope(const policy_scope&) = delete;
  policy_scope& operator=(const policy_scope&) = delete;

 private:
  fault_policy before_ = current_fault_policy();
};

TEST(fault, lines_name_kind_and_pointer) {
  EXPECT_EQ(line_of(fault_kind::double_free, somewhere),
            "ashlar: double free of 0x1230: block is free already");
  EXPECT_EQ(line_of(fault_kind::interior_free, somewhere, {0x1200, 64}),
            "ashlar: interior free of 0x1230: pointer is inside a block, not at its start "
            "(block 0x1200 of 64 bytes)");
  EXPECT_EQ(line_of(fault_kind::size_mismatch, somewhere, {24, 32}),
            "ashlar: size mismatch of 0x1230: block is freed with another size than allocated "
            "(allocated 24, freed 32)");
}

TEST(fault, says_where_a_foreign_pointer_lies) {
  const int local = 0;
  static int global = 1;
  EXPECT_NE(line_of(fault_kind::invalid_free, &local)
                .find(": pointer was not allocated by ashlar (this thread's stack)"),
            std::string::npos);
  EXPECT_NE(line_of(fault_kind::invalid_free, &global).find("(code or data of ashlar-unit-tests)"),
            std::string::npos);
  EXPECT_NE(line_of(fault_kind::invalid_resize, somewhere).find("(nothing is mapped there)"),
            std::string::npos);
}

TEST(fault, every_kind_has_a_name_of_its_own_and_a_text) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < fault_kind_count; ++i) {
    const auto kind = static_cast<fault_kind>(i);
    EXPECT_TRUE(names.insert(fault_name(kind)).second) << fault_name(kind);
    EXPECT_GT(std::strlen(fault_text(kind)), 10u);
    const std::string start = std::string("ashlar: ") + fault_name(kind) + " of 0x1230: ";
    EXPECT_EQ(line_of(kind, somewhere).find(start + fault_text(kind)), 0u);
  }
}

TEST(fault, aborts_by_default) {
  EXPECT_EQ(current_fault_policy(), fault_policy::abort);
  EXPECT_EXIT(report_fault(fault_kind::double_free, somewhere), testing::KilledBySignal(SIGABRT),
              "^ashlar: double free of 0x1230: block is free already\n$");
}

TEST(fault, warns_and_goes_on) {
  const policy_scope scope(fault_policy::warn);
  testing::internal::CaptureStderr();
  report_fault(fault_kind::overrun, somewhere);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "ashlar: overrun of 0x1230: bytes behind the block were written to\n");
}

TEST(fault, ignores_in_silence) {
  const policy_scope scope(fault_policy::ignore);
  testing::internal::CaptureStderr();
  report_fault(fault_kind::overrun, somewhere);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(fault_watch, sees_what_this_thread_reports_whatever_the_policy) {
  const policy_scope scope(fault_policy::ignore);
  const fault_watch watch;
  std::thread([] { report_fault(fault_kind::overrun, somewhere); }).join();
  EXPECT_FALSE(watch.saw_one());
  report_fault(fault_kind::overrun, somewhere);
  EXPECT_TRUE(watch.saw_one());
  EXPECT_FALSE(fault_watch().saw_one());
}

TEST(fault_silence, tells_nothing_and_aborts_not_but_counts) {
  const fault_watch watch;
  {
    const fault_silence outer;
    { const fault_silence inner; }
    EXPECT_EQ(line_of(fault_kind::overrun, somewhere), "");
    report_fault(fault_kind::overrun, somewhere);
  }
  EXPECT_TRUE(watch.saw_one());
  EXPECT_NE(line_of(fault_kind::overrun, somewhere), "");
}

TEST(panic, prints_one_line_and_aborts) {
  EXPECT_EXIT(panic("a == b", "file.cpp", 42), testing::KilledBySignal(SIGABRT),
              "^ashlar: internal error: a == b does not hold at file.cpp:42\n$");
}

TEST(panic, ends_a_failed_check) {
  ASHLAR_CHECK(somewhere != nullptr);
  EXPECT_EXIT(ASHLAR_CHECK(somewhere == nullptr), testing::KilledBySignal(SIGABRT),
              "internal error: somewhere == nullptr does not hold");
}

}  // namespace
}  // namespace ashlar
