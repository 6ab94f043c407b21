// SPDX-License-Identifier: MIT
// Fork handlers run on both sides.
#include "ashlar/os/fork.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace ashlar {
namespace {

int prepared = 0;
int in_parent = 0;
int in_child = 0;

// Handlers cannot be taken back, so they are registered once, however often the test runs.
bool register_handlers() {
  static const bool is_registered =
      os::on_fork([] { ++prepared; }, [] { ++in_parent; }, [] { ++in_child; }).ok();
  return is_registered;
}

TEST(fork, runs_the_handlers_around_it) {
  ASSERT_TRUE(register_handlers());
  prepared = in_parent = in_child = 0;
  const pid_t child = ::fork();
  if (child == 0) ::_exit(prepared == 1 && in_parent == 0 && in_child == 1 ? 0 : 1);
  ASSERT_GT(child, 0);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(prepared, 1);
  EXPECT_EQ(in_parent, 1);
  EXPECT_EQ(in_child, 0);
}

}  // namespace
}  // namespace ashlar
