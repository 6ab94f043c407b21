// SPDX-License-Identifier: MIT
// Stacks of fibers that are unmapped, and smaller ones in their place: what a walk met on the one
// must not be looked for on the other.
#include <alloca.h>
#include <pthread.h>
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

// Returns `place` if one is given.
void* map_at(void* place, std::size_t size) {
  const int fixed = place != nullptr ? MAP_FIXED_NOREPLACE : 0;
  void* const got =
      mmap(place, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);
  expect(got != MAP_FAILED, "there is memory");
  return got;
}

// So deep on the thread's own stack that its bounds are asked for.
[[gnu::noinline]] void look_at_own_stack() {
  auto* const locals = static_cast<volatile char*>(alloca(40 << 10));
  locals[0] = 1;
  void* volatile p = std::malloc(40);
  std::free(p);
}

// `wanted` is where the fibers' stacks are to lie, if anywhere.
void run_fibers(void* wanted) {
  // With some of these, frames of both stacks lie at the same places.
  for (padding = 16; padding < 320; padding += 16) {
    void* const place = map_at(wanted, large);
    look_at_own_stack();
    // So deep that the innermost of the frames lie where the smaller stack is going to be.
    run_fiber(place, large, 1);
    const auto* const first = static_cast<const char*>(place) + large;
    const auto of_two = static_cast<std::size_t>(first - innermost);
    run_fiber(place, large, 2);
    const std::size_t of_one = static_cast<std::size_t>(first - innermost) - of_two;
    run_fiber(place, large, static_cast<int>((large - small + 3072 - of_two) / of_one));
    munmap(place, large);
    void* const again = map_at(place, small);
    for (int depth = 1; depth < 30; ++depth) run_fiber(again, small, depth);
    munmap(again, small);
  }
}

// In a thread whose stack the program made, right behind those of the fibers: for the kernel all
// that is one mapping.
void run_fibers_beside_a_thread() {
  constexpr std::size_t own = 256 << 10;
  auto* const pool = static_cast<char*>(map_at(nullptr, large + own));
  munmap(pool, large);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstack(&attributes, pool + large, own);
  const auto run = [](void* place) -> void* {
    run_fibers(place);
    return nullptr;
  };
  pthread_t thread = {};
  expect(pthread_create(&thread, &attributes, run, pool) == 0, "there is a thread");
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  munmap(pool + large, own);
}

}  // namespace

int main() {
  expect_ashlar();
  expect(ashlar::set_tracking({.level = ashlar::track_level::full}), "tracking begins");
  run_fibers(nullptr);
  run_fibers_beside_a_thread();
}
