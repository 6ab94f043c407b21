// SPDX-License-Identifier: MIT
// Scopes that ended in another thread than they began in, which is a fault, of a program that goes
// on. They are still in the list of the thread that they belong to, and their memory is gone.
//
// Only that thread may change its list. So what it needs of such a scope is kept here, by the
// address that it had, and the thread takes it out before it reads its list the next time. Threads:
// thread-safe. Cost: `some` one load; else a lock.
#pragma once

#include <atomic>
#include <cstddef>

#include "ashlar/observe/tag_frame.hpp"

namespace ashlar::detail {

class ended_scopes {
 public:
  static constexpr std::size_t capacity = 128;

  /// Keeps what is known of a scope of another thread, which is about to go. If no thread has taken
  /// out any for `capacity` of them, it ends the program: what would be forgotten would be read.
  static void add(const observe::tag_frame& frame) noexcept;
  /// Whether any is kept.
  static bool some() noexcept { return count_.load(std::memory_order_relaxed) != 0; }
  /// Takes those of this thread out of its list.
  static void take_out_own() noexcept;

 private:
  static std::atomic<std::size_t> count_;
};

}  // namespace ashlar::detail
