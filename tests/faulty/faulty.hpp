// SPDX-License-Identifier: MIT
// What the programs of this folder share. Each makes one mistake, or none if built with FIXED.
//
// Lines that a report must name carry a comment: `made` where the block comes from, `freed` where
// it was freed first, `noticed` where the mistake is made or found. See table.py for what is said.
#pragma once

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <new>

#if defined(FIXED)
inline constexpr bool faulty = false;
#else
inline constexpr bool faulty = true;
#endif

/// Hides from the compiler where a pointer comes from and what is done with it.
template <class T>
T* hidden(T* p) {
  asm volatile("" : "+r"(p) : : "memory");
  return p;
}

/// Overwrites what calls have left on the stack.
__attribute__((noinline)) inline void wipe_stack() {
  volatile char room[16384];
  for (size_t i = 0; i < sizeof room; ++i) room[i] = 0;
}

/// Runs a function in a thread of its own, to its end.
inline void in_thread(void (*function)()) {
  pthread_t thread;
  void* (*const run)(void*) = [](void* f) -> void* {
    reinterpret_cast<void (*)()>(f)();
    wipe_stack();
    return nullptr;
  };
  pthread_create(&thread, nullptr, run, reinterpret_cast<void*>(function));
  pthread_join(thread, nullptr);
}
