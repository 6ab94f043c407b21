// SPDX-License-Identifier: MIT
// Counts, one by one, the instructions that malloc and free of a small block execute on a hit.
//
// A child marks each call with a trap before and after; the parent single-steps between the marks
// and counts the steps inside of the library. So the figure holds for every small size class, by
// execution and not by reading machine code. Where the kernel forbids ptrace, the test fails.
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

namespace {

constexpr unsigned limit = 20;
constexpr size_t largest_small = 32 * 1024;

/// The next size to measure: every multiple of 16, then of 128 where the second table serves.
size_t next_size(size_t size) { return size + (size < 1024 ? 16 : 128); }

// The pointers come from malloc and free themselves, so no call lies in the way but theirs.
void* (*volatile allocate)(size_t) = &malloc;
void (*volatile deallocate)(void*) = &free;

void mark() { asm volatile("int3" ::: "memory"); }

/// Hits only: the bin of the size was filled by a refill, and the thread owns the block's slab.
[[noreturn]] void run_child() {
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(3);
  for (size_t size = 1; size <= largest_small; size = next_size(size - 1) + 1) {
    void* warm[2];
    for (void*& p : warm) p = allocate(size);
    for (void* p : warm) deallocate(p);
    void* (*const take)(size_t) = allocate;
    void (*const give)(void*) = deallocate;
    mark();
    void* const p = take(size);
    mark();
    mark();
    give(p);
    mark();
  }
  _exit(0);
}

bool stopped_at_trap(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
    const bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!done) fprintf(stderr, "the child ended with status %x\n", static_cast<unsigned>(status));
    if (!done) exit(1);
    return false;
  }
  return WSTOPSIG(status) == SIGTRAP;
}

uintptr_t program_counter(pid_t child) {
  user_regs_struct registers;
  if (ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) exit(1);
  return registers.rip;
}

/// Steps from a mark to the next one. Returns how many instructions ran from `entry` on until the
/// call had returned to the child's own code.
unsigned steps_inside(pid_t child, uintptr_t entry) {
  unsigned count = 0;
  bool inside = false;
  uintptr_t frame_return = 0;
  while (true) {
    const uintptr_t at = program_counter(child);
    if (at == entry && !inside) {
      inside = true;
      user_regs_struct registers;
      if (ptrace(PTRACE_GETREGS, child, nullptr, &registers) != 0) exit(1);
      frame_return = static_cast<uintptr_t>(ptrace(PTRACE_PEEKDATA, child, registers.rsp, nullptr));
    } else if (inside && at == frame_return) {
      return count;
    }
    count += inside;
    if (count > 100'000) exit(1);
    if (ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0 || !stopped_at_trap(child)) exit(1);
  }
}

bool resume_to_mark(pid_t child) {
  return ptrace(PTRACE_CONT, child, nullptr, nullptr) == 0 && stopped_at_trap(child);
}

}  // namespace

int main() {
  const auto malloc_entry = reinterpret_cast<uintptr_t>(allocate);
  const auto free_entry = reinterpret_cast<uintptr_t>(deallocate);
  const pid_t child = fork();
  if (child == 0) run_child();
  unsigned most_malloc = 0;
  unsigned most_free = 0;
  unsigned sizes = 0;
  for (bool at_mark = stopped_at_trap(child); at_mark; ++sizes) {
    most_malloc = std::max(most_malloc, steps_inside(child, malloc_entry));
    if (!resume_to_mark(child) || !resume_to_mark(child)) return 1;
    most_free = std::max(most_free, steps_inside(child, free_entry));
    if (!resume_to_mark(child)) return 1;
    at_mark = resume_to_mark(child);
  }
  printf("%u sizes: malloc at most %u instructions, free at most %u\n", sizes, most_malloc,
         most_free);
  return sizes > 200 && most_malloc <= limit && most_free <= limit ? 0 : 1;
}
