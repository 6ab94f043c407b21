// SPDX-License-Identifier: MIT
// Environment variables are found by their whole name.
#include "ashlar/os/environment.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

namespace ashlar {
namespace {

TEST(environment, finds_a_variable_by_its_whole_name) {
  ::setenv("ASHLAR_TEST_LONGER", "wrong", 1);
  ::setenv("ASHLAR_TEST", "right=1", 1);
  EXPECT_STREQ(os::environment_variable("ASHLAR_TEST"), "right=1");
  ::unsetenv("ASHLAR_TEST");
  EXPECT_EQ(os::environment_variable("ASHLAR_TEST"), nullptr);
  ::unsetenv("ASHLAR_TEST_LONGER");
}

TEST(environment, is_trusted_in_a_plain_program) { EXPECT_FALSE(os::is_privileged()); }

TEST(environment, copes_with_none_at_all) {
  char** const saved = environ;
  environ = nullptr;
  EXPECT_EQ(os::environment_variable("PATH"), nullptr);
  environ = saved;
}

}  // namespace
}  // namespace ashlar
