// SPDX-License-Identifier: MIT
// vector: std::vector over a memory handle, which grows where its block lies if it can.
//
//     ashlar::arena frame;
//     ashlar::vector<int> numbers(frame);   // or over current() if nothing is named
//     numbers.push_back(7);
//
// Everything std::vector offers, with its guarantees, and: growth in place first, growth policies,
// `try_` functions that return a status and do not throw, `shrink_to_fit` that gives the tail of
// the block back, `append`, `resize_for_overwrite`. What it has not: bool packed into bits, and an
// allocator. T may be incomplete where the vector is named. Iterators, pointers and references end
// when the capacity changes, as std::vector's, even where the block grew in place.
//
// Which manager: the handle is taken at construction and stays, except that a move (construction,
// assignment, swap) takes block and handle together: O(1), never throws, and the vector then lives
// by the source's manager. `vector(std::move(v), m)` moves the elements where managers differ. A
// copy takes current() and not the source's manager, which may end earlier.
// Threads: thread-compatible. Cost: four words; push_back as std::vector's.
#pragma once

#include "ashlar/container/growable.hpp"
#include "ashlar/manager/source/current.hpp"

namespace ashlar {

template <class T, growth_policy Growth = always_double>
class vector : public detail::growable<vector<T, Growth>, T, Growth> {
  using base = detail::growable<vector, T, Growth>;

 public:
  using typename base::size_type;

  /// Takes no memory yet. The manager must outlive the vector, as of all constructors.
  explicit vector(memory from = current()) noexcept : base(from) {}
  explicit vector(size_type count, memory from = current()) : vector(from) {
    exactly(count);
    this->resize(count);
  }
  vector(size_type count, const T& value, memory from = current()) : vector(from) {
    exactly(count);
    this->resize(count, value);
  }
  template <std::input_iterator It>
  vector(It first, It last, memory from = current()) : vector(from) {
    if constexpr (std::forward_iterator<It>)
      exactly(static_cast<size_type>(std::distance(first, last)));
    this->append(first, last);
  }
  vector(std::initializer_list<T> values, memory from = current())
      : vector(values.begin(), values.end(), from) {}

  vector(const vector& other, memory from = current()) : vector(other.begin(), other.end(), from) {}
  vector(vector&& other) noexcept : vector(other.get_memory()) { swap(other); }
  /// Takes the block if it is of the same manager, else moves the elements.
  vector(vector&& other, memory from) : vector(from) {
    if (other.get_memory() == from) {
      swap(other);
    } else {
      exactly(other.size());
      this->append(std::move_iterator(other.begin()), std::move_iterator(other.end()));
    }
  }
  // Inline even where an exception passes: one call with its address, and it must lie in memory.
  ASHLAR_FORCE_INLINE ~vector() {
    std::destroy(this->begin_, this->end_);
    this->give_block_back();
  }

  vector& operator=(const vector& other) {
    if (this != &other) this->assign(other.begin(), other.end());
    return *this;
  }
  vector& operator=(vector&& other) noexcept {
    vector taken(std::move(other));
    swap(taken);
    return *this;
  }
  vector& operator=(std::initializer_list<T> values) {
    this->assign(values);
    return *this;
  }

  /// Gives the memory behind the last element back: in place if the manager can. Not binding.
  void shrink_to_fit() { this->shrink_block(); }

  /// Swaps blocks and handles.
  void swap(vector& other) noexcept {
    std::swap(this->begin_, other.begin_);
    std::swap(this->end_, other.end_);
    std::swap(this->limit_, other.limit_);
    std::swap(this->memory_, other.memory_);
  }
  friend void swap(vector& a, vector& b) noexcept { a.swap(b); }

 private:
  friend base;

  bool owns_block() const { return this->begin_ != nullptr; }

  // Growth by one, given the words of the vector and not its address: a vector that nobody else
  // knows then keeps them in registers while it is filled, which is a third of the time.
  struct words {
    T* first;
    T* last;
    T* limit;
    status reason;
  };
  template <detail::refused Refused>
  ASHLAR_FORCE_INLINE status room_for_one() {
    const words grown = grow<Refused>(this->begin_, this->end_, this->memory_);
    this->begin_ = grown.first;
    this->end_ = grown.last;
    this->limit_ = grown.limit;
    return grown.reason;
  }
  // The vector is full. One in its place grows, and must not end its elements, whatever happens.
  template <detail::refused Refused>
  ASHLAR_NO_INLINE static words grow(T* first, T* last, memory from) {
    struct stand_in : vector {
      using vector::vector;
      ~stand_in() { this->point_to(nullptr, 0, 0); }
    } v(from);
    v.begin_ = first;
    v.end_ = v.limit_ = last;
    status reason = status::success;
    if (!v.has_grown_by_one()) [[unlikely]]
      reason = v.base::template room_for_one<Refused>();
    return {v.begin_, v.end_, v.limit_, reason};
  }
  void exactly(size_type count) {
    if (count != 0) this->empty_room_for(count);
  }
};

template <std::input_iterator It>
vector(It, It, memory = current()) -> vector<std::iter_value_t<It>>;
template <class T>
vector(std::size_t, T, memory = current()) -> vector<T>;

/// A vector moves by copying its words.
template <class T, class Growth>
inline constexpr bool is_trivially_relocatable<vector<T, Growth>> = true;

}  // namespace ashlar
