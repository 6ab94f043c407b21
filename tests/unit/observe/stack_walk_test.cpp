// SPDX-License-Identifier: MIT
// Walks of the stack against libgcc's, which reads the same tables another way: the same return
// addresses, whatever lies between the walk and `main`. The code here keeps no frame pointers.
#include <dlfcn.h>
#include <signal.h>

#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <thread>

#include "two_walks.hpp"

namespace {

using namespace ashlar;
using namespace ashlar::walking;

CHAIN void large_frame() {
  char memory[200'000];
  touch(memory);
  look();
  stay();
}

CHAIN void realigned_frame(std::size_t size) {
  alignas(128) char memory[256];
  touch(memory);
  touch(alloca(size));
  recurse(1);
  stay();
}

[[noreturn]] CHAIN void never_returns() {
  recurse(1);
  std::_Exit(last.ours == last.theirs && last.ours.size() > 4 ? 0 : 1);
}

CHAIN void calls_what_never_returns(int x) {
  if (x != 0) never_returns();
}

CHAIN void jumped_to() {
  recurse(1);
  stay();
}

CHAIN void jumps() { return jumped_to(); }

TEST(stack_walk, goes_through_recursion_to_the_depth_asked_for) {
  recurse(3);
  expect_same();
  recurse(100);
  ASSERT_EQ(last.ours.size(), most);
  EXPECT_EQ(last.ours, last.theirs);
}

TEST(stack_walk, goes_through_large_frames) {
  large_frame();
  expect_same();
}

TEST(stack_walk, goes_through_frames_of_variable_size) {
  for (const std::size_t size : {16u, 1000u, 70'000u}) {
    variable_frame(size);
    expect_same();
  }
}

TEST(stack_walk, goes_through_realigned_frames) {
  realigned_frame(100);
  expect_same();
}

TEST(stack_walk, knows_the_caller_of_what_never_returns) {
  EXPECT_EXIT(calls_what_never_returns(1), testing::ExitedWithCode(0), "");
}

TEST(stack_walk, leaves_out_who_jumped) {
  jumps();
  expect_same();
}

TEST(stack_walk, is_whole_while_exceptions_pass) {
  struct at_the_end {
    ~at_the_end() { recurse(1); }
  };
  try {
    const at_the_end each;
    throw std::runtime_error("passing");
  } catch (const std::exception&) {
    expect_same();
    recurse(1);
    expect_same();
  }
}

TEST(stack_walk, goes_through_libraries_without_frame_pointers) {
  int numbers[] = {3, 1, 2};
  std::qsort(numbers, 3, sizeof numbers[0], [](const void* a, const void* b) {
    recurse(1);
    return *static_cast<const int*>(a) - *static_cast<const int*>(b);
  });
  expect_same();
  const std::function<void()> called = [] { recurse(2); };
  called();
  expect_same();
}

TEST(stack_walk, ends_where_a_thread_begins) {
  std::thread([] { recurse(2); }).join();
  expect_same();
}

// Of the function that was interrupted, ours is the address behind the first byte of the
// instruction.
void expect_same_but_one() {
  EXPECT_EQ(last.again, last.ours);
  ASSERT_EQ(last.ours.size(), last.theirs.size());
  ASSERT_GT(last.ours.size(), 5u);
  int differ = 0;
  for (std::size_t i = 0; i < last.ours.size(); ++i) {
    if (last.ours[i] == last.theirs[i]) continue;
    ++differ;
    EXPECT_EQ(last.ours[i], last.theirs[i] + 1);
  }
  EXPECT_EQ(differ, 1);
}

void handle_on(int flags) {
  struct sigaction action = {};
  action.sa_handler = [](int) { recurse(1); };
  action.sa_flags = flags;
  struct sigaction before;
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &before), 0);
  (void)::raise(SIGUSR1);
  expect_same_but_one();
  (void)::sigaction(SIGUSR1, &before, nullptr);
}

TEST(stack_walk, goes_on_below_a_signal) { handle_on(0); }

TEST(stack_walk, goes_on_below_a_signal_that_has_a_stack_of_its_own) {
  std::vector<char> memory(64 << 10);
  const stack_t own = {.ss_sp = memory.data(), .ss_flags = 0, .ss_size = memory.size()};
  stack_t before;
  ASSERT_EQ(::sigaltstack(&own, &before), 0);
  handle_on(SA_ONSTACK);
  ASSERT_EQ(::sigaltstack(&before, nullptr), 0);
}

// Looks at the stack from below a module that is there only meanwhile.
void look_through(const char* path) {
  void* const module = ::dlopen(path, RTLD_NOW);
  ASSERT_NE(module, nullptr) << ::dlerror();
  auto* const call = reinterpret_cast<void (*)(void (*)())>(::dlsym(module, "call"));
  ASSERT_NE(call, nullptr);
  call([] { recurse(1); });
  ASSERT_EQ(::dlclose(module), 0);
}

// The rules of a module that is gone do not fit the one that took its place.
TEST(stack_walk, follows_modules_that_come_and_go) {
  for (int i = 0; i < 4; ++i) {
    look_through(i % 2 == 0 ? ASHLAR_MODULE_SMALL : ASHLAR_MODULE_LARGE);
    expect_same();
  }
}

// Nothing is unknown in a module that returns to the very place where the one before did: but a
// walk by its rules goes astray, and the thread that keeps its walks looks again.
TEST(stack_walk, notices_a_module_like_the_one_before) {
  for (int i = 0; i < 6; ++i) {
    look_through(i % 2 == 0 ? ASHLAR_MODULE_LARGE : ASHLAR_MODULE_ALIKE);
    EXPECT_EQ(last.again, last.theirs);
    EXPECT_GT(last.again.size(), 4u);
  }
}

TEST(stack_walk, leaves_code_without_tables_by_its_frame_pointer) {
  const unknown_code code;
  look();
  const two_walks direct = last;
  code.call([] { recurse(1); }, 0);
  const std::vector<std::uintptr_t> through = last.ours;
  ASSERT_GT(through.size(), direct.ours.size());
  EXPECT_EQ(through.back(), direct.ours.back());
  const std::size_t more = through.size() - direct.ours.size();
  EXPECT_EQ(std::vector<std::uintptr_t>(through.begin() + static_cast<std::ptrdiff_t>(more) + 1,
                                        through.end()),
            std::vector<std::uintptr_t>(direct.ours.begin() + 1, direct.ours.end()));
}

TEST(stack_walk, stays_within_a_stack_that_is_nonsense) {
  recurse(3);
  alignas(16) std::uintptr_t words[64];
  std::uintptr_t frames[most];
  for (std::uintptr_t seed = 0; seed < 1000; ++seed) {
    for (std::size_t i = 0; i < 64; ++i)
      words[i] = i * seed % 3 == 0 ? address_of(&words[i * seed % 64]) : last.ours[seed % 4];
    const observe::caller from = {at_address(last.ours[seed % 4]), words + seed % 32, words};
    os::stack_bounds bounds = {address_of(words), address_of(words + 64)};
    const std::uint32_t count = observe::walk_stack(from, bounds, frames, most);
    EXPECT_GE(count, 1u);
    EXPECT_LE(count, most);
  }
}

TEST(stack_walk, has_one_frame_where_the_stack_is_not_known) {
  std::uintptr_t frames[most];
  os::stack_bounds bounds;
  const observe::caller from = {at_address(4711), nullptr, nullptr};
  EXPECT_EQ(observe::walk_stack(from, bounds, frames, most), 1u);
  EXPECT_EQ(frames[0], 4711u);
}

}  // namespace
