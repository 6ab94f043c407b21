// SPDX-License-Identifier: MIT
// The real system calls of Linux behind the table of os/system_calls.hpp.
#include "ashlar/os/system_calls.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "ashlar/os/posix/errno_guard.hpp"
#include "ashlar/os/process.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar::os {

namespace {

std::intptr_t map(void* address, std::size_t size, int protection, int flags, int file) noexcept {
  const errno_guard guard;
  void* const result = ::mmap(address, size, protection, flags, file, 0);
  return errno_guard::outcome(reinterpret_cast<std::intptr_t>(result));
}

std::intptr_t unmap(void* address, std::size_t size) noexcept {
  const errno_guard guard;
  return errno_guard::outcome(::munmap(address, size));
}

std::intptr_t protect(void* address, std::size_t size, int protection) noexcept {
  const errno_guard guard;
  return errno_guard::outcome(::mprotect(address, size, protection));
}

std::intptr_t advise(void* address, std::size_t size, int advice) noexcept {
  const errno_guard guard;
  return errno_guard::outcome(::madvise(address, size, advice));
}

std::intptr_t remap(void* address, std::size_t size, std::size_t new_size, int flags,
                    void* target) noexcept {
  const errno_guard guard;
  void* const result = ::mremap(address, size, new_size, flags, target);
  return errno_guard::outcome(reinterpret_cast<std::intptr_t>(result));
}

// Kernels built without CONFIG_ANON_VMA_NAME, or older than 5.17, answer EINVAL.
std::intptr_t name(void* address, std::size_t size, const char* text) noexcept {
  const errno_guard guard;
  return errno_guard::outcome(::prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, address, size,
                                      reinterpret_cast<std::uintptr_t>(text)));
}

std::intptr_t residency(void* address, std::size_t size, unsigned char* pages) noexcept {
  const errno_guard guard;
  return errno_guard::outcome(::mincore(address, size, pages));
}

std::intptr_t create_file(const char* text, std::size_t size) noexcept {
  const errno_guard guard;
  const cancellation_hold hold;
  if (size > file_size_limit()) return -EFBIG;
  const int file = ::memfd_create(text, MFD_CLOEXEC);
  if (file < 0) return errno_guard::outcome(file);
  if (::ftruncate(file, static_cast<off_t>(size)) == 0) return file;
  const std::intptr_t error = errno_guard::outcome(-1);
  ::close(file);
  return error;
}

std::intptr_t close_file(int file) noexcept {
  const errno_guard guard;
  const cancellation_hold hold;
  return errno_guard::outcome(::close(file));
}

}  // namespace

constinit const system_calls real_system_calls{
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .advise = advise,
    .remap = remap,
    .name = name,
    .residency = residency,
    .create_file = create_file,
    .close_file = close_file,
};

namespace {

constinit std::atomic<const system_calls*> active{&real_system_calls};

}  // namespace

const system_calls& active_system_calls() noexcept {
  return *active.load(std::memory_order_acquire);
}

const system_calls& exchange_system_calls(const system_calls& table) noexcept {
  return *active.exchange(&table, std::memory_order_acq_rel);
}

}  // namespace ashlar::os
