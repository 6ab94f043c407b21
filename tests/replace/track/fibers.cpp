// SPDX-License-Identifier: MIT
// Stacks of fibers that are unmapped, and smaller ones in their place: what a walk met on the one
// must not be looked for on the other.
#include <alloca.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <cstdlib>

#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

constexpr std::size_t large = 64 << 10;
constexpr std::size_t small = 16 << 10;

ucontext_t outside;
ucontext_t fiber;
int wanted_depth;
std::size_t padding;
const volatile char* innermost;

[[gnu::noinline]] int descend(int depth) {
  auto* const frame = static_cast<volatile char*>(alloca(padding));
  frame[0] = 1;
  if (depth == 0) {
    innermost = frame;
    void* volatile p = std::malloc(33);
    std::free(p);
    return frame[0];
  }
  return descend(depth - 1) + frame[0];
}

void enter() { (void)descend(wanted_depth); }

void run_fiber(void* stack, std::size_t size, int depth) {
  wanted_depth = depth;
  expect(getcontext(&fiber) == 0, "there is a context");
  fiber.uc_stack.ss_sp = stack;
  fiber.uc_stack.ss_size = size;
  fiber.uc_link = &outside;
  makecontext(&fiber, enter, 0);
  expect(swapcontext(&outside, &fiber) == 0, "the fiber runs");
}

void* map_at(void* place, std::size_t size) {
  void* const got = mmap(place, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  expect(got != MAP_FAILED, "there is memory");
  return got;
}

}  // namespace

int main() {
  expect_ashlar();
  expect(ashlar::set_tracking({.level = ashlar::track_level::full}), "tracking begins");
  // With some of these, frames of both stacks lie at the same places.
  for (padding = 16; padding < 320; padding += 16) {
    void* const place = map_at(nullptr, large);
    // So deep that the innermost of the frames lie where the smaller stack is going to be.
    run_fiber(place, large, 1);
    const auto* const first = static_cast<const char*>(place) + large;
    const auto of_two = static_cast<std::size_t>(first - innermost);
    run_fiber(place, large, 2);
    const std::size_t of_one = static_cast<std::size_t>(first - innermost) - of_two;
    run_fiber(place, large, static_cast<int>((large - small + 3072 - of_two) / of_one));
    munmap(place, large);
    void* const again = map_at(place, small);  // a hint, and taken: nobody else is here
    expect(again == place, "the place is free");
    for (int depth = 1; depth < 30; ++depth) run_fiber(again, small, depth);
    munmap(again, small);
  }
}
