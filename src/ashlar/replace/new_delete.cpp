// SPDX-License-Identifier: MIT
// Every operator new and delete of C++17.
//
// The library links no libstdc++, since C programs that preload it have none. What C++ programs
// need of it when memory runs out, the new-handler and bad_alloc, is looked up weakly: a program
// that uses operator new has it.
#include <cstddef>
#include <new>

#include "ashlar/base/macros.hpp"
#include "ashlar/replace/process_heap.hpp"

namespace std {
[[noreturn]] __attribute__((weak)) void __throw_bad_alloc();
}  // namespace std

// std::get_new_handler(), by its symbol: a second, weak declaration of it is not allowed.
extern "C" __attribute__((weak)) std::new_handler _ZSt15get_new_handlerv() noexcept;

namespace ashlar::replace {

namespace {

// As the standard asks: call the new-handler until memory turns up or there is no handler.
ASHLAR_COLD void* retry(std::size_t size, std::size_t alignment) {
  while (true) {
    const std::new_handler handler =
        _ZSt15get_new_handlerv != nullptr ? _ZSt15get_new_handlerv() : nullptr;
    if (handler == nullptr) return nullptr;
    handler();  // may throw: this file is compiled with unwind tables
    if (void* const p = allocate_aligned(alignment, size)) return p;
  }
}

[[noreturn]] ASHLAR_COLD void throw_bad_alloc() {
  if (&std::__throw_bad_alloc != nullptr) std::__throw_bad_alloc();
  panic("operator new: out of memory, and no libstdc++ to throw bad_alloc with", __FILE__,
        __LINE__);
}

ASHLAR_COLD void* new_slow(std::size_t size, std::size_t alignment) {
  void* const p = retry(size, alignment);
  if (p == nullptr) throw_bad_alloc();
  return p;
}

ASHLAR_FORCE_INLINE void* new_block(std::size_t size) {
  void* const p = allocate(size);
  return p != nullptr ? p : new_slow(size, default_alignment);
}

ASHLAR_FORCE_INLINE void* new_aligned(std::size_t size, std::align_val_t alignment) {
  void* const p = allocate_aligned(static_cast<std::size_t>(alignment), size);
  return p != nullptr ? p : new_slow(size, static_cast<std::size_t>(alignment));
}

}  // namespace

}  // namespace ashlar::replace

using namespace ashlar::replace;

ASHLAR_EXPORT void* operator new(std::size_t n) { return new_block(n); }
ASHLAR_EXPORT void* operator new[](std::size_t n) { return new_block(n); }
ASHLAR_EXPORT void* operator new(std::size_t n, std::align_val_t a) { return new_aligned(n, a); }
ASHLAR_EXPORT void* operator new[](std::size_t n, std::align_val_t a) { return new_aligned(n, a); }

// The nothrow forms call the handler too; one that throws ends the program here, as noexcept says.
ASHLAR_EXPORT void* operator new(std::size_t n, const std::nothrow_t&) noexcept {
  void* const p = allocate(n);
  return p != nullptr ? p : retry(n, ashlar::default_alignment);
}
ASHLAR_EXPORT void* operator new[](std::size_t n, const std::nothrow_t& t) noexcept {
  return operator new(n, t);
}
ASHLAR_EXPORT void* operator new(std::size_t n, std::align_val_t a,
                                 const std::nothrow_t&) noexcept {
  void* const p = allocate_aligned(static_cast<std::size_t>(a), n);
  return p != nullptr ? p : retry(n, static_cast<std::size_t>(a));
}
ASHLAR_EXPORT void* operator new[](std::size_t n, std::align_val_t a,
                                   const std::nothrow_t& t) noexcept {
  return operator new(n, a, t);
}

ASHLAR_EXPORT void operator delete(void* p) noexcept { deallocate(p); }
ASHLAR_EXPORT void operator delete[](void* p) noexcept { deallocate(p); }
ASHLAR_EXPORT void operator delete(void* p, std::size_t) noexcept { deallocate(p); }
ASHLAR_EXPORT void operator delete[](void* p, std::size_t) noexcept { deallocate(p); }
ASHLAR_EXPORT void operator delete(void* p, std::align_val_t) noexcept { deallocate(p); }
ASHLAR_EXPORT void operator delete[](void* p, std::align_val_t) noexcept { deallocate(p); }
ASHLAR_EXPORT void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
  deallocate(p);
}
ASHLAR_EXPORT void operator delete[](void* p, std::size_t, std::align_val_t) noexcept {
  deallocate(p);
}
ASHLAR_EXPORT void operator delete(void* p, const std::nothrow_t&) noexcept { deallocate(p); }
ASHLAR_EXPORT void operator delete[](void* p, const std::nothrow_t&) noexcept { deallocate(p); }
ASHLAR_EXPORT void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  deallocate(p);
}
ASHLAR_EXPORT void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept {
  deallocate(p);
}
