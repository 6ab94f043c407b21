// SPDX-License-Identifier: MIT
// The current manager: one per thread, scopes nest.
#include "ashlar/manager/source/current.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "ashlar/manager/source/default_manager.hpp"
#include "unit/manager/plain_manager.hpp"

namespace ashlar {
namespace {

TEST(current, is_the_default_manager_unless_a_scope_says_otherwise) {
  test::plain_manager a;
  test::plain_manager b;
  EXPECT_EQ(current(), memory(default_manager()));
  {
    use_manager outer(a);
    EXPECT_EQ(current(), memory(a));
    {
      use_manager inner(b);
      EXPECT_EQ(current(), memory(b));
      use_manager innermost(default_manager());
      EXPECT_EQ(current(), memory(default_manager()));
    }
    EXPECT_EQ(current(), memory(a));
  }
  EXPECT_EQ(current(), memory(default_manager()));
}

TEST(current, is_each_threads_own) {
  test::plain_manager a;
  use_manager scope(a);
  std::thread([] { EXPECT_EQ(current(), memory(default_manager())); }).join();
  EXPECT_EQ(current(), memory(a));
}

}  // namespace
}  // namespace ashlar
