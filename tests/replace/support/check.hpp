// SPDX-License-Identifier: MIT
// The three words that the programs of this folder are written in: no framework, which would
// allocate through the heap under test before, between and after what is tested.
//
// Every program is built three times: plain (for preloading), linked with the shared library,
// linked with the static one. All start with `expect_ashlar`, lest they test glibc.
#pragma once

#include <dlfcn.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <initializer_list>
#include <source_location>

/// Ends the program with status 1 and a line that names the place, unless `holds`.
inline void expect(bool holds, const char* what,
                   std::source_location place = std::source_location::current()) {
  if (holds) [[likely]]
    return;
  fflush(stdout);
  char text[512];
  const int size =
      snprintf(text, sizeof(text), "%s:%u: not so: %s\n", place.file_name(), place.line(), what);
  if (write(STDERR_FILENO, text, static_cast<size_t>(size)) < 0) _exit(2);
  _exit(1);
}

/// Ends the program unless malloc is ashlar's: that of its shared library, or the program's own.
inline void expect_ashlar() {
  Dl_info here;
  void* const function = dlsym(RTLD_DEFAULT, "malloc");
  expect(function != nullptr && dladdr(function, &here) != 0, "malloc lies in a known file");
  expect(strstr(here.dli_fname, "libashlar-malloc.so") != nullptr ||
             strstr(here.dli_fname, "-static") != nullptr,
         "malloc is ashlar's");
}

/// Hides a value from the compiler, which would otherwise reason about what it knows of malloc.
template <class T>
T opaque(T value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

/// Bytes of this process that are in memory, as the kernel counts them. 0 if it does not tell.
inline size_t resident_bytes() {
  FILE* const file = fopen("/proc/self/statm", "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  const bool read = file != nullptr && fscanf(file, "%lu %lu", &total, &resident) == 2;
  if (file != nullptr) fclose(file);
  return read ? resident * static_cast<size_t>(sysconf(_SC_PAGESIZE)) : 0;
}

/// A small generator of numbers: the same ones in each run.
class random_numbers {
 public:
  explicit random_numbers(uint64_t seed) : state_(seed * 2 + 1) {}

  uint64_t next() {  // xorshift64*
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  size_t below(size_t limit) { return static_cast<size_t>(next() % limit); }
  /// Sizes as programs have them: every doubling up to `limit` equally likely.
  size_t size_up_to(size_t limit) {
    const auto doublings = static_cast<unsigned>(64 - __builtin_clzll(limit));
    const size_t least = size_t{1} << below(doublings);
    const size_t size = least + below(least);
    return size < limit ? size : limit;
  }

 private:
  uint64_t state_;
};

/// The eight bytes at a place of a filled block.
inline uint64_t filling(size_t index, unsigned seed) {
  return (index + seed * 0x9e37u + 1) * 0x9e3779b97f4a7c15;
}

/// Fills a block with bytes that follow from its seed, and `is_filled` tells whether they are
/// there.
inline void fill(void* p, size_t size, unsigned seed) {
  auto* const bytes = static_cast<unsigned char*>(p);
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t word = filling(i, seed);
    memcpy(bytes + i, &word, size - i < 8 ? size - i : 8);
  }
}

inline bool is_filled(const void* p, size_t size, unsigned seed) {
  const auto* const bytes = static_cast<const unsigned char*>(p);
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t word = filling(i, seed);
    if (memcmp(bytes + i, &word, size - i < 8 ? size - i : 8) != 0) return false;
  }
  return true;
}

inline bool is_zero(const void* p, size_t size) {
  const auto* const bytes = static_cast<const unsigned char*>(p);
  return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

inline bool is_aligned(const void* p, size_t alignment) {
  return reinterpret_cast<uintptr_t>(p) % alignment == 0;
}
