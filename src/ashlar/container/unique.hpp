// SPDX-License-Identifier: MIT
// Single objects and arrays in a manager's memory: make, destroy, make_array, and unique, which
// owns what they made.
//
//     ashlar::unique<node> n = ashlar::make_unique<node>(nodes, 7, "seven");
//     ashlar::unique<float[]> f = ashlar::make_unique<float[]>(frame, 1000);
//     node* raw = ashlar::make<node>(nodes, 8, "eight");
//     ashlar::destroy(nodes, raw);
//     if (auto few = ashlar::try_make_unique<float[]>(frame, 10)) use(elements_of(few));
//
// `unique<T>` is a std::unique_ptr whose deleter is one word, the handle; `unique<T[]>` has the
// length too. What a manager frees all at once and what has no destructor need not be owned.
// The block's size and alignment are those of T, so an object ends as the very type that it was
// made as: `unique<base>` takes no `unique<derived>`, and nobody may `destroy` through a base.
// `reset(p)` of a `unique<T[]>` keeps the length, which is the deleter's: assign another instead.
// Ownership: the caller's. The manager must outlive what was made in it.
// Exceptions: a constructor that throws leaves no block behind. Refused memory: refusal.hpp.
// Threads: as the manager. Cost: the manager's.
#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "ashlar/base/bits.hpp"
#include "ashlar/container/block_guard.hpp"
#include "ashlar/container/refusal.hpp"
#include "ashlar/container/relocation.hpp"
#include "ashlar/manager/class_tag.hpp"
#include "ashlar/manager/inner_blocks.hpp"

namespace ashlar {

namespace detail {

template <class U, class T>
concept same_but_for_const = !std::same_as<U, T> && std::same_as<const U, T> && !std::is_array_v<U>;

/// Takes a block that counts to a tag; what is made in it does not. Errors: throws.
inline block obtain(tag of, memory from, layout request) {
  const block_tag_scope counted(of);
  return allocate_or_throw(from, request);
}
/// The same for objects of a class, and its tag.
template <class T>
block obtain_as(memory from, layout request) {
  const class_tag_scope<T> counted;
  return allocate_or_throw(from, request);
}

/// Makes an object in a block of `from`, which goes back if the constructor throws.
template <class T, class... Args>
T* construct_in(memory from, block b, Args&&... args) {
  block_guard guard(from, b, alignof(T));
  T* const made = std::construct_at(static_cast<T*>(b.data), std::forward<Args>(args)...);
  guard.keep();
  return made;
}
/// The same for an array.
template <class T>
std::span<T> construct_array_in(memory from, block b, std::size_t count) {
  block_guard guard(from, b, alignof(T));
  std::uninitialized_value_construct_n(static_cast<std::remove_cv_t<T>*>(b.data), count);
  guard.keep();
  return {static_cast<T*>(b.data), count};
}

}  // namespace detail

/// Returns a new T in memory of `from`, which counts to a tag whatever T carries. Ended by
/// `destroy`. Errors: throws.
template <class T, class... Args>
[[nodiscard]] T* make_tagged(tag of, memory from, Args&&... args) {
  const block b = detail::obtain(of, from, {sizeof(T), alignof(T)});
  return detail::construct_in<T>(from, b, std::forward<Args>(args)...);
}

/// Returns a new T in memory of `from`. Ended by `destroy`. Errors: throws.
template <class T, class... Args>
[[nodiscard]] T* make(memory from, Args&&... args) {
  const block b = detail::obtain_as<T>(from, {sizeof(T), alignof(T)});
  return detail::construct_in<T>(from, b, std::forward<Args>(args)...);
}

/// As `make`; null where memory is refused. No reclaimer is asked then.
template <class T, class... Args>
[[nodiscard]] T* try_make(memory from, Args&&... args) {
  const allocation fresh = detail::try_obtain_as<T>(from, {sizeof(T), alignof(T)});
  return fresh ? detail::construct_in<T>(from, fresh.get(), std::forward<Args>(args)...) : nullptr;
}

/// Ends an object that `make<T>` made in memory of the same manager. Null is ignored.
template <class T>
void destroy(memory from, T* object) noexcept {
  if (object == nullptr) return;
  std::destroy_at(object);
  inner_blocks::deallocate(from, {const_cast<std::remove_cv_t<T>*>(object), sizeof(T)}, alignof(T));
}

/// Returns `count` new elements, value-initialised: numbers are zero. Ended by `destroy_array`. Of
/// 0 elements the span is empty, and has a block none the less. Errors: throws.
template <class T>
[[nodiscard]] std::span<T> make_array(memory from, std::size_t count) {
  std::size_t size;
  if (!checked_multiply(count, sizeof(T), size)) throw_refusal(status::too_large);
  return detail::construct_array_in<T>(from, detail::obtain_as<T>(from, {size, alignof(T)}), count);
}

/// As `make_array`; a span without data where memory is refused. No reclaimer is asked then.
template <class T>
[[nodiscard]] std::span<T> try_make_array(memory from, std::size_t count) {
  std::size_t size;
  if (!checked_multiply(count, sizeof(T), size)) return {};
  const allocation fresh = detail::try_obtain_as<T>(from, {size, alignof(T)});
  return fresh ? detail::construct_array_in<T>(from, fresh.get(), count) : std::span<T>{};
}

/// Ends what `make_array` made, in reverse. A span without data is ignored.
template <class T>
void destroy_array(memory from, std::span<T> elements) noexcept {
  if constexpr (!std::is_trivially_destructible_v<T>) {
    for (std::size_t i = elements.size(); i-- > 0;) std::destroy_at(elements.data() + i);
  }
  auto* const first = const_cast<std::remove_cv_t<T>*>(elements.data());
  inner_blocks::deallocate(from, {first, elements.size_bytes()}, alignof(T));
}

/// The deleter of `unique<T>`: one word. The default one stands for no manager, and may be that of
/// an empty `unique` alone.
template <class T>
class deleter {
 public:
  deleter() = default;
  deleter(memory from) noexcept : memory_(from) {}    // NOLINT(google-explicit-constructor)
  deleter(manager& from) noexcept : memory_(from) {}  // NOLINT(google-explicit-constructor)
  /// From T to const T, as of the pointers; to a base: no.
  template <detail::same_but_for_const<T> U>
  deleter(const deleter<U>& other) noexcept  // NOLINT(google-explicit-constructor)
      : memory_(other.get_memory()) {}

