// SPDX-License-Identifier: MIT
// What every container of contiguous elements offers to change: append, insert, erase, assign.
//
// Written once over what the container knows about its memory, three functions of `Derived`:
//
//     status make_room(size_t extra)                 room for `extra` more elements behind the end
//     status make_empty_room(size_t count)           room for `count`; the elements may go
//     status emplace_with_growth<refused>(args...)   appends one element where there is no room
//
// Each changes nothing if it fails. Exceptions, as std::vector's: what appends (push_back, append,
// resize) has changed nothing when it throws, unless a move of a T that cannot be copied threw, or
// the range can be read once only: then what was appended before stays. What works in the middle
// leaves some valid contents. Where memory is refused: refusal.hpp.
// An argument that is an element of the container itself is read before that may move.
#pragma once

#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

#include "ashlar/container/contiguous.hpp"
#include "ashlar/container/relocation.hpp"
#include "ashlar/hardening/fault.hpp"

namespace ashlar::detail {

/// What becomes of a refusal of memory.
enum class refused { returned, thrown };

template <class Derived, class T>
class sequence : public contiguous<Derived, T> {
  using base = contiguous<Derived, T>;

 public:
  using typename base::const_iterator;
  using typename base::iterator;
  using typename base::size_type;

  template <class... Args>
  T& emplace_back(Args&&... args) {
    if (end_ != limit_) [[likely]]
      construct_last(std::forward<Args>(args)...);
    else
      (void)derived().template emplace_with_growth<refused::thrown>(std::forward<Args>(args)...);
    return end_[-1];
  }
  void push_back(const T& value) { emplace_back(value); }
  void push_back(T&& value) { emplace_back(std::move(value)); }

  template <class... Args>
  [[nodiscard]] status try_emplace_back(Args&&... args) {
    if (end_ == limit_)
      return derived().template emplace_with_growth<refused::returned>(std::forward<Args>(args)...);
    construct_last(std::forward<Args>(args)...);
    return status::success;
  }
  [[nodiscard]] status try_push_back(const T& value) { return try_emplace_back(value); }
  [[nodiscard]] status try_push_back(T&& value) { return try_emplace_back(std::move(value)); }

  /// Fault: pop_beyond_start, if there is no element.
  void pop_back() noexcept {
    if (this->empty()) [[unlikely]]
      return report_fault(fault_kind::pop_beyond_start, end_);  // `this` would escape
    std::destroy_at(--end_);
  }
  void clear() noexcept { destroy_from(begin_); }

  /// Appends the elements of a range, which must not lie in this container.
  template <std::input_iterator It>
  void append(It first, It last) {
    if constexpr (std::forward_iterator<It>) {
      room_for(static_cast<size_type>(std::distance(first, last)));
      end_ = std::uninitialized_copy(first, last, end_);
    } else {
      for (; first != last; ++first) emplace_back(*first);
    }
  }
  template <std::forward_iterator It>
  [[nodiscard]] status try_append(It first, It last) {
    const auto count = static_cast<size_type>(std::distance(first, last));
    if (const status reason = derived().make_room(count); reason != status::success) return reason;
    end_ = std::uninitialized_copy(first, last, end_);
    return status::success;
  }

  void resize(size_type count) {
    change_size(count,
                [](T* at, size_type n) { return std::uninitialized_value_construct_n(at, n); });
  }
  void resize(size_type count, const T& value) {
    if (count > this->capacity()) return append_copies(count - this->size(), T(value));
    change_size(count, [&](T* at, size_type n) { return std::uninitialized_fill_n(at, n, value); });
  }
  /// As `resize`, but new elements of types without a constructor are left uninitialised.
  void resize_for_overwrite(size_type count) {
    change_size(count,
                [](T* at, size_type n) { return std::uninitialized_default_construct_n(at, n); });
  }
  [[nodiscard]] status try_resize(size_type count) {
    if (count > this->size()) {
      const size_type extra = count - this->size();
      if (const status reason = derived().make_room(extra); reason != status::success)
        return reason;
    }
    resize(count);
    return status::success;
  }

