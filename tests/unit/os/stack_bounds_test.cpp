// SPDX-License-Identifier: MIT
// The bounds of a stack are those of its mapping, however they were found.
#include "ashlar/os/stack_bounds.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <string>
#include <thread>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/os/mapping.hpp"

namespace {

using namespace ashlar;

// What the list says.
os::stack_bounds listed(std::uintptr_t inside) {
  os::mapping_list list;
  for (os::mapped_range each; list.next(each);)
    if (inside >= each.begin && inside < each.end) return {each.begin, each.end};
  return {};
}

TEST(stack_bounds, of_a_thread_are_those_of_its_mapping) {
  std::thread([] {
    const int local = 0;
    const os::stack_bounds found = os::find_stack(&local);
    const os::stack_bounds expected = listed(address_of(&local));
    EXPECT_EQ(found.low, expected.low);
    EXPECT_EQ(found.high, expected.high);
    EXPECT_TRUE(found.contains(address_of(&local)));
  }).join();
}

TEST(stack_bounds, of_the_main_thread_end_below_the_strings_of_its_arguments) {
  const int local = 0;
  const os::stack_bounds found = os::find_stack(&local);
  EXPECT_EQ(found.low, listed(address_of(&local)).low);
  EXPECT_EQ(found.high, address_of(program_invocation_name));
}

TEST(stack_bounds, are_empty_where_nothing_is_mapped) {
  void* const hole = ::mmap(nullptr, 1_MiB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(hole, MAP_FAILED);
  ASSERT_EQ(::munmap(hole, 1_MiB), 0);
  errno = 7;
  const os::stack_bounds found = os::find_stack(static_cast<std::byte*>(hole) + 64_KiB);
  EXPECT_EQ(errno, 7);
  EXPECT_EQ(found.low, found.high);
}

}  // namespace
