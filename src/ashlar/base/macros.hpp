// SPDX-License-Identifier: MIT
// The closed list of macros that the core may use.
//
// Everything a macro can be avoided for is language instead (constexpr, concepts, attributes).
// Facts about the build are always defined, to 0 or 1.
#pragma once

// Sanitizers change what a "plain" load may be: see base/relaxed.hpp.
#if defined(__SANITIZE_THREAD__)
#define ASHLAR_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ASHLAR_TSAN 1
#else
#define ASHLAR_TSAN 0
#endif
#else
#define ASHLAR_TSAN 0
#endif

#if defined(NDEBUG)
#define ASHLAR_DEBUG_CHECKS 0
#else
#define ASHLAR_DEBUG_CHECKS 1
#endif

#define ASHLAR_FORCE_INLINE inline __attribute__((always_inline))
#define ASHLAR_NO_INLINE __attribute__((noinline))
/// Cold code goes to its own section, so that hot pages stay dense.
#define ASHLAR_COLD __attribute__((noinline, cold))
#define ASHLAR_EXPORT __attribute__((visibility("default")))
/// The same, beginning a cache line: a hit of malloc fills one just so, and one of free two.
#define ASHLAR_EXPORT_HOT __attribute__((visibility("default"), aligned(64)))
/// For code that reads memory which is none of its own on purpose: stacks, all roots of pointers.
#define ASHLAR_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined")))
/// The same for a function that is to be inlined. Under a sanitizer it must not be, for then it
/// would be watched as what it is inlined into.
#if defined(__SANITIZE_ADDRESS__) || ASHLAR_TSAN
#define ASHLAR_NO_SANITIZE_INLINE inline __attribute__((noinline)) ASHLAR_NO_SANITIZE
#else
#define ASHLAR_NO_SANITIZE_INLINE ASHLAR_FORCE_INLINE
#endif

/// An internal invariant. Checked in debug builds only; the expression is not evaluated otherwise.
#if ASHLAR_DEBUG_CHECKS
#define ASHLAR_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::ashlar::panic(#condition, __FILE__, __LINE__))
#else
#define ASHLAR_ASSERT(condition) static_cast<void>(sizeof(!(condition)))
#endif
/// An internal invariant that is cheap enough to be checked in every build.
#define ASHLAR_CHECK(condition)                      \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? static_cast<void>(0)                        \
       : ::ashlar::panic(#condition, __FILE__, __LINE__))

namespace ashlar {

/// Prints one line and aborts. Declared here and defined in hardening/fault.cpp: the one deliberate
/// upward link, made at link time only.
[[noreturn]] ASHLAR_EXPORT void panic(const char* condition, const char* file, int line) noexcept;

}  // namespace ashlar
