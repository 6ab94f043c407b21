// SPDX-License-Identifier: MIT
// Moving elements from one block to another: which types may simply be copied as bytes.
//
// To relocate is to move-construct at the new place and destroy at the old one. For most types that
// is the same as copying the bytes; such blocks can be resized by their manager, which may extend
// them in place or move pages instead of bytes. The language cannot tell (C++20), so the types that
// are not trivially copyable must say so themselves.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace ashlar {

/// Whether relocating a T is copying its bytes. Specialise it for your own types that hold no
/// pointer into themselves and are known to nobody by their address:
///
///     template <> inline constexpr bool ashlar::is_trivially_relocatable<my_type> = true;
template <class T>
inline constexpr bool is_trivially_relocatable = std::is_trivially_copyable_v<T>;

template <class T>
inline constexpr bool is_trivially_relocatable<std::unique_ptr<T>> = true;
template <class T>
inline constexpr bool is_trivially_relocatable<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool is_trivially_relocatable<std::weak_ptr<T>> = true;

namespace detail {

/// Relocates [first, last) to uninitialised memory at `to`, which does not overlap. What throws is
/// a move of a T that cannot be copied: then the elements are in their old place, some moved from.
/// A T whose move may throw is copied if it can be: then nothing has changed.
template <class T>
void relocate(T* first, T* last, T* to) {
  if constexpr (is_trivially_relocatable<T>) {
    const auto size = static_cast<std::size_t>(reinterpret_cast<const std::byte*>(last) -
                                               reinterpret_cast<const std::byte*>(first));
    if (size != 0) std::memcpy(static_cast<void*>(to), static_cast<const void*>(first), size);
  } else if constexpr (std::is_nothrow_move_constructible_v<T>) {
    for (; first != last; ++first, ++to) {
      std::construct_at(to, std::move(*first));
      std::destroy_at(first);
    }
  } else {
    if constexpr (std::is_copy_constructible_v<T>)
      std::uninitialized_copy(first, last, to);
    else
      std::uninitialized_move(first, last, to);
    std::destroy(first, last);
  }
}

/// Moves the last element of [place, end) to `place`, and those in front of it up by one.
template <class T>
void sink_last(T* place, T* end) {
  if (place == end - 1) return;
  if constexpr (is_trivially_relocatable<T>) {
    const auto behind = static_cast<std::size_t>(end - 1 - place) * sizeof(T);
    alignas(T) std::byte last[sizeof(T)];
    std::memcpy(last, static_cast<const void*>(end - 1), sizeof(T));
    std::memmove(static_cast<void*>(place + 1), static_cast<const void*>(place), behind);
    std::memcpy(static_cast<void*>(place), last, sizeof(T));
  } else {
    T last = std::move(end[-1]);
    std::move_backward(place, end - 1, end);
    *place = std::move(last);
  }
}

/// Takes [first, last) out and closes the gap. Returns the new end.
template <class T>
T* close_gap(T* first, T* last, T* end) {
  if (first == last) return end;
  if constexpr (is_trivially_relocatable<T>) {
    std::destroy(first, last);
    const auto behind = static_cast<std::size_t>(end - last) * sizeof(T);
    if (behind != 0)
      std::memmove(static_cast<void*>(first), static_cast<const void*>(last), behind);
    return end - (last - first);
  } else {
    T* const new_end = std::move(last, end, first);
    std::destroy(new_end, end);
    return new_end;
  }
}

/// Ends an element that turned out not to be wanted, unless it was kept.
template <class T>
class element_guard {
 public:
  explicit element_guard(T* element) : element_(element) {}
  ~element_guard() {
    if (element_ != nullptr) std::destroy_at(element_);
  }
  element_guard(const element_guard&) = delete;
  element_guard& operator=(const element_guard&) = delete;

  void keep() { element_ = nullptr; }

 private:
  T* element_;
};

}  // namespace detail

}  // namespace ashlar