  template <class... Args>
  iterator emplace(const_iterator place, Args&&... args) {
    const auto index = place - begin_;
    emplace_back(std::forward<Args>(args)...);
    sink_last(begin_ + index, end_);
    return begin_ + index;
  }
  iterator insert(const_iterator place, const T& value) { return emplace(place, value); }
  iterator insert(const_iterator place, T&& value) { return emplace(place, std::move(value)); }
  iterator insert(const_iterator place, size_type count, const T& value) {
    return insert_behind(place, [&] { append_copies(count, T(value)); });
  }
  /// The range must not lie in this container.
  template <std::input_iterator It>
  iterator insert(const_iterator place, It first, It last) {
    return insert_behind(place, [&] { append(first, last); });
  }
  iterator insert(const_iterator place, std::initializer_list<T> values) {
    return insert(place, values.begin(), values.end());
  }

  iterator erase(const_iterator place) { return erase(place, place + 1); }
  iterator erase(const_iterator first, const_iterator last) {
    T* const start = begin_ + (first - begin_);
    end_ = close_gap(start, start + (last - first), end_);
    return start;
  }

  /// The range must not lie in this container.
  template <std::input_iterator It>
  void assign(It first, It last) {
    if constexpr (std::forward_iterator<It>) {
      const auto count = static_cast<size_type>(std::distance(first, last));
      empty_room_for(count);
      const size_type kept = std::min(count, this->size());
      const It middle = std::next(first, static_cast<std::iter_difference_t<It>>(kept));
      destroy_from(std::copy(first, middle, begin_));
      end_ = std::uninitialized_copy(middle, last, end_);
    } else {
      clear();
      append(first, last);
    }
  }
  void assign(size_type count, const T& value) {
    if (count > this->capacity()) return assign_copies(count, T(value));
    assign_copies(count, value);
  }
  void assign(std::initializer_list<T> values) { assign(values.begin(), values.end()); }

  /// Erases what is equal to `value`. Returns how many there were.
  template <class U>
  friend size_type erase(Derived& from, const U& value) {
    return erase_if(from, [&](const T& element) { return element == value; });
  }
  template <class Predicate>
  friend size_type erase_if(Derived& from, Predicate unwanted) {
    const iterator kept_end = std::remove_if(from.begin(), from.end(), unwanted);
    const auto count = static_cast<size_type>(from.end() - kept_end);
    from.erase(kept_end, from.end());
    return count;
  }

 protected:
  using base::begin_;
  using base::end_;
  using base::limit_;

  template <class... Args>
  ASHLAR_FORCE_INLINE void construct_last(Args&&... args) {
    std::construct_at(end_, std::forward<Args>(args)...);
    ++end_;
  }
  void destroy_from(T* first) noexcept {
    std::destroy(first, end_);
    end_ = first;
  }
  void room_for(size_type extra) {
    if (extra > static_cast<size_type>(limit_ - end_)) more_room_for(extra);
  }
  /// Out of line and without the element: the caller then keeps that in registers.
  template <refused Refused>
  ASHLAR_NO_INLINE status room_for_one() {
    if constexpr (Refused == refused::returned) return derived().make_room(1);
    more_room_for(1);
    return status::success;
  }
  void empty_room_for(size_type count) {
    insist(wanted_bytes(count), [&] { return derived().make_empty_room(count); });
  }
  /// Returns what reclaimers are asked for; they do not need it to be exact.
  static size_type wanted_bytes(size_type count) {
    return count > base::max_size() ? ashlar::max_size : count * sizeof(T);
  }

 private:
  Derived& derived() { return static_cast<Derived&>(*this); }

  ASHLAR_NO_INLINE void more_room_for(size_type extra) {
    insist(wanted_bytes(extra), [&] { return derived().make_room(extra); });
  }

  // `value` is no element of this container where it grows: that would end it.
  void append_copies(size_type count, const T& value) {
    room_for(count);
    end_ = std::uninitialized_fill_n(end_, count, value);
  }
  void assign_copies(size_type count, const T& value) {
    empty_room_for(count);
    destroy_from(std::fill_n(begin_, std::min(count, this->size()), value));
    end_ = std::uninitialized_fill_n(end_, count - this->size(), value);
  }

  template <class Construct>
  void change_size(size_type count, Construct construct) {
    if (count <= this->size()) return destroy_from(begin_ + count);
    const size_type extra = count - this->size();
    room_for(extra);
    end_ = construct(end_, extra);
  }

  // New elements are made behind the last, where nothing lives, and then brought to their place:
  // a constructor that throws finds all others untouched.
  template <class Append>
  iterator insert_behind(const_iterator place, Append append_new) {
    const auto index = place - begin_;
    const size_type old_size = this->size();
    append_new();
    std::rotate(begin_ + index, begin_ + old_size, end_);
    return begin_ + index;
  }
};

}  // namespace ashlar::detail
