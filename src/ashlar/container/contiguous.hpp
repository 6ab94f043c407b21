// SPDX-License-Identifier: MIT
// What every container of contiguous elements offers to read: access, iteration, comparison.
//
// The base of vector, small_vector and vm_vector: three pointers, as std::vector has them, because
// an append then compares two of them and nothing else. `Derived` is the container itself.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <iterator>

#include "ashlar/base/block.hpp"
#include "ashlar/container/refusal.hpp"

namespace ashlar::detail {

/// Compares with <=> where T has it, else with <.
struct compare_three_way_or_less {
  template <class T>
  constexpr auto operator()(const T& a, const T& b) const {
    if constexpr (std::three_way_comparable<T>) {
      return a <=> b;
    } else {
      if (a < b) return std::weak_ordering::less;
      return b < a ? std::weak_ordering::greater : std::weak_ordering::equivalent;
    }
  }
};

template <class Derived, class T>
class contiguous {
 public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using pointer = T*;
  using const_pointer = const T*;
  using iterator = T*;
  using const_iterator = const T*;
  using reverse_iterator = std::reverse_iterator<iterator>;
  using const_reverse_iterator = std::reverse_iterator<const_iterator>;

  iterator begin() noexcept { return begin_; }
  const_iterator begin() const noexcept { return begin_; }
  const_iterator cbegin() const noexcept { return begin_; }
  iterator end() noexcept { return end_; }
  const_iterator end() const noexcept { return end_; }
  const_iterator cend() const noexcept { return end_; }
  reverse_iterator rbegin() noexcept { return reverse_iterator(end_); }
  const_reverse_iterator rbegin() const noexcept { return const_reverse_iterator(end_); }
  const_reverse_iterator crbegin() const noexcept { return const_reverse_iterator(end_); }
  reverse_iterator rend() noexcept { return reverse_iterator(begin_); }
  const_reverse_iterator rend() const noexcept { return const_reverse_iterator(begin_); }
  const_reverse_iterator crend() const noexcept { return const_reverse_iterator(begin_); }

  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  size_type size() const noexcept { return static_cast<size_type>(end_ - begin_); }
  size_type capacity() const noexcept { return static_cast<size_type>(limit_ - begin_); }
  static constexpr size_type max_size() noexcept { return ashlar::max_size / sizeof(T); }

  T* data() noexcept { return begin_; }
  const T* data() const noexcept { return begin_; }
  /// As std's: what lies beyond the end is noticed in debug builds alone; `at` always does.
  T& operator[](size_type i) noexcept {
    ASHLAR_ASSERT(i < size());
    return begin_[i];
  }
  const T& operator[](size_type i) const noexcept {
    ASHLAR_ASSERT(i < size());
    return begin_[i];
  }
  /// Errors: std::out_of_range.
  T& at(size_type i) {
    if (i >= size()) throw_out_of_range();
    return begin_[i];
  }
  const T& at(size_type i) const {
    if (i >= size()) throw_out_of_range();
    return begin_[i];
  }
  T& front() noexcept { return (*this)[0]; }
  const T& front() const noexcept { return (*this)[0]; }
  T& back() noexcept { return (*this)[size() - 1]; }
  const T& back() const noexcept { return (*this)[size() - 1]; }

  friend bool operator==(const Derived& a, const Derived& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend auto operator<=>(const Derived& a, const Derived& b) {
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end(),
                                                  compare_three_way_or_less{});
  }

 protected:
  contiguous() = default;
  ~contiguous() = default;
  contiguous(const contiguous&) = delete;
  contiguous& operator=(const contiguous&) = delete;

  // Invariant: begin_ <= end_ <= limit_; elements live in [begin_, end_).
  T* begin_ = nullptr;
  T* end_ = nullptr;
  T* limit_ = nullptr;
};

}  // namespace ashlar::detail
