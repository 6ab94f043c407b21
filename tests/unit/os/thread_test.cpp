// SPDX-License-Identifier: MIT
// Threads have numbers of their own.
#include "ashlar/os/thread.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace ashlar {
namespace {

TEST(thread, has_a_number_of_its_own) {
  EXPECT_EQ(os::current_thread_id(), static_cast<std::uint64_t>(::getpid()));
  std::thread([mine = os::current_thread_id()] {
    EXPECT_NE(os::current_thread_id(), mine);
    EXPECT_EQ(os::current_thread_id(), os::current_thread_id());
  }).join();
}

TEST(thread, yields_and_comes_back) {
  for (int i = 0; i < 10; ++i) os::yield();
}

}  // namespace
}  // namespace ashlar
