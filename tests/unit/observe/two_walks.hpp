// SPDX-License-Identifier: MIT
// A walk of the stack by us, one more by a thread that keeps its walks, and one by libgcc, which
// reads the same tables another way; and functions to walk through.
#pragma once

#include <alloca.h>
#include <execinfo.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "ashlar/base/bits.hpp"
#include "ashlar/observe/stack_walk.hpp"

namespace ashlar::walking {

inline constexpr std::uint32_t most = observe::stack_frames_limit;

struct two_walks {
  std::vector<std::uintptr_t> ours;
  std::vector<std::uintptr_t> again;  // by a thread that keeps its walks
  std::vector<std::uintptr_t> theirs;
};

inline two_walks last;
inline thread_local observe::last_walk kept;

inline std::uint32_t walk_again(const observe::caller& from, os::stack_bounds& bounds,
                                std::uintptr_t* frames, std::uint32_t depth) {
  const observe::walked_stack stack = observe::walk_stack(from, bounds, depth, kept);
  EXPECT_EQ(kept.hash(), observe::stack_hash(stack.frames, stack.count));
  std::copy_n(stack.frames, stack.count, frames);
  return stack.count;
}

// Both begin at whoever calls this. A sanitizer's functions may lie between theirs and this one.
ASHLAR_NO_INLINE inline void look() {
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

inline void expect_same() {
  EXPECT_EQ(last.again, last.ours);
  EXPECT_GT(last.ours.size(), 4u);
  EXPECT_EQ(last.ours, last.theirs);
}

// So that nothing is inlined, jumped to, or left out, unless a test wants it.
#define CHAIN [[maybe_unused]] ASHLAR_NO_INLINE static
ASHLAR_FORCE_INLINE void stay() { __asm__ volatile("" ::: "memory"); }
inline void touch(void* memory) { __asm__ volatile("" ::"r"(memory) : "memory"); }

CHAIN void recurse(int depth) {
  if (depth == 0)
    look();
  else
    recurse(depth - 1);
  stay();
}

CHAIN void variable_frame(std::size_t size) {
  void* const memory = alloca(size);
  touch(memory);
  recurse(2);
  stay();
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

}  // namespace ashlar::walking
