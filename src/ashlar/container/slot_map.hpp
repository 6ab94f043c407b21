// SPDX-License-Identifier: MIT
// slot_map: elements side by side in memory, named by handles that know when their element is gone.
//
//     ashlar::slot_map<enemy> enemies;
//     auto h = enemies.emplace(position);
//     if (enemy* e = enemies.find(h)) e->hit();    // null once it was erased
//     for (enemy& e : enemies) e.step();           // an array, without holes
//
// A handle names a slot, and the slot knows where its element is; erasing moves the last element
// into the hole. A slot's generation is odd while it has an element and goes up whenever it gets or
// loses one, so a handle of an element that is gone never matches. A slot whose generations are
// used up is not used again: no handle is ever mistaken for a later one. Smaller `Generation`s make
// smaller handles and use slots up earlier.
//
//     one block:  | elements, dense | slot of each | slots: place or next free, generation |
//
// Pointers and iterators are good until something is inserted or erased; handles for ever. Where
// objects must stay in their places, or cannot move, use handle_pool. A constructor or destructor
// of an element must not change the map.
// Which manager: taken at construction; a move takes block and handle along, there is no copy.
// Exceptions: what a constructor throws passes through, and nothing has changed.
// Invariants: `check_invariants`. Threads: thread-compatible. Cost: insert, erase and find are
// O(1), but that a full map moves all elements into a block twice as large; iteration is that of an
// array. Beside an element: 12 bytes, 20 with 64-bit generations.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "ashlar/base/bits.hpp"
#include "ashlar/container/block_guard.hpp"
#include "ashlar/container/refusal.hpp"
#include "ashlar/container/relocation.hpp"
#include "ashlar/manager/source/current.hpp"

namespace ashlar {

/// Names an element of a slot_map for ever. The default names none.
template <std::unsigned_integral Generation>
struct slot_handle {
  std::uint32_t index = 0;
  Generation generation = 0;

  constexpr explicit operator bool() const { return generation != 0; }
  friend constexpr bool operator==(slot_handle, slot_handle) = default;
};

template <class T, std::unsigned_integral Generation = std::uint32_t>
class slot_map {
  static_assert(std::is_nothrow_move_constructible_v<T> || is_trivially_relocatable<T>,
                "erasing moves elements, and must not fail half-way");

 public:
  using value_type = T;
  using size_type = std::size_t;
  using iterator = T*;
  using const_iterator = const T*;
  using handle = slot_handle<Generation>;

  /// Takes no memory yet. The manager must outlive the map.
  explicit slot_map(memory from = current()) noexcept : memory_(from) {}
  slot_map(slot_map&& other) noexcept : slot_map(other.memory_) { swap(*this, other); }
  slot_map& operator=(slot_map&& other) noexcept {
    slot_map taken(std::move(other));
    swap(*this, taken);
    return *this;
  }
  ~slot_map() {
    std::destroy_n(values_, size_);
    if (block_) inner_blocks::deallocate(memory_, block_, alignment);
  }

  /// Makes an element and returns its handle. Errors: throws.
  template <class... Args>
  handle emplace(Args&&... args) {
    handle made;
    insist(sizeof(T), [&] { return try_emplace(made, std::forward<Args>(args)...); });
    return made;
  }
  handle insert(const T& value) { return emplace(value); }
  handle insert(T&& value) { return emplace(std::move(value)); }
  /// As `emplace`, with the handle in `made`. Errors: the reason; nothing has changed, the
  /// arguments neither.
  template <class... Args>
  [[nodiscard]] status try_emplace(handle& made, Args&&... args);

  /// Ends an element. Returns false if the handle is stale.
  bool erase(handle h) noexcept {
    T* const found = find(h);
    if (found != nullptr) erase(found);
    return found != nullptr;
  }
  /// Ends the element at `place`, of this map; the last one moves there. Returns `place`, where the
  /// next one is, or `end()`.
  iterator erase(const_iterator place) noexcept;
  /// Ends all elements for which `is_unwanted(element)`. Returns how many.
  template <class Predicate>
  size_type erase_if(Predicate is_unwanted) {
    const size_type before = size_;
    for (iterator i = begin(); i != end();) i = is_unwanted(*i) ? erase(i) : i + 1;
    return before - size_;
  }
  /// Ends all elements; memory stays, handles become stale.
  void clear() noexcept {
    while (size_ != 0) erase(end() - 1);
  }

