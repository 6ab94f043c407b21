// SPDX-License-Identifier: MIT
// The callback runs at the end of armed threads, and may arm again.
#include "ashlar/os/thread_exit.hpp"
#include "ashlar/base/build_config.hpp"

#include <gtest/gtest.h>

#include <limits.h>
#include <atomic>
#include <cerrno>
#include <thread>

namespace ashlar {
namespace {

struct exit_record {
  std::atomic<int> runs{0};
  std::atomic<int> rearm{0};  // how often the callback arms again
};

void note_exit(void* value) {
  auto* const record = static_cast<exit_record*>(value);
  const bool again = ++record->runs <= record->rearm;
  EXPECT_TRUE(!again || os::arm_thread_exit(record).ok());
}

// There is one callback for the process, so the first test to run sets it for all.
void have_callback() {
  const os_error error = os::on_thread_exit(note_exit);
  ASSERT_TRUE(error.ok() || error.code == EALREADY) << error.code;
}

TEST(thread_exit, runs_the_callback_of_armed_threads_once) {
  have_callback();
  exit_record armed;
  exit_record disarmed;
  std::thread([&armed] { EXPECT_TRUE(os::arm_thread_exit(&armed).ok()); }).join();
  std::thread([&disarmed] {
    EXPECT_TRUE(os::arm_thread_exit(&disarmed).ok());
    os::disarm_thread_exit();
  }).join();
  EXPECT_EQ(armed.runs, 1);
  EXPECT_EQ(disarmed.runs, 0);
}

TEST(thread_exit, may_be_armed_again_from_within) {
  have_callback();
  exit_record record;
  record.rearm = 2;
  std::thread([&record] { EXPECT_TRUE(os::arm_thread_exit(&record).ok()); }).join();
  EXPECT_EQ(record.runs, 3);
}

TEST(thread_exit, comes_to_an_end_if_armed_for_ever) {
  have_callback();
  // In the last round ThreadSanitizer has taken its part of the thread down already, and code that
  // it has instrumented crashes: there, the round before must do.
  constexpr int rounds = PTHREAD_DESTRUCTOR_ITERATIONS - (build::tsan ? 1 : 0);
  static exit_record record;
  record.runs = 0;
  record.rearm = build::tsan ? rounds - 1 : INT_MAX;
  std::thread([] { EXPECT_TRUE(os::arm_thread_exit(&record).ok()); }).join();
  EXPECT_EQ(record.runs, rounds);
}

TEST(thread_exit, runs_after_the_destructors_of_thread_locals) {
  have_callback();
  static exit_record record;
  static int runs_seen;
  record.runs = 0;
  runs_seen = -1;
  struct at_end {
    ~at_end() { runs_seen = record.runs; }
  };
  std::thread([] {
    static thread_local at_end object;
    static_cast<void>(&object);
    EXPECT_TRUE(os::arm_thread_exit(&record).ok());
  }).join();
  EXPECT_EQ(runs_seen, 0);
  EXPECT_EQ(record.runs, 1);
}

}  // namespace
}  // namespace ashlar
