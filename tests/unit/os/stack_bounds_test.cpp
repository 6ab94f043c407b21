// SPDX-License-Identifier: MIT
// The bounds of a stack are those of its mapping, up to where the thread's frames begin.
#include "ashlar/os/stack_bounds.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>

#include <cerrno>
#include <string>
#include <thread>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
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

// Deep enough for the whole stack to be looked for.
TEST(stack_bounds, of_a_thread_end_below_what_libc_keeps_of_it) {
  std::thread([] {
    const std::byte locals[16_KiB] = {};
    const os::stack_bounds found = os::find_stack(locals);
    EXPECT_EQ(found.low, listed(address_of(locals)).low);
    EXPECT_EQ(found.high, static_cast<std::uintptr_t>(pthread_self()));
    EXPECT_TRUE(found.contains(address_of(locals)));
    EXPECT_GT(found.own_from, address_of(locals));
    EXPECT_LT(found.own_from, found.high);
  }).join();
}

// Sanitizers' own frames need more than the least that libc takes.
#if defined(__SANITIZE_ADDRESS__) || ASHLAR_TSAN
constexpr std::size_t small_stack = 128_KiB;
#else
constexpr std::size_t small_stack = 16_KiB;
#endif

TEST(stack_bounds, near_the_begin_of_a_thread_are_within_the_smallest_stack) {
  pthread_attr_t small;
  ASSERT_EQ(::pthread_attr_init(&small), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&small, small_stack), 0);
  static os::stack_bounds found;
  static bool contains_local;
  const auto look = [](void*) -> void* {
    const int local = 0;
    found = os::find_stack(&local);
    contains_local = found.contains(address_of(&local));
    (void)*reinterpret_cast<const volatile char*>(found.low);  // it is there
    return nullptr;
  };
  pthread_t thread = {};
  ASSERT_EQ(::pthread_create(&thread, &small, look, nullptr), 0);
  ASSERT_EQ(::pthread_join(thread, nullptr), 0);
  ::pthread_attr_destroy(&small);
  EXPECT_EQ(found.high, static_cast<std::uintptr_t>(thread));
  EXPECT_TRUE(contains_local);
  EXPECT_EQ(found.own_from, found.high - 12_KiB);
}

TEST(stack_bounds, of_another_stack_are_those_of_its_mapping) {
  void* const other =
      ::mmap(nullptr, 64_KiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(other, MAP_FAILED);
  const os::stack_bounds found = os::find_stack(static_cast<std::byte*>(other) + 32_KiB);
  const os::stack_bounds expected = listed(address_of(other));
  EXPECT_EQ(found.low, expected.low);
  EXPECT_EQ(found.high, expected.high);
  EXPECT_GE(found.own_from, found.high);
  ::munmap(other, 64_KiB);
}

TEST(stack_bounds, of_the_main_thread_end_below_the_strings_of_its_arguments) {
  const int local = 0;
  const os::stack_bounds found = os::find_stack(&local);
  EXPECT_EQ(found.low, listed(address_of(&local)).low);
  EXPECT_EQ(found.high, address_of(program_invocation_name));
  EXPECT_EQ(found.own_from, found.low);
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

TEST(stack_bounds, are_followed_by_what_can_be_read_or_not) {
  auto* const pages = static_cast<std::byte*>(
      ::mmap(nullptr, 8_KiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(static_cast<void*>(pages), MAP_FAILED);
  ASSERT_EQ(::mprotect(pages + 4_KiB, 4_KiB, PROT_NONE), 0);
  errno = 7;
  EXPECT_TRUE(os::can_read(address_of(pages + 4_KiB - 8)));
  EXPECT_FALSE(os::can_read(address_of(pages + 4_KiB)));
  ASSERT_EQ(::munmap(pages, 8_KiB), 0);
  EXPECT_FALSE(os::can_read(address_of(pages)));
  EXPECT_EQ(errno, 7);
}

}  // namespace
