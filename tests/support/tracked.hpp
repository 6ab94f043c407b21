// SPDX-License-Identifier: MIT
// An element that keeps account of itself: how many live, whether each that is used does, and
// throws at the n-th copy or move.
#pragma once

#include <gtest/gtest.h>

#include <compare>
#include <cstddef>
#include <stdexcept>
#include <utility>

namespace ashlar::test {

/// What tracked elements count together. Reset by `tracked_scope`.
struct tracked_counts {
  std::size_t live = 0;
  std::size_t copies = 0;
  std::size_t moves = 0;
  std::size_t until_throw = 0;  ///< 0: none throws; 1: the next copy (or throwing move) does
};
inline tracked_counts tracked_now;

/// Thrown by the element whose turn it is.
struct copy_refused : std::runtime_error {
  copy_refused() : std::runtime_error("copy refused") {}
};

enum class moves { never_throw, may_throw };

/// A number that notices use before its construction and after its destruction: it knows its own
/// address.
template <moves Moves = moves::never_throw>
class tracked {
 public:
  tracked(int number = 0) : number_(number) { begin(); }  // NOLINT(google-explicit-constructor)
  tracked(const tracked& other) : number_(other.number()) {
    count_one(tracked_now.copies);
    begin();
  }
  tracked(tracked&& other) noexcept(Moves == moves::never_throw) : number_(other.number()) {
    if constexpr (Moves == moves::may_throw)
      count_one(tracked_now.moves);
    else
      ++tracked_now.moves;
    other.number_ = moved_from;
    begin();
  }
  tracked& operator=(const tracked& other) {
    count_one(tracked_now.copies);
    number_ = other.number();
    return *this;
  }
  tracked& operator=(tracked&& other) noexcept(Moves == moves::never_throw) {
    if constexpr (Moves == moves::may_throw)
      count_one(tracked_now.moves);
    else
      ++tracked_now.moves;
    number_ = std::exchange(other.number_, moved_from);
    return *this;
  }
  ~tracked() {
    EXPECT_EQ(self_, this) << "an element ended that did not live there";
    self_ = nullptr;
    --tracked_now.live;
  }

  int number() const {
    EXPECT_EQ(self_, this) << "an element was used that does not live there";
    return number_;
  }
  friend bool operator==(const tracked& a, const tracked& b) { return a.number() == b.number(); }
  friend auto operator<=>(const tracked& a, const tracked& b) { return a.number() <=> b.number(); }

 private:
  static constexpr int moved_from = -1;

  static void count_one(std::size_t& counter) {
    if (tracked_now.until_throw != 0 && --tracked_now.until_throw == 0) throw copy_refused();
    ++counter;
  }
  void begin() {
    self_ = this;
    ++tracked_now.live;
  }

  int number_;
  const tracked* self_ = nullptr;
};

/// Resets the counts, and expects at its end that no element is left.
class tracked_scope {
 public:
  tracked_scope() { tracked_now = {}; }
  ~tracked_scope() { EXPECT_EQ(tracked_now.live, 0u) << "elements were not destroyed"; }
  tracked_scope(const tracked_scope&) = delete;
  tracked_scope& operator=(const tracked_scope&) = delete;
};

}  // namespace ashlar::test
