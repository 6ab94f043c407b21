// SPDX-License-Identifier: MIT
// The sources: where memory comes from in the end.
#include "ashlar/sources.hpp"

#include <cstring>

#include "conformance/conformance.hpp"

namespace {

using namespace ashlar::literals;

/// The OS manager over verbs of a user's: those of the suite's ground.
struct os_over_verbs {
  static constexpr std::size_t largest = 256_KiB;
  static constexpr std::size_t steps = 1500;  // each is a system call
  explicit os_over_verbs(ashlar::memory upstream) : os_(upstream.os()) {}
  ashlar::manager& get() { return os_; }
  ashlar::os_manager& os_;
};

/// The OS itself.
struct system_os {
  static constexpr std::size_t largest = 256_KiB;
  static constexpr std::size_t steps = 1500;
  static constexpr bool uses_upstream = false;
  explicit system_os(ashlar::memory) {}
  ashlar::manager& get() { return ashlar::system_os(); }
};

struct operator_new {
  static constexpr std::size_t largest = 1_MiB;
  static constexpr bool uses_upstream = false;
  explicit operator_new(ashlar::memory) {}
  ashlar::manager& get() { return new_; }
  ashlar::new_manager new_;
};

/// A block of the user's, as an OS.
struct user_block {
  static constexpr std::size_t largest = 256_KiB;
  static constexpr bool uses_upstream = false;
  explicit user_block(ashlar::memory) : os_({.memory = {block.data, sizeof(block.data)}}) {}
  ashlar::manager& get() { return os_; }
  static inline struct { alignas(64_KiB) std::byte data[2_MiB]; } block;
  ashlar::user_block_os os_;
};

/// The same with small pages, beginning and ending anywhere.
struct user_block_of_small_pages {
  static constexpr std::size_t largest = 16_KiB;
  static constexpr std::size_t max_alignment = 16_KiB;
  static constexpr bool uses_upstream = false;
  explicit user_block_of_small_pages(ashlar::memory)
      : os_({.memory = {block + 13, sizeof(block) - 13}, .page_size = 64}) {}
  ashlar::manager& get() { return os_; }
  static inline std::byte block[200'001];
  ashlar::user_block_os os_;
};

/// Functions of the user's, as few as possible.
struct user_functions {
  static constexpr std::size_t largest = 256_KiB;
  explicit user_functions(ashlar::memory upstream) : user_(table(upstream)) {}
  ashlar::manager& get() { return user_; }
  static ashlar_user_memory table(ashlar::memory upstream) {
    ashlar_user_memory functions = {};
    functions.context = upstream.get();
    functions.allocate = take;
    functions.deallocate = give;
    return functions;
  }
  static void* take(void* context, std::size_t size, std::size_t alignment) {
    return ashlar::memory(*static_cast<ashlar::manager*>(context))
        .allocate({size, alignment})
        .data();
  }
  static void give(void* context, void* data, std::size_t size, std::size_t alignment) {
    ashlar::memory(*static_cast<ashlar::manager*>(context)).deallocate({data, size}, alignment);
  }
  ashlar::user_manager user_;
};

/// Functions of the user's, all of them.
struct all_user_functions {
  static constexpr std::size_t largest = 256_KiB;
  explicit all_user_functions(ashlar::memory upstream) : user_(table(upstream)) {}
  ashlar::manager& get() { return user_; }
  static ashlar_user_memory table(ashlar::memory upstream) {
    ashlar_user_memory functions = user_functions::table(upstream);
    functions.allocate_zeroed = take_zeroed;
    functions.reallocate = resize;
    functions.thread_safe = true;
    return functions;
  }
  static void* take_zeroed(void* context, std::size_t size, std::size_t alignment) {
    void* const p = user_functions::take(context, size, alignment);
    return p != nullptr ? std::memset(p, 0, size) : nullptr;
  }
  static void* resize(void* context, void* data, std::size_t old_size, std::size_t new_size,
                      std::size_t alignment, bool may_move) {
    return ashlar::memory(*static_cast<ashlar::manager*>(context))
        .reallocate({data, old_size}, alignment, {.size = new_size, .may_move = may_move})
        .data();
  }
  ashlar::user_manager user_;
};

/// Pages of the user's.
struct user_pages {
  static constexpr std::size_t largest = 256_KiB;
  static constexpr std::size_t steps = 1500;
  explicit user_pages(ashlar::memory upstream) : os_(table(upstream)) {}
  ashlar::manager& get() { return os_; }
  static ashlar_user_os table(ashlar::memory upstream) {
    ashlar_user_os functions = {};
    functions.context = &upstream.os();
    functions.reserve = [](void* c, std::size_t size, std::size_t alignment) -> void* {
      return of(c).reserve(size, alignment).data;
    };
    functions.release = [](void* c, void* data, std::size_t size, std::size_t committed) {
      of(c).release(range(data, size), committed);
    };
    functions.commit = [](void* c, void* data, std::size_t size) {
      return of(c).commit(range(data, size));
    };
    functions.zeroed = true;
    return functions;
  }
  static ashlar::os_manager& of(void* context) {
    return *static_cast<ashlar::os_manager*>(context);
  }
  static ashlar::os::range range(void* data, std::size_t size) {
    return {static_cast<std::byte*>(data), size};
  }
  ashlar::user_os os_;
};

ASHLAR_CONFORMS(user_block, user_block);
ASHLAR_CONFORMS(user_block_of_small_pages, user_block_of_small_pages);
ASHLAR_CONFORMS(user_functions, user_functions);
ASHLAR_CONFORMS(all_user_functions, all_user_functions);
ASHLAR_CONFORMS(user_pages, user_pages);
ASHLAR_CONFORMS(os_over_verbs, os_over_verbs);
ASHLAR_CONFORMS(system_os, system_os);
ASHLAR_CONFORMS(operator_new, operator_new);

}  // namespace
