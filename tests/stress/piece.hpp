// SPDX-License-Identifier: MIT
// Blocks that know what they must contain, boxes to pass them between threads, and the end of a
// stress test that found something.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <vector>

#include "ashlar/heap/heap.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"

namespace ashlar::test {

/// Ends the program: what a stress test finds cannot be gone on from.
[[noreturn]] inline void give_up(const char* what, const void* p = nullptr, std::size_t size = 0) {
  std::fprintf(stderr, "stress: %s (block %p, %zu bytes)\n", what, p, size);
  std::abort();
}

inline void require(bool condition, const char* what) {
  if (!condition) give_up(what);
}

/// A block of some heap. Large ones are stamped at both ends only: time is better spent on more.
struct piece {
  static constexpr std::size_t stamped_end = 2048;

  std::byte* data = nullptr;
  std::size_t size = 0;
  std::uint64_t stamp = 0;

  void fill() const {
    const std::size_t end = size < stamped_end ? size : stamped_end;
    fill_pattern(data, end, stamp);
    if (size > 2 * stamped_end) fill_pattern(data + size - end, end, stamp + 1);
  }

  /// Checks the first `kept` bytes.
  void check(std::size_t kept) const {
    const std::size_t end = size < stamped_end ? size : stamped_end;
    if (!has_pattern(data, kept < end ? kept : end, stamp)) give_up("contents differ", data, size);
    if (size > 2 * stamped_end && kept >= size && !has_pattern(data + size - end, end, stamp + 1))
      give_up("contents differ at the end", data, size);
  }
  void check() const { check(size); }
};

/// Takes a block of a random size, alignment and kind, and fills it.
inline piece make_piece(heap& h, random_source& random, std::uint64_t stamp) {
  const std::size_t limit = random.one_in(64)  ? std::size_t{4} << 20
                            : random.one_in(8) ? std::size_t{64} << 10
                                               : std::size_t{2} << 10;
  layout request = {random.log_uniform(limit)};
  if (random.one_in(16)) request.alignment = std::size_t{1} << random.below(18);
  const bool zeroed = random.one_in(8);
  const allocation a = zeroed ? h.allocate_zeroed(request) : h.allocate(request);
  if (!a) give_up("out of memory", nullptr, request.size);
  if (!is_aligned(address_of(a.data()), request.alignment))
    give_up("misaligned", a.data(), request.alignment);
  if (a.size() < request.size) give_up("too small", a.data(), a.size());
  if (zeroed && first_nonzero(a.data(), request.size) != request.size)
    give_up("not zeroed", a.data(), request.size);
  const piece p = {static_cast<std::byte*>(a.data()), request.size, stamp};
  p.fill();
  return p;
}

inline void resize_piece(heap& h, random_source& random, piece& p, std::uint64_t stamp) {
  const std::size_t size =
      random.log_uniform(random.one_in(32) ? std::size_t{4} << 20 : p.size * 2);
  const allocation a = h.reallocate({p.data}, default_alignment, {size});
  if (!a) give_up("out of memory", p.data, size);
  p.data = static_cast<std::byte*>(a.data());
  p.check(size < p.size ? size : p.size);
  p = {p.data, size, stamp};
  p.fill();
}

inline void free_piece(heap& h, const piece& p) {
  p.check();
  h.deallocate(p.data);
}

/// Where other threads put what shall be somebody's.
template <class T>
class box {
 public:
  void put(T value) {
    const std::lock_guard lock(mutex_);
    contents_.push_back(std::move(value));
  }

  std::vector<T> take_all() {
    const std::lock_guard lock(mutex_);
    std::vector<T> all;
    all.swap(contents_);
    return all;
  }

 private:
  std::mutex mutex_;
  std::vector<T> contents_;
};

}  // namespace ashlar::test
