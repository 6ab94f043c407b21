// SPDX-License-Identifier: MIT
// For tests of what a heap has that tells no tool of its blocks: bins, and sizes of classes.
#pragma once

#include <gtest/gtest.h>

#include "support/unwatched.hpp"

namespace ashlar::test {

class plain_heaps : public testing::Test {
 protected:
  unwatched no_tool;  // first, so that heaps of a derived fixture begin and end in it
};

}  // namespace ashlar::test
