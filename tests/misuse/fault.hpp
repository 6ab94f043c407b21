// SPDX-License-Identifier: MIT
// What the programs of this folder share: each commits one fault, and goes on if it may.
//
// A program prints the pointer, commits its fault, and then, under `faults=warn` and
// `faults=ignore`, shows that the heap is whole: that nothing was handed out twice and nothing it
// held was touched. Threads: one. Output goes through write(2), so that no stdio buffer comes
// between.
#pragma once

#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

inline void say(const char* text) {
  if (write(STDOUT_FILENO, text, strlen(text)) < 0) _exit(3);
}

/// Prints the pointer that the report must name, and hides from the compiler where it came from.
inline void* announced(const void* p) {
  char text[32];
  snprintf(text, sizeof(text), "%p\n", p);
  say(text);
  void* hidden = const_cast<void*>(p);
  asm volatile("" : "+r"(hidden));
  return hidden;
}

/// Returns a block of glibc's own heap, whose functions ashlar's hide.
inline void* malloc_of_glibc(size_t size) {
  void* const libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
  return reinterpret_cast<void* (*)(size_t)>(dlsym(libc, "malloc"))(size);
}

inline void* at(void* p, size_t offset) { return static_cast<char*>(p) + offset; }

/// Blocks of all kinds, from small to directly mapped, each filled with its own byte.
class witnesses {
 public:
  witnesses() {
    for (unsigned i = 0; i < count; ++i) {
      size_[i] = size_t{16} << (i % 22);
      block_[i] = static_cast<unsigned char*>(malloc(size_[i]));
      memset(block_[i], static_cast<int>(i), size_[i]);
    }
  }

  /// Ends the program: status 0 if all blocks still hold what was written.
  [[noreturn]] void finish() {
    for (unsigned i = 0; i < count; ++i) {
      for (size_t k = 0; k < size_[i]; k += 1 + size_[i] / 64)
        if (block_[i][k] != i) _exit(4);
      free(block_[i]);
    }
    say("went on\n");
    _exit(0);
  }

 private:
  static constexpr unsigned count = 44;
  unsigned char* block_[count];
  size_t size_[count];
};

/// Shows that the heap still serves, and ends the program.
[[noreturn]] inline void go_on() {
  witnesses after;
  after.finish();
}