  /// Returns the element, or null if it is gone.
  T* find(handle h) noexcept { return const_cast<T*>(std::as_const(*this).find(h)); }
  const T* find(handle h) const noexcept {
    const bool is_live = (h.generation & 1) != 0 && h.index < slot_count_ &&
                         slots_[h.index].generation == h.generation;
    return is_live ? values_ + slots_[h.index].place : nullptr;
  }
  bool contains(handle h) const noexcept { return find(h) != nullptr; }
  /// Returns the handle of an element. Requires: it is one of this map.
  handle handle_of(const_iterator element) const noexcept {
    ASHLAR_ASSERT(element >= values_ && element < values_ + size_);
    const std::uint32_t index = owners_[element - values_];
    return {index, slots_[index].generation};
  }

  iterator begin() noexcept { return values_; }
  iterator end() noexcept { return values_ + size_; }
  const_iterator begin() const noexcept { return values_; }
  const_iterator end() const noexcept { return values_ + size_; }
  T* data() noexcept { return values_; }
  const T* data() const noexcept { return values_; }
  size_type size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  size_type capacity() const noexcept { return capacity_; }
  memory get_memory() const noexcept { return memory_; }

  /// Makes room for `count` elements in all. Errors: throws.
  void reserve(size_type count) {
    insist(count * sizeof(T), [&] { return try_reserve(count); });
  }
  /// Errors: the reason; `unsupported` for more than the first block holds where the manager wants
  /// the last block freed first. Nothing has changed.
  [[nodiscard]] status try_reserve(size_type count) noexcept {
    if (count <= capacity_) return status::success;
    return try_grow(count, [](T*) {});
  }

  friend void swap(slot_map& a, slot_map& b) noexcept {
    std::swap(a.memory_, b.memory_);
    std::swap(a.block_, b.block_);
    std::swap(a.values_, b.values_);
    std::swap(a.owners_, b.owners_);
    std::swap(a.slots_, b.slots_);
    std::swap(a.size_, b.size_);
    std::swap(a.capacity_, b.capacity_);
    std::swap(a.slot_count_, b.slot_count_);
    std::swap(a.first_free_, b.first_free_);
  }

  /// Panics if anything is wrong: elements and slots name each other; all other slots are free, or
  /// used up.
  void check_invariants() const noexcept;

 private:
  struct slot {
    std::uint32_t place;  // of its element; of a free one: the next free one
    Generation generation;
  };
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  static constexpr size_type most = none;
  static constexpr size_type first_capacity = 8;
  static constexpr std::size_t alignment = std::max(alignof(T), alignof(slot));

  // Where the parts of a block for `count` elements begin. Nothing overflows: try_grow has looked.
  static constexpr std::size_t owners_at(size_type count) {
    return align_up(count * sizeof(T), alignof(slot));
  }
  static constexpr std::size_t slots_at(size_type count) {
    return align_up(owners_at(count) + count * sizeof(std::uint32_t), alignof(slot));
  }

  // Calls `make(place)` to make the element that did not fit, while the old elements, which it may
  // be made from, are still there.
  template <class Make>
  status try_grow(size_type count, Make make);
  void move_to(block fresh, size_type count) noexcept;
  handle bind(std::uint32_t place) noexcept;

