// SPDX-License-Identifier: MIT
// Every operator new and delete of C++17.
//
// The library links no libstdc++, since C programs that preload it have none. What C++ programs
// need of it when memory runs out is found in two ways: by weak references, where it belongs to the
// program, and by name, where a C program such as python3 has loaded it for an extension.
#include <dlfcn.h>

#include <cstddef>
#include <new>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/replace/process_heap.hpp"

namespace std {
[[noreturn]] __attribute__((weak)) void __throw_bad_alloc();
}  // namespace std

// std::get_new_handler(), by its symbol: a second, weak declaration of it is not allowed.
extern "C" __attribute__((weak)) std::new_handler _ZSt15get_new_handlerv() noexcept;

namespace ashlar::replace {

namespace {

void* find_in_cxx_library(const char* symbol) {
  // By its name, since the linker warns of it in each program that is linked statically.
  auto* const open = reinterpret_cast<decltype(dlopen)*>(::dlsym(RTLD_DEFAULT, "dlopen"));
  if (open == nullptr) return nullptr;
  for (const char* const name : {"libstdc++.so.6", "libc++abi.so.1"}) {
    // Loads nothing, but finds also what a plugin has brought for itself alone.
    void* const library = open(name, RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    void* const found = ::dlsym(library, symbol);
    ::dlclose(library);  // whoever has loaded it is calling us, and so still has it
    if (found != nullptr) return found;
  }
  return nullptr;
}

// Returns a function of the C++ library, or null if none is loaded.
template <class Function>
Function* cxx_function(Function* weak_reference, const char* symbol) {
  if (weak_reference != nullptr) return weak_reference;
  return reinterpret_cast<Function*>(find_in_cxx_library(symbol));
}

std::new_handler current_new_handler() {
  auto* const ask = cxx_function(&_ZSt15get_new_handlerv, "_ZSt15get_new_handlerv");
  return ask != nullptr ? ask() : nullptr;
}

// As the standard asks: call the new-handler until memory turns up or there is no handler. An
// alignment that cannot be is no lack of memory, and no handler could do anything about it.
ASHLAR_COLD void* retry(layout request, family made_by, const caller& from) {
  if (!is_power_of_two(request.alignment)) return nullptr;
  while (const std::new_handler handler = current_new_handler()) {
    handler();  // may throw: this file is compiled with unwind tables
    if (void* const p = allocate_for(request, made_by, from)) return p;
  }
  return nullptr;
}

[[noreturn]] ASHLAR_COLD void throw_bad_alloc() {
  auto* const raise = cxx_function(&std::__throw_bad_alloc, "_ZSt17__throw_bad_allocv");
  if (raise != nullptr) raise();
  panic("operator new: out of memory, and no C++ library to throw bad_alloc with", __FILE__,
        __LINE__);
}

ASHLAR_COLD void* allocate_or_throw(layout request, family made_by, const caller& from) {
  void* p = allocate_for(request, made_by, from);
  if (p == nullptr) p = retry(request, made_by, from);
  if (p == nullptr) throw_bad_alloc();
  return p;
}

// What the fast path could not serve. The forms end by calling these (a jump), so that whoever
// called the form is the caller here.
ASHLAR_NO_INLINE void* new_slow(std::size_t size, std::size_t alignment, family made_by) {
  return allocate_or_throw({size, alignment}, made_by, observe::caller_of_this());
}

// The nothrow forms call the handler too, and what that throws means null. Nothing can be caught
// here; but the form of the C++ library does that, around a call of our operator new that may
// throw. Where it cannot be found, in a program that is linked with it statically, an exception
// ends the program.
ASHLAR_COLD void* allocate_or_null(layout request, family made_by, const caller& from) noexcept {
  void* const p = allocate_for(request, made_by, from);
  if (p != nullptr) return p;
  if (current_new_handler() == nullptr || !is_power_of_two(request.alignment)) return nullptr;
  const bool is_array = made_by == family::new_array;
  if (request.alignment <= default_alignment) {
    using plain_form = void*(std::size_t, const std::nothrow_t&) noexcept;
    void* const form =
        find_in_cxx_library(is_array ? "_ZnamRKSt9nothrow_t" : "_ZnwmRKSt9nothrow_t");
    if (form != nullptr) return reinterpret_cast<plain_form*>(form)(request.size, std::nothrow_t());
  } else {
    using aligned_form = void*(std::size_t, std::align_val_t, const std::nothrow_t&) noexcept;
    void* const form = find_in_cxx_library(is_array ? "_ZnamSt11align_val_tRKSt9nothrow_t"
                                                    : "_ZnwmSt11align_val_tRKSt9nothrow_t");
    if (form != nullptr)
      return reinterpret_cast<aligned_form*>(form)(
          request.size, std::align_val_t{request.alignment}, std::nothrow_t());
  }
  return retry(request, made_by, from);
}

ASHLAR_NO_INLINE void* new_nothrow_slow(std::size_t size, std::size_t alignment,
                                        family made_by) noexcept {
  return allocate_or_null({size, alignment}, made_by, observe::caller_of_this());
}

ASHLAR_FORCE_INLINE void* new_block(std::size_t size, family made_by) {
  void* const p = try_allocate(size);
  return p != nullptr ? p : new_slow(size, default_alignment, made_by);
}

ASHLAR_FORCE_INLINE void* new_block_or_null(std::size_t size, family made_by) noexcept {
  void* const p = try_allocate(size);
  return p != nullptr ? p : new_nothrow_slow(size, default_alignment, made_by);
}

}  // namespace

}  // namespace ashlar::replace

using namespace ashlar::replace;

namespace {

constexpr family object = family::new_object;
constexpr family array = family::new_array;

constexpr std::size_t number(std::align_val_t a) { return static_cast<std::size_t>(a); }

}  // namespace

using std::align_val_t;
using std::nothrow_t;
using std::size_t;

ASHLAR_EXPORT_HOT void* operator new(size_t n) { return new_block(n, object); }
ASHLAR_EXPORT_HOT void* operator new[](size_t n) { return new_block(n, array); }
ASHLAR_EXPORT void* operator new(size_t n, align_val_t a) { return new_slow(n, number(a), object); }
ASHLAR_EXPORT void* operator new[](size_t n, align_val_t a) {
  return new_slow(n, number(a), array);
}

ASHLAR_EXPORT void* operator new(size_t n, const nothrow_t&) noexcept {
  return new_block_or_null(n, object);
}
ASHLAR_EXPORT void* operator new[](size_t n, const nothrow_t&) noexcept {
  return new_block_or_null(n, array);
}
ASHLAR_EXPORT void* operator new(size_t n, align_val_t a, const nothrow_t&) noexcept {
  return new_nothrow_slow(n, number(a), object);
}
ASHLAR_EXPORT void* operator new[](size_t n, align_val_t a, const nothrow_t&) noexcept {
  return new_nothrow_slow(n, number(a), array);
}

ASHLAR_EXPORT_HOT void operator delete(void* p) noexcept { deallocate(p, object); }
ASHLAR_EXPORT_HOT void operator delete[](void* p) noexcept { deallocate(p, array); }
ASHLAR_EXPORT_HOT void operator delete(void* p, size_t n) noexcept {
  deallocate_sized(p, n, object);
}
ASHLAR_EXPORT_HOT void operator delete[](void* p, size_t n) noexcept {
  deallocate_sized(p, n, array);
}
ASHLAR_EXPORT void operator delete(void* p, align_val_t a) noexcept {
  deallocate_aligned(p, number(a), object);
}
ASHLAR_EXPORT void operator delete[](void* p, align_val_t a) noexcept {
  deallocate_aligned(p, number(a), array);
}
ASHLAR_EXPORT void operator delete(void* p, size_t n, align_val_t) noexcept {
  deallocate_sized(p, n, object, true);
}
ASHLAR_EXPORT void operator delete[](void* p, size_t n, align_val_t) noexcept {
  deallocate_sized(p, n, array, true);
}
ASHLAR_EXPORT void operator delete(void* p, const nothrow_t&) noexcept { deallocate(p, object); }
ASHLAR_EXPORT void operator delete[](void* p, const nothrow_t&) noexcept { deallocate(p, array); }
ASHLAR_EXPORT void operator delete(void* p, align_val_t a, const nothrow_t&) noexcept {
  deallocate_aligned(p, number(a), object);
}
ASHLAR_EXPORT void operator delete[](void* p, align_val_t a, const nothrow_t&) noexcept {
  deallocate_aligned(p, number(a), array);
}
