// SPDX-License-Identifier: MIT
// OS managers over memory of a user's: functions that deal in pages, or one block used exclusively.
//
//     ashlar::user_block_os block({.memory = {bytes, size}, .name = "level"});
//     ashlar::arena level({.os = &block});
//
//     ashlar_user_os table = {.context = &engine, .reserve = take, .release = give};
//     ashlar::user_os pages(table);          // takes the table; the engine outlives it
//     ashlar::heap scripts({.os = &pages});
//
// Whoever takes an os_manager (arenas, fit managers, heaps, ring buffers) works over either as it
// works over the OS, and asks nobody else for memory.
#pragma once

#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/manager/source/user_memory.h"
#include "ashlar/structure/lock.hpp"

namespace ashlar {

/// An OS manager over a table of C functions. Threads, cost: the functions'.
class ASHLAR_EXPORT user_os : public os_manager {
 public:
  explicit user_os(const ashlar_user_os& functions, const char* name = nullptr) noexcept;
  ~user_os() { leave_registry(); }

 private:
  static os_verbs make_verbs(const ashlar_user_os& given, const ashlar_user_os* kept) noexcept;

  ashlar_user_os functions_;
};

struct user_block_options {
  os::range memory;           ///< belongs to the manager until it ends
  std::size_t page_size = 0;  ///< a power of two, at least 64; 0: the system's
  const char* name = nullptr;
};

/// An OS manager over one block: reservations are parts of it, next to each other where they fit,
/// committed as they come. Bounded: `available` tells what would fit.
///
/// Invariants: free parts are multiples of the page size, sorted by address, never adjacent; each
/// begins with its size and the next one's place, so the block holds all there is to know of it,
/// and nothing is written before the first request. Memory is never known to be zero.
/// Threads: thread-safe; a child of fork may use it unless another thread was inside at the fork.
/// Cost: O(number of free parts). Errors: a fault if a range is released that
/// is not reserved (everything stays as it was), and if the manager ends before all are released.
class ASHLAR_EXPORT user_block_os : public os_manager {
 public:
  static constexpr const char* kind_name = "user block";
  static constexpr capability promises = os_manager::promises | capability::bounded;

  explicit user_block_os(const user_block_options& options) noexcept;
  ~user_block_os();

  /// Returns whether `p` lies in the block.
  bool owns(const void* p) const noexcept;
  /// Returns the bytes of the block that can be reserved at all.
  std::size_t capacity() const { return last_ - first_; }

 private:
  struct free_part {
    std::size_t size;
    free_part* next;
  };

  static os_verbs make_verbs(user_block_os& self, std::size_t page_size) noexcept;
  void start() noexcept;
  os::range take(std::size_t size, std::size_t alignment) noexcept;
  void give(os::range memory) noexcept;
  std::size_t largest(std::size_t alignment) noexcept;

  lock mutex_;
  std::uintptr_t first_ = 0;  // whole pages
  std::uintptr_t last_ = 0;
  free_part* free_ = nullptr;
  std::size_t reserved_ = 0;
  bool started_ = false;
};

}  // namespace ashlar