  memory memory_;
  block block_;
  T* values_ = nullptr;
  std::uint32_t* owners_ = nullptr;  // the slot of each element
  slot* slots_ = nullptr;
  size_type size_ = 0;
  size_type capacity_ = 0;  // of elements, and of slots
  std::uint32_t slot_count_ = 0;
  std::uint32_t first_free_ = none;
};

/// A slot_map moves by copying its words.
template <class T, std::unsigned_integral Generation>
inline constexpr bool is_trivially_relocatable<slot_map<T, Generation>> = true;

template <class T, std::unsigned_integral Generation>
template <class... Args>
status slot_map<T, Generation>::try_emplace(handle& made, Args&&... args) {
  const auto make = [&](T* place) { std::construct_at(place, std::forward<Args>(args)...); };
  if (first_free_ == none && slot_count_ == capacity_) {
    const size_type more = std::clamp(2 * capacity_, first_capacity, most);
    const status grown = capacity_ < most ? try_grow(more, make) : status::too_large;
    if (grown != status::success) return grown;
  } else {
    make(values_ + size_);
  }
  made = bind(static_cast<std::uint32_t>(size_++));
  return status::success;
}

template <class T, std::unsigned_integral Generation>
template <class Make>
status slot_map<T, Generation>::try_grow(size_type count, Make make) {
  if (count > most || count > max_size / (sizeof(T) + sizeof(std::uint32_t) + sizeof(slot)) / 2)
    return status::too_large;
  // Where the last block must be freed first, the old one could not go after the new one came.
  if (block_ && memory_.can(capability::lifo_only)) return status::unsupported;
  const allocation fresh =
      detail::try_obtain_as<T>(memory_, {slots_at(count) + count * sizeof(slot), alignment});
  if (!fresh) return fresh.reason();
  detail::block_guard unused(memory_, fresh.get(), alignment);
  make(static_cast<T*>(fresh.data()) + size_);
  unused.keep();
  move_to(fresh.get(), count);
  return status::success;
}

template <class T, std::unsigned_integral Generation>
void slot_map<T, Generation>::move_to(block fresh, size_type count) noexcept {
  auto* const bytes = static_cast<std::byte*>(fresh.data);
  auto* const values = static_cast<T*>(fresh.data);
  auto* const owners = reinterpret_cast<std::uint32_t*>(bytes + owners_at(count));
  auto* const slots = reinterpret_cast<slot*>(bytes + slots_at(count));
  detail::relocate(values_, values_ + size_, values);
  std::copy_n(owners_, size_, owners);
  std::copy_n(slots_, slot_count_, slots);
  if (block_) inner_blocks::deallocate(memory_, block_, alignment);
  block_ = fresh;
  values_ = values;
  owners_ = owners;
  slots_ = slots;
  capacity_ = count;
}

// Gives the element at `place` a slot.
template <class T, std::unsigned_integral Generation>
auto slot_map<T, Generation>::bind(std::uint32_t place) noexcept -> handle {
  std::uint32_t index = first_free_;
  if (index != none) {
    first_free_ = slots_[index].place;
  } else {
    index = slot_count_++;
    slots_[index].generation = 0;
  }
  slots_[index].place = place;
  ++slots_[index].generation;
  owners_[place] = index;
  return {index, slots_[index].generation};
}

template <class T, std::unsigned_integral Generation>
auto slot_map<T, Generation>::erase(const_iterator place) noexcept -> iterator {
  ASHLAR_ASSERT(place >= values_ && place < values_ + size_);
  T* const hole = values_ + (place - values_);
  T* const last = values_ + --size_;
  slot& freed = slots_[owners_[hole - values_]];
  std::destroy_at(hole);
  if (hole != last) {
    detail::relocate(last, last + 1, hole);
    owners_[hole - values_] = owners_[last - values_];
    slots_[owners_[hole - values_]].place = static_cast<std::uint32_t>(hole - values_);
  }
  // At 0 its generations are used up.
  if (++freed.generation != 0)
    freed.place = std::exchange(first_free_, static_cast<std::uint32_t>(&freed - slots_));
  return hole;
}

template <class T, std::unsigned_integral Generation>
void slot_map<T, Generation>::check_invariants() const noexcept {
  ASHLAR_CHECK(size_ <= slot_count_ && slot_count_ <= capacity_);
  for (size_type i = 0; i < size_; ++i) {
    ASHLAR_CHECK(owners_[i] < slot_count_);
    ASHLAR_CHECK(slots_[owners_[i]].place == i);
    ASHLAR_CHECK((slots_[owners_[i]].generation & 1) == 1);
  }
  size_type others = 0;
  for (std::uint32_t i = first_free_; i != none; i = slots_[i].place) {
    ASHLAR_CHECK(i < slot_count_ && others++ < slot_count_);
    ASHLAR_CHECK(slots_[i].generation != 0 && (slots_[i].generation & 1) == 0);
  }
  for (std::uint32_t i = 0; i < slot_count_; ++i) others += slots_[i].generation == 0;
  ASHLAR_CHECK(size_ + others == slot_count_);
}

}  // namespace ashlar
