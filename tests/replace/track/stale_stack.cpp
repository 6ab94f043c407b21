// SPDX-License-Identifier: MIT
// A signal stack whose neighbour is unmapped, and code without unwind tables, which uses the frame
// pointer for what it likes: what was mapped behind the stack once is not read any more. x86-64.
#include <sys/mman.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

constexpr std::size_t stack_size = 64 << 10;
constexpr std::size_t page = 4096;

using call_by = void (*)(void (*called)(), void* frame);

char* stack;
call_by call;

void allocate() {
  void* volatile p = std::malloc(64);
  std::free(p);
}

// The first walk learns of a mapping that ends behind the neighbour.
void handle(int) {
  for (int i = 0; i < 2; ++i) call(allocate, stack + stack_size + page);
}

char* map(std::size_t size, int rights) {
  void* const got = mmap(nullptr, size, rights, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  expect(got != MAP_FAILED, "there is memory");
  return static_cast<char*>(got);
}

call_by make_code() {
  // push rbp; mov rbp, rsi; call rdi; pop rbp; ret
  constexpr unsigned char code[] = {0x55, 0x48, 0x89, 0xf5, 0xff, 0xd7, 0x5d, 0xc3};
  char* const place = map(page, PROT_READ | PROT_WRITE);
  std::memcpy(place, code, sizeof code);
  expect(mprotect(place, page, PROT_READ | PROT_EXEC) == 0, "it may run");
  return reinterpret_cast<call_by>(place);
}

}  // namespace

int main() {
  expect_ashlar();
  expect(ashlar::set_tracking({.level = ashlar::track_level::full}), "tracking begins");
  call = make_code();
  stack = map(2 * stack_size, PROT_READ | PROT_WRITE);
  stack_t there = {};
  there.ss_sp = stack;
  there.ss_size = stack_size;
  expect(sigaltstack(&there, nullptr) == 0, "signals have a stack");
  struct sigaction action = {};
  action.sa_handler = handle;
  action.sa_flags = SA_ONSTACK;
  expect(sigaction(SIGUSR1, &action, nullptr) == 0, "and a handler");
  raise(SIGUSR1);
  munmap(stack + stack_size, stack_size);
  raise(SIGUSR1);
}
