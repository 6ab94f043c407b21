// SPDX-License-Identifier: MIT
// A cache of freed blocks, a list for each size class: what thread_cached has 16 of.
//
// Nobody waits: a cache that another thread is using says so, and the caller goes elsewhere. What
// must go to the part (a full list, a cache that is emptied) is handed out, to be given back when
// the lock is not held any more.
//
// Invariants: a list holds at most `PerClass` blocks, linked by their first words, each of its
// class's size; `live` is what was handed out here less what came back here, so of all caches
// together it is what the program has. Threads: thread-safe; `live` and `cached` take no lock.
#pragma once

#include <cstddef>
#include <new>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar {

/// Size classes: multiples of 16 up to 128, then four to each doubling.
struct cache_class {
  static constexpr std::size_t small_classes = 8;
  static constexpr std::size_t small_limit = 128;

  /// Requires: size >= 1.
  static constexpr std::size_t of(std::size_t size) {
    if (size <= small_limit) return (size - 1) / 16;
    const unsigned doubling = log2_floor(size - 1);
    return small_classes + (doubling - 7) * 4 + ((size - 1) >> (doubling - 2)) - 4;
  }
  static constexpr std::size_t size_of(std::size_t index) {
    if (index < small_classes) return (index + 1) * 16;
    const std::size_t step = index - small_classes;
    return (step % 4 + 5) << (step / 4 + 5);
  }
};

namespace detail {

struct cached_block {
  cached_block* next;
};

enum class cache_answer : unsigned char {
  kept,
  busy,   ///< nothing happened
  twice,  ///< it is the block that came last: nothing happened
};

// A cache line apart, so that threads do not disturb each other.
template <std::size_t Classes, std::size_t PerClass>
class alignas(64) block_cache {
 public:
  /// Hands a block of a class to the program. Null: there is none, or the cache is busy.
  void* pop(std::size_t c) noexcept {
    if (!mutex_.try_acquire()) return nullptr;
    list& l = lists_[c];
    cached_block* const p = l.first;
    if (p != nullptr) {
      l.first = p->next;
      --l.count;
      count_out(cache_class::size_of(c));
    }
    mutex_.release();
    return p;
  }

  /// Takes a block of a class from the program. A full list makes room for it: `surplus` is its
  /// first block then.
  cache_answer push(void* p, std::size_t c, cached_block*& surplus) noexcept {
    if (!mutex_.try_acquire()) return cache_answer::busy;
    list& l = lists_[c];
    const bool is_there = l.first == p;
    if (!is_there) {
      if (l.count >= PerClass) [[unlikely]] {
        if (l.count == shut_count) {
          mutex_.release();
          return cache_answer::busy;
        }
        surplus = take_list(c);
      }
      l.first = ::new (p) cached_block{l.first};
      ++l.count;
      count_out(0 - cache_class::size_of(c));
    }
    mutex_.release();
    return is_there ? cache_answer::twice : cache_answer::kept;
  }

  /// Hands out all blocks of a class, which stay free. Null: there is none, or the cache is busy.
  cached_block* take_all(std::size_t c) noexcept {
    if (!mutex_.try_acquire()) return nullptr;
    cached_block* const first = take_list(c);
    mutex_.release();
    return first;
  }

  /// Takes no blocks any more and says that it is busy, unless it is just now: call it again then.
  void shut() noexcept {
    if (!mutex_.try_acquire()) return;
    for (list& l : lists_)
      if (l.first == nullptr) l.count = shut_count;
    mutex_.release();
  }

  /// Forgets all blocks, those that the program has too. Requires: no other thread is using it.
  void forget_all() noexcept {
    for (list& l : lists_) l = {};
    store_relaxed(live_, std::size_t{0});
    store_relaxed(cached_, std::size_t{0});
  }

  /// Bytes handed to the program less bytes taken from it, modulo 2^64.
  std::size_t live() const noexcept { return load_relaxed(live_); }
  /// Bytes in the lists.
  std::size_t cached() const noexcept { return load_relaxed(cached_); }

 private:
  static constexpr std::size_t shut_count = PerClass + 1;

  struct list {
    cached_block* first = nullptr;
    std::size_t count = 0;
  };

  // Under the lock, both.
  void count_out(std::size_t size) noexcept {
    store_relaxed(live_, live_ + size);
    store_relaxed(cached_, cached_ - size);
  }
  cached_block* take_list(std::size_t c) noexcept {
    list& l = lists_[c];
    cached_block* const first = l.first;
    if (first == nullptr) return nullptr;
    store_relaxed(cached_, cached_ - l.count * cache_class::size_of(c));
    l = {};
    return first;
  }

  lock mutex_;
  std::size_t live_ = 0;
  std::size_t cached_ = 0;
  list lists_[Classes];
};

}  // namespace detail

}  // namespace ashlar
