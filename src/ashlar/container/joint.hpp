// SPDX-License-Identifier: MIT
// make_joint: an object and its arrays in one block of memory.
//
//     auto mesh = ashlar::make_joint<header, vertex[], index[]>(frame, 100, 300);
//     auto [head, vertices, indices] = mesh.parts();   // header&, span<vertex>, span<index>
//
// One allocation instead of three, and the arrays lie right behind the object that uses them. Each
// part lies where its alignment wants it, in the order in which they are named. The block counts to
// the tag of the first part's class (class_tag.hpp). Lengths are given once: nothing grows.
// The manager must outlive it. Parts end last first, and the elements of each too.
// Exceptions: if a constructor throws, the parts made before it end in reverse and the block goes
// back. Refused memory: refusal.hpp.
// Threads: thread-compatible. Cost: one block; the owner is two words and one for each array, and
// computes where a part lies each time that it is asked: keep what `parts` returns.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <span>
#include <tuple>

#include "ashlar/container/unique.hpp"

namespace ashlar {

namespace detail {

/// One part: its element, and how it is seen.
template <class T>
struct joint_part {
  using element = T;
  using view = T&;
  static constexpr bool is_array = false;
  static view view_of(T* first, std::size_t) { return *first; }
};
template <class T>
struct joint_part<T[]> {
  using element = T;
  using view = std::span<T>;
  static constexpr bool is_array = true;
  static view view_of(T* first, std::size_t count) { return {first, count}; }
};

/// Ends the elements of a part, last first, unless they are kept.
template <class T>
class part_guard {
 public:
  part_guard(T* first, std::size_t count) : first_(first), count_(count) {}
  ~part_guard() {
    while (count_ > 0) std::destroy_at(first_ + --count_);
  }
  part_guard(const part_guard&) = delete;
  part_guard& operator=(const part_guard&) = delete;

  void keep() { count_ = 0; }

 private:
  T* first_;
  std::size_t count_;
};

}  // namespace detail

/// Owns a block with a part for each of `Parts`: objects, and arrays whose length is set at run
/// time. Moves, and then owns nothing.
template <class... Parts>
class joint {
  static constexpr std::size_t part_count = sizeof...(Parts);
  template <std::size_t I>
  using part = std::tuple_element_t<I, std::tuple<detail::joint_part<Parts>...>>;
  template <std::size_t I>
  using element = typename part<I>::element;

 public:
  static constexpr std::size_t array_count =
      (std::size_t{0} + ... + std::size_t{detail::joint_part<Parts>::is_array});
  using lengths = std::array<std::size_t, array_count>;

  /// Makes every part, value-initialised. Errors: throws.
  joint(memory from, const lengths& counts) : memory_(from), counts_(counts) {
    const plan p = plan_for(counts);
    if (!p.fits) throw_refusal(status::too_large);
    const block b = detail::obtain_as<element<0>>(from, {p.size, alignment});
    detail::block_guard guard(from, b, alignment);
    data_ = static_cast<std::byte*>(b.data);
    construct_from<0>(p);
    guard.keep();
  }
  joint(joint&& other) noexcept
      : memory_(other.memory_),
        data_(std::exchange(other.data_, nullptr)),
        counts_(other.counts_) {}
  joint& operator=(joint&& other) noexcept {
    joint taken(std::move(other));
    std::swap(memory_, taken.memory_);
    std::swap(data_, taken.data_);
    std::swap(counts_, taken.counts_);
    return *this;
  }
  ~joint() {
    if (data_ == nullptr) return;
    const plan p = plan_for(counts_);
    destroy_from<0>(p);
    inner_blocks::deallocate(memory_, {data_, p.size}, alignment);
  }

  /// Whether it owns a block. Requires of `get`, `parts` and `release`: it does.
  explicit operator bool() const noexcept { return data_ != nullptr; }
  memory get_memory() const noexcept { return memory_; }

  /// Returns part `I`: a reference to an object, a span of an array.
  template <std::size_t I>
  typename part<I>::view get() const noexcept {
    return view<I>(plan_for(counts_));
  }
  /// Returns all parts, for a structured binding.
  auto parts() const noexcept {
    return all(plan_for(counts_), std::make_index_sequence<part_count>{});
  }
  /// Gives up ownership, for parts that need no destructor in memory that is freed all at once.
  auto release() noexcept {
    const auto views = parts();
    data_ = nullptr;
    return views;
  }

 private:
  static constexpr std::size_t alignment =
      std::max({alignof(typename detail::joint_part<Parts>::element)...});

  struct plan {
    std::array<std::size_t, part_count> offset{};
    std::array<std::size_t, part_count> count{};
    std::size_t size = 0;
    bool fits = true;
  };

  // The one place that says where a part lies.
  static constexpr plan plan_for(const lengths& counts) {
    constexpr bool arrays[] = {detail::joint_part<Parts>::is_array...};
    constexpr std::size_t sizes[] = {sizeof(typename detail::joint_part<Parts>::element)...};
    constexpr std::size_t aligns[] = {alignof(typename detail::joint_part<Parts>::element)...};
    plan p;
    std::size_t array = 0;
    for (std::size_t i = 0; i < part_count; ++i) {
      p.count[i] = arrays[i] ? counts[array++] : 1;
      p.offset[i] = align_up(p.size, aligns[i]);
      std::size_t bytes = 0;
      p.fits = p.offset[i] <= max_size && checked_multiply(p.count[i], sizes[i], bytes) &&
               bytes <= max_size - p.offset[i];
      if (!p.fits) return p;
      p.size = p.offset[i] + bytes;
    }
    return p;
  }

  template <std::size_t I>
  element<I>* first(const plan& p) const {
    return reinterpret_cast<element<I>*>(data_ + p.offset[I]);
  }
  template <std::size_t I>
  typename part<I>::view view(const plan& p) const {
    return part<I>::view_of(first<I>(p), p.count[I]);
  }
  template <std::size_t... I>
  auto all(const plan& p, std::index_sequence<I...>) const {
    return std::tuple<typename part<I>::view...>(view<I>(p)...);
  }

  template <std::size_t I>
  void construct_from(const plan& p) {
    if constexpr (I < part_count) {
      std::uninitialized_value_construct_n(first<I>(p), p.count[I]);
      detail::part_guard<element<I>> guard(first<I>(p), p.count[I]);
      construct_from<I + 1>(p);
      guard.keep();
    }
  }
  template <std::size_t I>
  void destroy_from(const plan& p) noexcept {
    if constexpr (I < part_count) {
      const detail::part_guard<element<I>> ends_last(first<I>(p), p.count[I]);
      destroy_from<I + 1>(p);
    }
  }

  memory memory_;
  std::byte* data_ = nullptr;
  lengths counts_;
};

/// A joint moves by copying its words.
template <class... Parts>
inline constexpr bool is_trivially_relocatable<joint<Parts...>> = true;

/// Makes a joint; one length for each array, in order. Errors: throws.
template <class... Parts, std::convertible_to<std::size_t>... Lengths>
requires(sizeof...(Lengths) == joint<Parts...>::array_count)
    [[nodiscard]] joint<Parts...> make_joint(memory from, Lengths... counts) {
  return joint<Parts...>(from, {static_cast<std::size_t>(counts)...});
}

}  // namespace ashlar