  memory get_memory() const noexcept { return memory_; }
  void operator()(T* object) const noexcept { destroy(memory_, object); }

 private:
  memory memory_;
};

template <class T>
class deleter<T[]> {
 public:
  deleter() = default;
  deleter(memory from, std::size_t count) noexcept : memory_(from), count_(count) {}
  template <detail::same_but_for_const<T> U>
  deleter(const deleter<U[]>& other) noexcept  // NOLINT(google-explicit-constructor)
      : memory_(other.get_memory()), count_(other.size()) {}

  memory get_memory() const noexcept { return memory_; }
  std::size_t size() const noexcept { return count_; }
  void operator()(T* first) const noexcept { destroy_array(memory_, std::span<T>(first, count_)); }

 private:
  memory memory_;
  std::size_t count_ = 0;
};

template <class T>
using unique = std::unique_ptr<T, deleter<T>>;

/// It moves by copying its words.
template <class T>
inline constexpr bool is_trivially_relocatable<std::unique_ptr<T, deleter<T>>> = true;

/// Returns a `unique` that owns a new T. Errors: throws.
template <class T, class... Args>
requires(!std::is_array_v<T>) [[nodiscard]] unique<T> make_unique(memory from, Args&&... args) {
  return unique<T>(make<T>(from, std::forward<Args>(args)...), from);
}
/// The same with `make_tagged`.
template <class T, class... Args>
requires(!std::is_array_v<T>)
    [[nodiscard]] unique<T> make_unique_tagged(tag of, memory from, Args&&... args) {
  return unique<T>(make_tagged<T>(of, from, std::forward<Args>(args)...), from);
}
/// Returns a `unique` that owns `count` new elements, value-initialised. Errors: throws.
template <class T>
requires std::is_unbounded_array_v<T>
[[nodiscard]] unique<T> make_unique(memory from, std::size_t count) {
  const auto elements = make_array<std::remove_extent_t<T>>(from, count);
  return unique<T>(elements.data(), {from, count});
}

/// As `make_unique`; empty where memory is refused. No reclaimer is asked then.
template <class T, class... Args>
requires(!std::is_array_v<T>) [[nodiscard]] unique<T> try_make_unique(memory from, Args&&... args) {
  return unique<T>(try_make<T>(from, std::forward<Args>(args)...), from);
}
template <class T>
requires std::is_unbounded_array_v<T>
[[nodiscard]] unique<T> try_make_unique(memory from, std::size_t count) {
  const auto elements = try_make_array<std::remove_extent_t<T>>(from, count);
  return unique<T>(elements.data(), {from, count});
}

/// Returns the elements that a `unique<T[]>` owns: none once it was moved from or reset.
template <class T>
std::span<T> elements_of(const unique<T[]>& owner) noexcept {
  return {owner.get(), owner.get() != nullptr ? owner.get_deleter().size() : 0};
}

}  // namespace ashlar
