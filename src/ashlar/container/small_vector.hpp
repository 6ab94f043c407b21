// SPDX-License-Identifier: MIT
// small_vector: a vector whose first N elements lie in itself; more of them go to a manager.
//
//     ashlar::small_vector<edge, 4> edges;   // a fifth one goes to current()
//
// The interface of vector. For lists that are nearly always short: no manager is called for up to N
// elements. What that costs: the object is N elements large, and a move or a swap of a short one
// moves its elements, so iterators do not survive it, and it throws if an element's move does.
// Once in a block, elements stay there until `shrink_to_fit`. Which manager, copies: as vector.
// Threads: thread-compatible. Cost: push_back as std::vector's.
#pragma once

#include "ashlar/container/growable.hpp"
#include "ashlar/manager/source/current.hpp"

namespace ashlar {

template <class T, std::size_t N, growth_policy Growth = always_double>
class small_vector : public detail::growable<small_vector<T, N, Growth>, T, Growth> {
  static_assert(N > 0, "a vector without elements of its own is vector<T>");
  using base = detail::growable<small_vector, T, Growth>;
  static constexpr bool moves_safely =
      is_trivially_relocatable<T> || std::is_nothrow_move_constructible_v<T>;

 public:
  using typename base::size_type;

  explicit small_vector(memory from = current()) noexcept : base(from) { use_own_place(0); }
  explicit small_vector(size_type count, memory from = current()) : small_vector(from) {
    this->resize(count);
  }
  small_vector(size_type count, const T& value, memory from = current()) : small_vector(from) {
    this->resize(count, value);
  }
  template <std::input_iterator It>
  small_vector(It first, It last, memory from = current()) : small_vector(from) {
    this->append(first, last);
  }
  small_vector(std::initializer_list<T> values, memory from = current())
      : small_vector(values.begin(), values.end(), from) {}

  small_vector(const small_vector& other, memory from = current())
      : small_vector(other.begin(), other.end(), from) {}
  small_vector(small_vector&& other) noexcept(moves_safely) : small_vector(other.get_memory()) {
    take(other);
  }
  /// Takes the block if it is of the same manager, else moves the elements.
  small_vector(small_vector&& other, memory from) : small_vector(from) {
    if (other.get_memory() == from)
      take(other);
    else
      this->append(std::move_iterator(other.begin()), std::move_iterator(other.end()));
  }
  ~small_vector() { end_elements_and_block(); }

  small_vector& operator=(const small_vector& other) {
    if (this != &other) this->assign(other.begin(), other.end());
    return *this;
  }
  small_vector& operator=(small_vector&& other) noexcept(moves_safely) {
    if (this == &other) return *this;
    end_elements_and_block();
    use_own_place(0);
    take(other);
    return *this;
  }
  small_vector& operator=(std::initializer_list<T> values) {
    this->assign(values);
    return *this;
  }

  /// Moves back into the object if the elements fit there; else gives the tail of the block back.
  void shrink_to_fit() {
    if (is_inline()) return;
    if (this->size() > N) return this->shrink_block();
    const block old = this->held();
    const size_type size = this->size();
    detail::relocate(this->begin_, this->end_, own_place());
    inner_blocks::deallocate(this->memory_, old, alignof(T));
    use_own_place(size);
  }

  /// Returns whether the elements lie in the object itself.
  bool is_inline() const noexcept { return !owns_block(); }

  void swap(small_vector& other) noexcept(moves_safely) {
    small_vector taken(std::move(*this));
    *this = std::move(other);
    other = std::move(taken);
  }
  friend void swap(small_vector& a, small_vector& b) noexcept(moves_safely) { a.swap(b); }

 private:
  friend base;

  bool owns_block() const { return this->begin_ != own_place(); }
  T* own_place() { return reinterpret_cast<T*>(place_); }
  const T* own_place() const { return reinterpret_cast<const T*>(place_); }
  void use_own_place(size_type size) { this->point_to(own_place(), size, N); }

  void end_elements_and_block() noexcept {
    this->clear();
    this->give_block_back();
  }

  // This one is empty and uses its own place. The other keeps its handle.
  void take(small_vector& other) {
    this->memory_ = other.memory_;
    const size_type size = other.size();
    if (other.is_inline()) {
      detail::relocate(other.begin_, other.end_, own_place());
      use_own_place(size);
    } else {
      this->point_to(other.begin_, size, other.capacity());
    }
    other.use_own_place(0);
  }

  alignas(T) std::byte place_[N * sizeof(T)];
};

}  // namespace ashlar
