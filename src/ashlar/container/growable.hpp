// SPDX-License-Identifier: MIT
// Memory of a container that grows: one block of a manager, larger each time it is full.
//
// Growing asks in this order, so that an element moves only if it must:
//   1. the manager resizes the block in place, or, where a T may be copied as bytes, wherever and
//      however it likes, told how many bytes are in use;
//   2. a new block, the elements relocated, the old block given back.
// A manager that wants the last block freed first is asked for the first only: an element that is
// more than bytes cannot move in it, and what would have to is refused as `unsupported`.
// What the manager gives beyond the request (get_no_less) becomes capacity. A bounded manager that
// has not enough for what the policy wants is asked for an eighth more than needed, or the rest.
//
// Invariants: `held()` is the manager's block, or empty; capacity() * sizeof(T) is its size, up to
// what is left of an element. `Derived` says by `owns_block()` whether [begin_, limit_) is one.
#pragma once

#include "ashlar/container/growth.hpp"
#include "ashlar/container/sequence.hpp"
#include "ashlar/manager/class_tag.hpp"
#include "ashlar/manager/inner_blocks.hpp"
#include "ashlar/manager/memory.hpp"

namespace ashlar::detail {

/// A place for a new block, which goes back to its manager unless it is adopted.
template <class T>
class fresh_block {
 public:
  explicit fresh_block(memory from) : memory_(from) {}
  ~fresh_block() {
    if (got_) inner_blocks::deallocate(memory_, got_.get(), alignof(T));
  }
  fresh_block(const fresh_block&) = delete;
  fresh_block& operator=(const fresh_block&) = delete;

  allocation obtain(std::size_t count) {
    const class_tag_scope<T> counted;
    got_ = inner_blocks::allocate(memory_, {count * sizeof(T), alignof(T)}, fit::get_no_less);
    return got_;
  }
  explicit operator bool() const { return static_cast<bool>(got_); }
  T* data() const { return static_cast<T*>(got_.data()); }
  std::size_t capacity() const { return got_.size() / sizeof(T); }
  void adopted() { got_ = {}; }

 private:
  memory memory_;
  allocation got_;
};

template <class Derived, class T, growth_policy Growth>
class growable : public sequence<Derived, T> {
  using base = sequence<Derived, T>;

 public:
  using typename base::size_type;

  /// Returns the handle that the elements' memory comes from.
  memory get_memory() const noexcept { return memory_; }

  /// Makes room for `count` elements in all; never less. Errors: throws; nothing has changed.
  void reserve(size_type count) {
    insist(base::wanted_bytes(count), [&] { return try_reserve(count); });
  }
  /// As `reserve`, and no reclaimer is asked. Errors: the reason; `unsupported`: the block would
  /// have to move, and the manager wants the last block freed first.
  [[nodiscard]] status try_reserve(size_type count) {
    if (count <= this->capacity()) return status::success;
    if (count > base::max_size()) return status::too_large;
    return grow_to(count).reason();
  }

 protected:
  using base::begin_;
  using base::end_;
  using base::limit_;
  friend class sequence<Derived, T>;

  /// What nearly every growth by one is: no refusal, no detour. False: nothing happened.
  ASHLAR_FORCE_INLINE bool has_grown_by_one() {
    const size_type needed = this->size() + 1;
    return needed <= base::max_size() && grow_to_here(wanted_capacity(needed));
  }

  explicit growable(memory from) noexcept : memory_(from) {}

  Derived& derived() { return static_cast<Derived&>(*this); }
  bool has_block() const { return static_cast<const Derived&>(*this).owns_block(); }
  block held() const { return has_block() ? block{begin_, this->capacity() * sizeof(T)} : block{}; }
  ASHLAR_FORCE_INLINE void give_block_back() noexcept {
    if (has_block()) inner_blocks::deallocate(memory_, held(), alignof(T));
  }
  void point_to(T* first, size_type size, size_type capacity) noexcept {
    begin_ = first;
    end_ = first + size;
    limit_ = first + capacity;
  }

  status make_room(size_type extra) {
    if (extra <= static_cast<size_type>(limit_ - end_)) return status::success;
    return grow_by(extra, [this](size_type count) { return grow_to(count); });
  }

  status make_empty_room(size_type count) {
    if (count <= this->capacity()) return status::success;
    if (count > base::max_size()) return status::too_large;
    if (must_stay_last()) return grow_to(count).reason();
    fresh_block<T> fresh(memory_);
    const allocation outcome = fresh.obtain(count);
    if (!outcome) return outcome.reason();
    this->clear();
    adopt(fresh, 0);
    return status::success;
  }

  // Inline, so that the new element, whose address nobody takes, need not lie in memory.
  template <refused Refused, class... Args>
  ASHLAR_FORCE_INLINE status emplace_with_growth(Args&&... args) {
    if constexpr (is_trivially_relocatable<T> && (survives_a_try<Args&&> && ...)) {
      // The arguments may refer to elements, so the new one is made before those may move.
      T value(std::forward<Args>(args)...);
      const status reason = derived().template room_for_one<Refused>();
      if (reason == status::success) this->construct_last(std::move(value));
      return reason;
    } else {
      // For the same reason the old block stays until the new element is made.
      fresh_block<T> fresh(memory_);
      const status reason = begin_growth<Refused>(fresh);
      if (reason != status::success) return reason;
      if (fresh) {
        finish_growth(fresh,
                      std::construct_at(fresh.data() + this->size(), std::forward<Args>(args)...));
      } else {
        this->construct_last(std::forward<Args>(args)...);
      }
      return status::success;
    }
  }

