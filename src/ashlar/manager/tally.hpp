// SPDX-License-Identifier: MIT
// A number that one thread or many count with, and that any thread may read.
#pragma once

#include <atomic>
#include <cstddef>

namespace ashlar {

/// `Shared`: several threads write. Otherwise one does at a time, and pays for plain additions
/// only. All accesses are relaxed: a tally orders nothing.
template <bool Shared>
class tally {
 public:
  constexpr tally() = default;
  explicit constexpr tally(std::size_t n) : n_(n) {}

  std::size_t get() const noexcept { return n_.load(relaxed); }
  void set(std::size_t n) noexcept { n_.store(n, relaxed); }

  /// Adds, modulo 2^64, so that `0 - n` subtracts. Returns the sum.
  std::size_t add(std::size_t n) noexcept {
    if constexpr (Shared) return n_.fetch_add(n, relaxed) + n;
    const std::size_t sum = get() + n;
    set(sum);
    return sum;
  }

  std::size_t exchange(std::size_t n) noexcept {
    if constexpr (Shared) return n_.exchange(n, relaxed);
    const std::size_t before = get();
    set(n);
    return before;
  }

  void raise_to(std::size_t n) noexcept {
    std::size_t seen = get();
    if constexpr (Shared) {
      while (n > seen && !n_.compare_exchange_weak(seen, n, relaxed)) {
      }
    } else if (n > seen) {
      set(n);
    }
  }

 private:
  static constexpr auto relaxed = std::memory_order_relaxed;
  std::atomic<std::size_t> n_{0};
};

/// The blocks that a manager has handed out: their bytes, the most that these were, their number.
template <bool Shared>
class use_tally {
 public:
  std::size_t used() const noexcept { return used_.get(); }
  std::size_t peak() const noexcept { return peak_.get(); }
  std::size_t live() const noexcept { return live_.get(); }

  /// The most begins anew. What other threads do meanwhile may be missed.
  void restart_peak() noexcept { peak_.set(used_.get()); }

  void add(std::size_t size) noexcept {
    peak_.raise_to(used_.add(size));
    live_.add(1);
  }
  void remove(std::size_t size) noexcept {
    used_.add(0 - size);
    live_.add(static_cast<std::size_t>(-1));
  }
  /// A block has another size.
  void change(std::size_t before, std::size_t after) noexcept {
    peak_.raise_to(used_.add(after - before));
  }
  /// No block is left; what was the most stays.
  void clear() noexcept {
    used_.set(0);
    live_.set(0);
  }

 private:
  tally<Shared> used_;
  tally<Shared> peak_;
  tally<Shared> live_;
};

}  // namespace ashlar
