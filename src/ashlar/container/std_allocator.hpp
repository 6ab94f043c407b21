// SPDX-License-Identifier: MIT
// std_allocator: the allocator that lets the standard containers take their memory from a manager.
//
//     std::map<int, std::string, std::less<>, ashlar::std_allocator<std::pair<const int,
//              std::string>>> names(nodes);    // `nodes` is a pool, an arena, any manager
//
// How it propagates, and why:
//   * equality: same manager, the only case in which a block of one may be given to the other;
//   * move assignment and swap take it along: O(1), elements stay where they are, and the target
//     then lives by the source's manager;
//   * copy assignment does not: the target keeps the manager it was made with;
//   * copy construction takes current(), not the source's manager, which may end earlier.
// The manager must outlive the container. Where refused memory throws: refusal.hpp.
// Threads: as the manager. Cost: one word in each container; memory's cost for a call, a load and a
// branch (inner_blocks.hpp).
#pragma once

#include <cstddef>
#include <type_traits>

#include "ashlar/base/bits.hpp"
#include "ashlar/container/refusal.hpp"
#include "ashlar/manager/class_tag.hpp"
#include "ashlar/manager/inner_blocks.hpp"
#include "ashlar/manager/source/current.hpp"

namespace ashlar {

/// What `allocate_at_least` returns. Turns into std::allocation_result where C++23 has it.
template <class T>
struct allocation_of {
  T* ptr;
  std::size_t count;

  template <class Result>
  requires requires(T* p, std::size_t n) { Result{p, n}; }
  constexpr operator Result() const {  // NOLINT(google-explicit-constructor)
    return Result{ptr, count};
  }
};

template <class T>
class std_allocator {
 public:
  using value_type = T;
  using propagate_on_container_move_assignment = std::true_type;
  using propagate_on_container_swap = std::true_type;
  using propagate_on_container_copy_assignment = std::false_type;
  using is_always_equal = std::false_type;

  /// Of current(): what containers take that name no allocator.
  std_allocator() noexcept : memory_(current()) {}
  std_allocator(memory from) noexcept : memory_(from) {}    // NOLINT(google-explicit-constructor)
  std_allocator(manager& from) noexcept : memory_(from) {}  // NOLINT(google-explicit-constructor)
  template <class U>
  std_allocator(const std_allocator<U>& other) noexcept  // NOLINT(google-explicit-constructor)
      : memory_(other.get_memory()) {}

  memory get_memory() const noexcept { return memory_; }
  std_allocator select_on_container_copy_construction() const noexcept { return {}; }

  /// Errors: throws: std::length_error for more than `max_size` bytes, else bad_allocation.
  [[nodiscard]] T* allocate(std::size_t count) {
    return static_cast<T*>(obtain(count, fit::get_exact).data);
  }
  /// Returns all elements that fit into the block: `count` or more.
  [[nodiscard]] allocation_of<T> allocate_at_least(std::size_t count) {
    const block b = obtain(count, fit::get_no_less);
    return {static_cast<T*>(b.data), b.size / sizeof(T)};
  }
  /// Takes a block back, with any count from the one asked for to the one that fitted.
  void deallocate(T* first, std::size_t count) noexcept {
    inner_blocks::deallocate(memory_, {first, count * sizeof(T)}, alignof(T));
  }

 private:
  block obtain(std::size_t count, fit wanted) const {
    std::size_t size;
    if (!checked_multiply(count, sizeof(T), size)) throw_refusal(status::too_large);
    const class_tag_scope<T> counted;
    const allocation fresh = inner_blocks::allocate(memory_, {size, alignof(T)}, wanted);
    if (fresh) [[likely]]
      return fresh.get();
    return allocate_or_throw(memory_, {size, alignof(T)}, wanted);
  }

  memory memory_;
};

template <class T, class U>
bool operator==(const std_allocator<T>& a, const std_allocator<U>& b) noexcept {
  return a.get_memory() == b.get_memory();
}

}  // namespace ashlar