  /// Gives what lies behind the last element back, moving the elements if the manager wants that.
  /// Nothing happens where memory is refused.
  void shrink_block() {
    if (!has_block() || end_ == limit_) return;
    if (this->empty()) {
      give_block_back();
      return point_to(nullptr, 0, 0);
    }
    if (resize_block(this->size(), fit::get_exact, is_trivially_relocatable<T>)) return;
    if constexpr (!is_trivially_relocatable<T>) {
      fresh_block<T> fresh(memory_);
      if (!must_stay_last() && fresh.obtain(this->size()) && fresh.capacity() < this->capacity())
        move_to(fresh);
    }
  }

  memory memory_;

 private:
  // A cache line at least, or four elements: growing by 1, 2, 4 costs more calls than it saves.
  static constexpr size_type first_capacity =
      std::max<size_type>(64 / sizeof(T), sizeof(T) <= 1024 ? 4 : 1);

  // Whether constructing a T from this argument, and failing to place it, leaves it as it was.
  template <class Arg>
  static constexpr bool survives_a_try =
      std::is_lvalue_reference_v<Arg> || std::is_trivially_copyable_v<std::remove_cvref_t<Arg>>;

  /// Returns the capacity wanted where `needed` elements are too many for this one.
  size_type wanted_capacity(size_type needed) const {
    const size_type grown = Growth::grown(this->capacity() * sizeof(T)) / sizeof(T);
    return std::min(std::max({needed, grown, first_capacity}), base::max_size());
  }

  /// Calls `grow(count)` with what the policy wants, and again with less if that is too much.
  template <class Grow>
  status grow_by(size_type extra, Grow grow) {
    const size_type size = this->size();
    if (extra > base::max_size() - size) return status::too_large;
    const size_type needed = size + extra;
    const size_type wanted = wanted_capacity(needed);
    const allocation first = grow(wanted);
    if (first || wanted == needed || is_final(first.reason())) return first.reason();
    const size_type modest = std::min(needed + needed / 8, first.would_fit() / sizeof(T));
    return grow(std::max(needed, std::min(modest, wanted))).reason();
  }
  static bool is_final(status reason) {
    return reason == status::bad_alignment || reason == status::unsupported;
  }

  ASHLAR_NO_INLINE allocation grow_to(size_type count) { return grow_to_here(count); }
  // The outcome's size is of no interest here; its reason and what would fit are.
  ASHLAR_FORCE_INLINE allocation grow_to_here(size_type count) {
    if constexpr (is_trivially_relocatable<T>) {
      if (can_resize_block()) return resize_block(count, fit::get_no_less, true);
    } else {
      if (extend_to(count)) return allocation::of(begin_, this->capacity());
    }
    fresh_block<T> fresh(memory_);
    const allocation outcome = obtain(fresh, count);
    if (outcome) move_to(fresh);
    return outcome;
  }

  // Where the last block must be freed first, the old one could not go after the new one came.
  bool must_stay_last() const { return has_block() && memory_.can(capability::lifo_only); }
  allocation obtain(fresh_block<T>& fresh, size_type count) const {
    return must_stay_last() ? allocation::failed(status::unsupported) : fresh.obtain(count);
  }

  bool can_resize_block() const { return has_block() && memory_.can(capability::resize); }
  bool extend_to(size_type count) {
    return can_resize_block() && resize_block(count, fit::get_no_less, false);
  }

  allocation resize_block(size_type count, fit wanted, bool may_move) {
    const size_type size = this->size();
    const class_tag_scope<T> counted;
    const allocation resized = inner_blocks::reallocate(
        memory_, held(), alignof(T), {count * sizeof(T), size * sizeof(T), wanted, may_move});
    if (resized) point_to(static_cast<T*>(resized.data()), size, resized.size() / sizeof(T));
    return resized;
  }

  void move_to(fresh_block<T>& fresh) {
    const size_type size = this->size();
    relocate(begin_, end_, fresh.data());
    end_ = begin_;
    adopt(fresh, size);
  }

  // The old elements are gone.
  void adopt(fresh_block<T>& fresh, size_type size) {
    give_block_back();
    point_to(fresh.data(), size, fresh.capacity());
    fresh.adopted();
  }

  // Makes room for one element: in place, or in a fresh block to which nothing was moved yet.
  template <refused Refused>
  ASHLAR_NO_INLINE status begin_growth(fresh_block<T>& fresh) {
    const size_type needed = this->size() + 1;
    if (needed <= base::max_size()) [[likely]] {
      const size_type wanted = wanted_capacity(needed);
      if (extend_to(wanted) || obtain(fresh, wanted)) return status::success;
    }
    return begin_refused_growth<Refused>(fresh);
  }
  template <refused Refused>
  ASHLAR_COLD status begin_refused_growth(fresh_block<T>& fresh) {
    const auto attempt = [&] {
      return grow_by(1, [&](size_type count) {
        return extend_to(count) ? allocation::of(begin_, this->capacity()) : obtain(fresh, count);
      });
    };
    if constexpr (Refused == refused::returned) return attempt();
    insist(sizeof(T), attempt);
    return status::success;
  }
  ASHLAR_NO_INLINE void finish_growth(fresh_block<T>& fresh, T* made) {
    element_guard<T> guard(made);
    move_to(fresh);
    guard.keep();
    ++end_;
  }
};

}  // namespace ashlar::detail
