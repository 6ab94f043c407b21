// SPDX-License-Identifier: MIT
// The malloc family, as glibc 2.36 exports it, and the sized frees of C23.
//
// Every function is one line over process_heap.hpp plus what its standard says about errors. errno
// is set only where a function fails.
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "ashlar/os/address_space.hpp"
#include "ashlar/replace/process_heap.hpp"

using namespace ashlar;
using namespace ashlar::replace;

extern "C" {

ASHLAR_EXPORT_HOT void* malloc(std::size_t size) noexcept { return allocate(size); }

ASHLAR_EXPORT_HOT void free(void* p) noexcept { deallocate(p); }

// Gone from the headers of glibc 2.26, but old programs are still linked against it.
ASHLAR_EXPORT void cfree(void* p) noexcept { deallocate(p); }

ASHLAR_EXPORT void* calloc(std::size_t count, std::size_t size) noexcept {
  std::size_t bytes;
  if (!checked_multiply(count, size, bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  void* const p = try_allocate(bytes);
  return p != nullptr ? std::memset(p, 0, bytes) : allocate_zeroed(bytes);
}

ASHLAR_EXPORT void* realloc(void* p, std::size_t size) noexcept { return reallocate(p, size); }

ASHLAR_EXPORT void* reallocarray(void* p, std::size_t count, std::size_t size) noexcept {
  std::size_t bytes;
  if (!checked_multiply(count, size, bytes)) {
    errno = ENOMEM;
    return nullptr;
  }
  return reallocate(p, bytes);
}

ASHLAR_EXPORT void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return allocate_aligned(alignment, size);
}

ASHLAR_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return allocate_aligned(alignment, size);
}

// The only one that returns its error, and leaves errno and `*result` alone when it fails.
ASHLAR_EXPORT int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
  if (!is_power_of_two(alignment) || alignment % sizeof(void*) != 0) return EINVAL;
  const int saved = errno;
  void* const p = allocate_aligned(alignment, size);
  const int error = errno;
  errno = saved;
  if (p == nullptr) return error;
  *result = p;
  return 0;
}

ASHLAR_EXPORT void* valloc(std::size_t size) noexcept {
  return allocate_aligned(os::page_size(), size);
}

ASHLAR_EXPORT void* pvalloc(std::size_t size) noexcept {
  const std::size_t page = os::page_size();
  if (size > max_size) {
    errno = ENOMEM;
    return nullptr;
  }
  return allocate_aligned(page, align_up(size == 0 ? 1 : size, page));
}

ASHLAR_EXPORT std::size_t malloc_usable_size(void* p) noexcept { return usable_size(p); }

// The size is a hint that is not needed: the page map knows better. The debug level checks it.
ASHLAR_EXPORT void free_sized(void* p, std::size_t size) noexcept {
  deallocate_sized(p, size, family::malloc);
}
ASHLAR_EXPORT void free_aligned_sized(void* p, std::size_t alignment, std::size_t) noexcept {
  deallocate_aligned(p, alignment, family::malloc);
}

// The second names under which glibc exports these. Programs with a malloc of their own call what
// is below it by them. Aliases, since a call of `malloc` from here would lead back to that program.
ASHLAR_EXPORT decltype(malloc) __libc_malloc __attribute__((malloc, alias("malloc")));
ASHLAR_EXPORT decltype(free) __libc_free __attribute__((alias("free")));
ASHLAR_EXPORT decltype(calloc) __libc_calloc __attribute__((malloc, alias("calloc")));
ASHLAR_EXPORT decltype(realloc) __libc_realloc __attribute__((alias("realloc")));
ASHLAR_EXPORT decltype(memalign) __libc_memalign __attribute__((alias("memalign")));
ASHLAR_EXPORT decltype(valloc) __libc_valloc __attribute__((malloc, alias("valloc")));
ASHLAR_EXPORT decltype(pvalloc) __libc_pvalloc __attribute__((alias("pvalloc")));

}  // extern "C"
