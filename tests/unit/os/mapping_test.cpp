// SPDX-License-Identifier: MIT
// Addresses are told apart by what lies there.
#include "ashlar/os/mapping.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "ashlar/base/units.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {
namespace {

using os::find_mapping;
using os::mapping_kind;

int initialised_global = 1;
char zeroed_global[1 << 20];

TEST(mapping, knows_the_stacks) {
  const int local = 0;
  EXPECT_EQ(find_mapping(&local).kind, mapping_kind::own_stack);
  std::thread([&local] {
    EXPECT_EQ(find_mapping(&local).kind, mapping_kind::main_stack);
    const int local_of_thread = 0;
    EXPECT_EQ(find_mapping(&local_of_thread).kind, mapping_kind::own_stack);
  }).join();
}

TEST(mapping, names_the_file_of_globals_and_code) {
  EXPECT_EQ(find_mapping(&initialised_global).kind, mapping_kind::file);
  EXPECT_STREQ(find_mapping(&initialised_global).name, "ashlar-unit-tests");
  EXPECT_STREQ(find_mapping(zeroed_global + sizeof zeroed_global / 2).name, "ashlar-unit-tests");
  EXPECT_STREQ(find_mapping(reinterpret_cast<const void*>(&find_mapping)).name,
               "ashlar-unit-tests");
}

TEST(mapping, knows_unmapped_and_anonymous_memory) {
  EXPECT_EQ(find_mapping(nullptr).kind, mapping_kind::none);
  EXPECT_EQ(find_mapping(reinterpret_cast<void*>(8)).kind, mapping_kind::none);
  // Not at its start: there it may lie right behind a file's, and be taken for its .bss.
  const os::range memory = os::reserve(128_KiB, os::page_size()).value;
  const os::range part = {memory.data + 64_KiB, 64_KiB};
  ASSERT_TRUE(os::commit(part).ok());
  EXPECT_EQ(find_mapping(part.data + 100).kind, mapping_kind::anonymous);
  os::release(memory, part.size);
}

}  // namespace
}  // namespace ashlar
