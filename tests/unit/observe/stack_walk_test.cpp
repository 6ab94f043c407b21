// SPDX-License-Identifier: MIT
// Walks of the stack against libgcc's, which reads the same tables another way: the same return
// addresses, whatever lies between the walk and `main`. The code here keeps no frame pointers.
#include "ashlar/observe/stack_walk.hpp"

#include <alloca.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "ashlar/base/bits.hpp"

namespace {

using namespace ashlar;

constexpr std::uint32_t most = observe::stack_frames_limit;

struct two_walks {
  std::vector<std::uintptr_t> ours;
  std::vector<std::uintptr_t> again;  // by a thread that keeps its walks
  std::vector<std::uintptr_t> theirs;
};

two_walks last;
thread_local observe::last_walk kept;

std::uint32_t walk_again(const observe::caller& from, os::stack_bounds& bounds,
                         std::uintptr_t* frames, std::uint32_t depth) {
  const observe::walked_stack stack = observe::walk_stack(from, bounds, depth, kept);
  EXPECT_EQ(kept.hash(), observe::stack_hash(stack.frames, stack.count));
  std::copy_n(stack.frames, stack.count, frames);
  return stack.count;
}

// Both begin at whoever calls this. A sanitizer's functions may lie between theirs and this one.
ASHLAR_NO_INLINE void look() {
  std::uintptr_t frames[most];
  os::stack_bounds bounds;
  const std::uint32_t count = observe::walk_stack(observe::caller_of_this(), bounds, frames, most);
  last.ours.assign(frames, frames + count);
  const std::uint32_t more = walk_again(observe::caller_of_this(), bounds, frames, most);
  last.again.assign(frames, frames + more);
  void* found[most + 8];
  const int n = ::backtrace(found, most + 8);
  last.theirs.clear();
  int first = 0;
  while (first < n && address_of(found[first]) != frames[0]) ++first;
  for (int i = first; i < n && last.theirs.size() < most; ++i)
    last.theirs.push_back(address_of(found[i]));
}

void expect_same() {
  EXPECT_EQ(last.again, last.ours);
  EXPECT_GT(last.ours.size(), 4u);
  EXPECT_EQ(last.ours, last.theirs);
}

// So that nothing is inlined, jumped to, or left out, unless a test wants it.
#define CHAIN ASHLAR_NO_INLINE
ASHLAR_FORCE_INLINE void stay() { __asm__ volatile("" ::: "memory"); }
void touch(void* memory) { __asm__ volatile("" ::"r"(memory) : "memory"); }

CHAIN void recurse(int depth) {
  if (depth == 0)
    look();
  else
    recurse(depth - 1);
  stay();
}

CHAIN void large_frame() {
  char memory[200'000];
  touch(memory);
  look();
  stay();
}

CHAIN void variable_frame(std::size_t size) {
  void* const memory = alloca(size);
  touch(memory);
  recurse(2);
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

// Code that no table knows, as compilers at run time make it, with a frame of any size:
// push %rbp; mov %rsp, %rbp; sub %rsi, %rsp; call *%rdi; leave; ret
class unknown_code {
 public:
  unknown_code()
      : page_{::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)} {
    constexpr unsigned char code[] = {0x55, 0x48, 0x89, 0xe5, 0x48, 0x29,
                                      0xf4, 0xff, 0xd7, 0xc9, 0xc3};
    std::memcpy(page_, code, sizeof code);
    (void)::mprotect(page_, 4096, PROT_READ | PROT_EXEC);
  }
  ~unknown_code() { (void)::munmap(page_, 4096); }
  unknown_code(const unknown_code&) = delete;
  unknown_code& operator=(const unknown_code&) = delete;

  // Calls with `size` bytes between its frame and the called one's, a multiple of 16.
  void call(void (*function)(), std::size_t size) const {
    reinterpret_cast<void (*)(void (*)(), std::size_t)>(page_)(function, size);
  }

 private:
  void* page_;
};

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

// Frames of many sizes at places that were others' before: what a memory of walks must see through.
struct wanderer {
  std::mt19937 random{4711};
  int left = 3000;  // calls
  int deepest = 0;
};

CHAIN void wander(wanderer& w, int depth);

CHAIN void wander_far(wanderer& w, int depth) {
  char frame[88];
  touch(frame);
  wander(w, depth);
  stay();
}

CHAIN void wander_variably(wanderer& w, int depth) {
  touch(alloca(16 + w.random() % 4 * 16));
  wander(w, depth);
  stay();
}

CHAIN void wander(wanderer& w, int depth) {
  for (int i = 0; i < 3 && w.left > 0; ++i) {
    --w.left;
    const auto way = depth == w.deepest ? 0 : w.random() % 4;
    if (way == 0) look();
    if (way == 1) wander(w, depth + 1);
    if (way == 2) wander_far(w, depth + 1);
    if (way == 3) wander_variably(w, depth + 1);
    if (last.again != last.ours) w.left = 0;
  }
}

TEST(stack_walk, takes_over_from_the_last_one_what_is_the_same_and_nothing_else) {
  for (const int deepest : {3, 7, 20, 100}) {
    wanderer w;
    w.deepest = deepest;
    while (w.left > 0) wander(w, 0);
    ASSERT_EQ(last.again, last.ours);
  }
}

struct unknown_wanderer : wanderer {
  unknown_code code;
} * unknown;
CHAIN void wander_unknown() {
  unknown_wanderer& w = *unknown;
  ++w.deepest;
  for (int i = 0; i < 3 && w.left > 0; ++i) {
    --w.left;
    if (w.deepest > 7 || w.random() % 4 == 0)
      look();
    else
      w.code.call(wander_unknown, w.random() % 4 * 16);
    if (last.again != last.ours) w.left = 0;
  }
  --w.deepest;
}

// Each step out of such code goes by the frame pointer, and none of them may be repeated blindly.
TEST(stack_walk, takes_over_through_many_functions_without_tables) {
  unknown_wanderer w;
  unknown = &w;
  w.random.seed(42);
  while (w.left > 0) w.code.call(wander_unknown, 16);
  EXPECT_EQ(last.again, last.ours);
}

// The same place and code, and what lies on the stack is the same: but not the frame pointer.
TEST(stack_walk, takes_nothing_over_where_the_frame_pointer_is_another) {
  variable_frame(16);
  const std::uintptr_t other = last.ours[0];
  const std::uintptr_t by_frame_pointer = last.ours[3];
  std::uintptr_t words[32] = {};
  words[9] = words[17] = by_frame_pointer;
  words[25] = other;
  words[8] = address_of(&words[24]);
  os::stack_bounds bounds = {address_of(words), address_of(words + 32)};
  const auto second_frame = [&](std::size_t frame) {
    std::uintptr_t frames[2] = {};
    const observe::caller from = {at_address(by_frame_pointer), &words[frame], words};
    EXPECT_EQ(walk_again(from, bounds, frames, 2), 2u);
    return frames[1];
  };
  EXPECT_EQ(second_frame(8), by_frame_pointer);
  EXPECT_EQ(second_frame(24), other);
  EXPECT_EQ(second_frame(8), by_frame_pointer);
  words[9] = other;
  EXPECT_EQ(second_frame(8), other);
}

TEST(stack_walk, takes_over_no_more_than_is_asked_for) {
  recurse(10);
  std::uintptr_t frames[most];
  os::stack_bounds bounds;
  const observe::caller here = observe::caller_of_this();
  const std::uint32_t whole = walk_again(here, bounds, frames, most);
  ASSERT_GT(whole, 4u);
  for (const std::uint32_t depth : {3u, 4u, 1u, 2u, 4u, most})
    EXPECT_EQ(walk_again(here, bounds, frames, depth), std::min(depth, whole));
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
