// SPDX-License-Identifier: MIT
// What all heaps of a process share: the list of heaps, their numbers, thread ends, forks.
//
// Threads: thread-safe; `mutex` is the outermost lock of the heaps. Around a fork, that of the
// memory system is taken before it.
#pragma once

#include <cstdint>

#include "ashlar/structure/lock.hpp"
#include "ashlar/structure/page_map.hpp"

namespace ashlar {

class heap;
struct local_heap;

class heap_registry {
 public:
  /// Heaps are numbered, for the routes of their slabs. The number of heaps with a number is
  /// bounded by the bits of a route; further heaps share this one: they work, through the slow
  /// path.
  static constexpr std::uint32_t no_number = page_map::number_limit - 1;

  /// Prepares the page map and the hooks for thread end and fork. Idempotent.
  bool start() noexcept;

  /// Forgets that it was started, after everything was given back. Only at the end of a process.
  void stop() noexcept;

  void add(heap& h) noexcept;
  void remove(heap& h) noexcept;

  std::uint32_t take_number() noexcept;
  void give_number(std::uint32_t number) noexcept;

  heap* first() const { return first_; }
  lock& mutex() { return mutex_; }

 private:
  static void on_thread_exit(void* first_local) noexcept;
  static void before_fork();
  static void after_fork_in_parent();
  static void after_fork_in_child();

  lock mutex_;
  bool started_ = false;
  bool hooked_ = false;  // the hooks stay for the life of the process
  heap* first_ = nullptr;
  bool took_system_ = false;  // in the fork that is under way, under the system's lock
  // Number 0 means "no route". A set bit is a number in use.
  std::uint64_t numbers_[page_map::number_limit / 64] = {1};
};

extern constinit heap_registry process_heaps;

/// The local heaps of this thread, one for each heap it uses, most recently used first.
extern thread_local constinit local_heap* thread_locals __attribute__((tls_model("initial-exec")));
/// Set once this thread has begun to end: from then on it gets no local heap any more.
extern thread_local constinit bool thread_is_ending __attribute__((tls_model("initial-exec")));

}  // namespace ashlar
