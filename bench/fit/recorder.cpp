// SPDX-License-Identifier: MIT
// Records the allocations of a program: preloaded, it notes every call of the malloc family.
//
//     ASHLAR_RECORD=FILE LD_PRELOAD=libashlar-recorder.so PROGRAM ...   writes FILE.PID
//
// The memory still comes from glibc. A file is a row of `call_record` (trace.hpp); pointers become
// numbers of blocks when it is read. A child of fork, and a program that it starts, writes a file
// of its own.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "trace.hpp"

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);
}

namespace {

using bench::call_kind;
using bench::call_record;

constexpr std::size_t buffered = 8192;
std::atomic_flag lock = ATOMIC_FLAG_INIT;
call_record buffer[buffered];
std::size_t count = 0;
int file = -1;
bool is_closed = false;

void write_out() {
  const char* at = reinterpret_cast<const char*>(buffer);
  std::size_t left = count * sizeof(call_record);
  while (left != 0) {
    const ssize_t written = ::write(file, at, left);
    if (written <= 0) break;
    at += written;
    left -= static_cast<std::size_t>(written);
  }
  count = 0;
}

bool is_open() {
  if (file >= 0) return true;
  const char* const prefix = std::getenv("ASHLAR_RECORD");
  if (prefix == nullptr || is_closed) return false;
  char name[4096];
  std::snprintf(name, sizeof name, "%s.%d", prefix, static_cast<int>(::getpid()));
  file = ::open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  is_closed = file < 0;
  return !is_closed;
}

void note(call_kind kind, const void* before, const void* after, std::size_t size) {
  const int saved = errno;
  while (lock.test_and_set(std::memory_order_acquire)) {
  }
  if (is_open()) {
    buffer[count++] = {kind, size, reinterpret_cast<std::uint64_t>(before),
                       reinterpret_cast<std::uint64_t>(after)};
    if (count == buffered) write_out();
  }
  lock.clear(std::memory_order_release);
  errno = saved;
}

[[gnu::destructor]] void finish() {
  while (lock.test_and_set(std::memory_order_acquire)) {
  }
  if (file >= 0) write_out();
  lock.clear(std::memory_order_release);
}

// What the parent has buffered is the parent's to write.
[[gnu::constructor]] void watch_forks() {
  ::pthread_atfork(nullptr, nullptr, [] {
    lock.clear();
    count = 0;
    if (file >= 0) ::close(file);
    file = -1;
  });
}

void* noted(void* p, std::size_t size) {
  if (p != nullptr) note(call_kind::allocate, nullptr, p, size);
  return p;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) { return noted(__libc_malloc(size), size); }

void* calloc(std::size_t n, std::size_t size) { return noted(__libc_calloc(n, size), n * size); }

// Noted as one step. Between the real call and the note another thread may get the old address; the
// reader takes a block that is made twice for freed before.
void* realloc(void* p, std::size_t size) {
  void* const moved = __libc_realloc(p, size);
  if (moved != nullptr) note(call_kind::reallocate, p, moved, size);
  if (moved == nullptr && size == 0 && p != nullptr) note(call_kind::free, p, nullptr, 0);
  return moved;
}

void free(void* p) {
  if (p != nullptr) note(call_kind::free, p, nullptr, 0);
  __libc_free(p);
}

void* memalign(std::size_t alignment, std::size_t size) {
  return noted(__libc_memalign(alignment, size), size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) { return memalign(alignment, size); }

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  void* const p = memalign(alignment, size);
  if (p == nullptr) return ENOMEM;
  *out = p;
  return 0;
}

}  // extern "C"
