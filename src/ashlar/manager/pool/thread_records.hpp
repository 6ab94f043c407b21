// SPDX-License-Identifier: MIT
// What each thread has of a manager: found in a few instructions, outliving the thread.
//
// A manager for many threads keeps a record for each thread that uses it. A thread finds its record
// through a small cache of its own, by the manager's number, which no other manager ever gets: what
// the cache still says of a manager that has ended is never believed. Beyond the cache the records
// themselves are searched, under one lock of the process.
//
// States of a record, changed under that lock alone:
//
//     idle --claim--> taken --thread ends--> leaving --retired--> idle
//                       \------- manager ends ------> gone
//
// In a child of fork what other threads had taken, or were leaving, is `lost`: nobody knows in the
// middle of what they were.
//
//   * A record is used by the thread that took it, or by one that made it `leaving`: never by two.
//   * When a thread ends, its records are retired: the manager takes what others may use out of
//     them. A new thread takes an idle record before one is made, so there are at most as many as
//     there were threads at a time.
//   * A manager that ends waits for records that are leaving. No thread may be inside one of its
//     functions then, but threads that used it may still live, or be ending.
// tests/model/thread_record_test.cpp explores all interleavings of this.
//
// Threads: thread-safe, fork included. Cost: find: 6 instructions; claim: a lock and O(threads);
// once for each thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/base/relaxed.hpp"

namespace ashlar {

class thread_records;

/// The head of a record; the manager's own kind of record derives from it.
struct thread_record {
  enum class state : unsigned char { idle, taken, leaving, lost };

  thread_record* next = nullptr;  // in the manager's list, which only grows
  thread_records* manager = nullptr;
  std::uint64_t thread = 0;  // the thread that has it
  state is = state::idle;
};

/// Whether its thread did not come along into this child of a fork.
inline bool is_lost(const thread_record& record) { return record.is == thread_record::state::lost; }

class ASHLAR_EXPORT thread_records {
 public:
  using retire_function = void (*)(thread_record& record) noexcept;

  /// `retire` is called for a record whose thread ends, in that thread, without the lock.
  constexpr explicit thread_records(retire_function retire) : retire_(retire) {}
  thread_records(const thread_records&) = delete;
  thread_records& operator=(const thread_records&) = delete;

  /// Returns the calling thread's record, or null: `claim` it then.
  ASHLAR_FORCE_INLINE thread_record* find() const noexcept;

  /// Returns the calling thread's record, or an idle one that it has from now on, or null: a new
  /// record must be added then.
  ASHLAR_COLD thread_record* claim() noexcept;
  /// Adds a new record, for the calling thread. Requires: `claim` returned null to it.
  void add(thread_record& fresh) noexcept;

  /// Takes an idle record away from everybody, for a short time, or returns null. `after`: the one
  /// that was borrowed last; null: from the first. Together they go through all idle records.
  thread_record* borrow(const thread_record* after) noexcept;
  void give_back(thread_record& borrowed) noexcept;

  /// Returns the newest record. Records are never unlinked, so the list may be read by any thread.
  thread_record* first() const noexcept { return first_.load(std::memory_order_acquire); }

  /// Waits for threads that are leaving; after that no thread finds a record any more.
  void end() noexcept;

 private:
  friend struct ends_of_threads;

  void take(thread_record& record) noexcept;
  void enter_process_list() noexcept;

  std::uint64_t number_ = 0;  // 0: not in the list of the process yet
  std::atomic<thread_record*> first_{nullptr};
  retire_function retire_;
  thread_records* next_ = nullptr;  // in the list of the process
  thread_records* previous_ = nullptr;
};

namespace detail {

struct record_cache {
  static constexpr std::size_t size = 16;
  struct entry {
    std::uint64_t number;
    thread_record* record;
  };
  entry entries[size];
  std::uint64_t thread;  // number of this thread; 0: none yet
};

extern ASHLAR_EXPORT thread_local constinit record_cache records_of_thread
    __attribute__((tls_model("initial-exec")));

}  // namespace detail

thread_record* thread_records::find() const noexcept {
  const std::uint64_t number = load_relaxed(number_);
  const detail::record_cache::entry& e =
      detail::records_of_thread.entries[number % detail::record_cache::size];
  return e.number == number ? e.record : nullptr;
}

}  // namespace ashlar
