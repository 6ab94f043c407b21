// SPDX-License-Identifier: MIT
// vm_vector: a vector on reserved address space. No element ever moves.
//
//     ashlar::vm_vector<vertex> mesh(1'000'000'000);   // room for so many; costs address space
//     vertex& first = mesh.emplace_back();             // stays good for as long as it lives
//
// The interface of vector, for element types that can be neither copied nor moved too (insert and
// erase in the middle need a move, as everywhere). Growing commits pages behind the last element,
// so an append costs what copying the bytes costs, and pointers, references and iterators end only
// with their element or the vector. It takes its memory straight from an OS manager, which must
// outlive it. A move takes the range along; there is no copy by accident: use `assign`.
// Where address space is limited (`ulimit -v`, 32 bits), say how many elements there may be: the
// default reserves 16 GiB. Choose vector where there are many, and most are short.
// Threads: thread-compatible. Cost: at least a page; a system call or two for each step.
#pragma once

#include "ashlar/container/reserved_range.hpp"
#include "ashlar/container/sequence.hpp"
#include "ashlar/manager/class_tag.hpp"

namespace ashlar {

template <class T>
class vm_vector : public detail::sequence<vm_vector<T>, T> {
  using base = detail::sequence<vm_vector, T>;

 public:
  using typename base::size_type;

  /// Address space of a vector that is not told how many elements there will be at most.
  static constexpr std::size_t default_reserve = std::size_t{16} << 30;

  vm_vector() noexcept : vm_vector(default_reserve / sizeof(T)) {}
  /// Address space for `max_count` elements is reserved when the first is added.
  explicit vm_vector(size_type max_count, const vm_options& options = {}) noexcept
      : max_count_(std::min(max_count, base::max_size())),
        range_(max_count_ * sizeof(T), alignof(T), options) {}
  vm_vector(vm_vector&& other) noexcept
      : max_count_(other.max_count_), range_(std::move(other.range_)) {
    take_pointers(other);
  }
  vm_vector& operator=(vm_vector&& other) noexcept {
    if (this == &other) return *this;
    this->clear();
    max_count_ = other.max_count_;
    range_ = std::move(other.range_);
    take_pointers(other);
    return *this;
  }
  ~vm_vector() { this->clear(); }

  /// Returns how many elements there may ever be.
  size_type max_count() const noexcept { return max_count_; }
  /// Returns the bytes of memory that it has: whole pages.
  std::size_t committed_bytes() const noexcept { return range_.committed(); }

  /// Commits the memory of `count` elements now. Errors: throws.
  void reserve(size_type count) {
    insist(base::wanted_bytes(count), [&] { return try_reserve(count); });
  }
  /// Errors: `not_enough_memory` above `max_count()`, `no_memory`.
  [[nodiscard]] status try_reserve(size_type count) {
    return count <= this->size() ? status::success : make_room(count - this->size());
  }

  /// Gives the pages behind the last element back, and behind `keep` elements. Returns the bytes
  /// given back. Nothing moves.
  std::size_t trim(size_type keep = 0) noexcept {
    const size_type kept = std::min(std::max(keep, this->size()), this->capacity());
    const std::size_t freed = range_.decommit_behind(kept * sizeof(T));
    use_committed();
    return freed;
  }
  void shrink_to_fit() noexcept { trim(); }

  void swap(vm_vector& other) noexcept {
    vm_vector taken(std::move(*this));
    *this = std::move(other);
    other = std::move(taken);
  }
  friend void swap(vm_vector& a, vm_vector& b) noexcept { a.swap(b); }

 private:
  friend base;

  status make_room(size_type extra) noexcept {
    const size_type size = this->size();
    if (extra > max_count_ - size) return status::not_enough_memory;
    const class_tag_scope<T> counted;
    const status reason = range_.commit((size + extra) * sizeof(T));
    if (reason == status::success) use_committed();
    return reason;
  }
  status make_empty_room(size_type count) noexcept { return try_reserve(count); }

  template <detail::refused Refused, class... Args>
  ASHLAR_FORCE_INLINE status emplace_with_growth(Args&&... args) {
    const status reason = this->template room_for_one<Refused>();
    if (reason == status::success) this->construct_last(std::forward<Args>(args)...);
    return reason;
  }

  void use_committed() noexcept {
    const size_type size = this->size();
    this->begin_ = reinterpret_cast<T*>(range_.data());
    this->end_ = this->begin_ + size;
    this->limit_ = this->begin_ + std::min(range_.committed() / sizeof(T), max_count_);
  }
  void take_pointers(vm_vector& other) noexcept {
    this->begin_ = std::exchange(other.begin_, nullptr);
    this->end_ = std::exchange(other.end_, nullptr);
    this->limit_ = std::exchange(other.limit_, nullptr);
  }

  size_type max_count_;
  detail::reserved_range range_;
};

/// A vm_vector moves by copying its words; its elements stay where they are.
template <class T>
inline constexpr bool is_trivially_relocatable<vm_vector<T>> = true;

}  // namespace ashlar
