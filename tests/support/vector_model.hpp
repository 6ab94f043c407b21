// SPDX-License-Identifier: MIT
// Random changes to a container of ours and to a std::vector, which must agree after each.
//
// Where `choices` come from decides what this is: random numbers make it a test, the bytes of a
// fuzzer make it a fuzz target. Memory may be refused at any step; then nothing has changed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "ashlar/container/refusal.hpp"

namespace ashlar::test {

/// `Choices` has `std::size_t below(std::size_t limit)`; `fail(what)` is called when they disagree.
template <class Container, class Choices, class Fail>
class vector_model {
  using value = typename Container::value_type;

 public:
  static constexpr std::size_t most = 300;  // elements: small, so that every edge is met often

  vector_model(Container& subject, Choices& choices, Fail fail)
      : subject_(subject), choices_(choices), fail_(fail) {}

  void step() {
    try {
      change();
    } catch (const std::bad_alloc&) {  // thrown by the subject, before the model changed
    }
    compare();
  }

 private:
  void change() {
    switch (choices_.below(14)) {
      case 0:
      case 1: return append();
      case 2:
        return both([](auto& v) {
          if (!v.empty()) v.pop_back();
        });
      case 3: return insert_one();
      case 4: return insert_many();
      case 5: return insert_range();
      case 6: return erase_one();
      case 7: return erase_range();
      case 8: return resize();
      case 9: return assign();
      case 10: return subject_.shrink_to_fit();
      case 11: return subject_.reserve(choices_.below(most));
      case 12: return remove();
      case 13: return rarely_clear();
    }
  }

  // The subject comes first, so that what it refuses does not happen to the model either.
  template <class Change>
  void both(Change one) {
    one(subject_);
    one(expected_);
  }

  void append() {
    const value v = some();
    if (expected_.size() < most) both([&](auto& c) { c.push_back(v); });
    if (choices_.below(2) == 0 && !expected_.empty() && expected_.size() < most) {
      const std::size_t from = place();
      both([&](auto& c) { c.emplace_back(c[from % c.size()]); });
    }
  }
  void insert_one() {
    const std::size_t at = place();
    const std::size_t from = place();
    if (expected_.size() >= most) return;
    if (expected_.empty() || choices_.below(2) == 0) {
      const value v = some();
      return both([&](auto& c) { c.insert(iterator(c, at), v); });
    }
    both([&](auto& c) { c.insert(iterator(c, at), c[from % c.size()]); });
  }
  void insert_many() {
    const std::size_t count = choices_.below(20);
    const std::size_t at = place();
    const value v = some();
    if (expected_.size() + count > most) return;
    both([&](auto& c) { c.insert(iterator(c, at), count, v); });
  }
  void insert_range() {
    const std::vector<value> some_values(choices_.below(20), some());
    const std::size_t at = place();
    if (expected_.size() + some_values.size() > most) return;
    both([&](auto& c) { c.insert(iterator(c, at), some_values.begin(), some_values.end()); });
  }
  void erase_one() {
    if (expected_.empty()) return;
    const std::size_t at = choices_.below(expected_.size());
    both([&](auto& c) { c.erase(iterator(c, at)); });
  }
  void erase_range() {
    std::size_t first = place();
    std::size_t last = place();
    if (first > last) std::swap(first, last);
    both([&](auto& c) { c.erase(iterator(c, first), iterator(c, last)); });
  }
  void resize() {
    const std::size_t count = choices_.below(most);
    const value v = some();
    if (choices_.below(2) == 0) return both([&](auto& c) { c.resize(count); });
    both([&](auto& c) { c.resize(count, v); });
  }
  void assign() {
    const std::vector<value> values(choices_.below(most), some());
    const value v = some();
    if (choices_.below(2) == 0)
      return both([&](auto& c) { c.assign(values.begin(), values.end()); });
    both([&](auto& c) { c.assign(values.size(), v); });
  }
  void remove() {
    const value v = some();
    using std::erase;
    both([&](auto& c) { erase(c, v); });
  }
  void rarely_clear() {
    if (choices_.below(8) == 0) both([](auto& c) { c.clear(); });
  }

  template <class C>
  static auto iterator(C& c, std::size_t index) {
    return c.begin() + static_cast<std::ptrdiff_t>(index);
  }
  std::size_t place() { return choices_.below(expected_.size() + 1); }
  value some() {
    const auto number = static_cast<int>(choices_.below(50));
    if constexpr (std::is_same_v<value, std::string>)
      return std::string(static_cast<std::size_t>(number), 'x');
    else
      return value(number);
  }

  void compare() {
    if (subject_.size() > subject_.capacity()) fail_("the capacity is below the size");
    if (!std::equal(subject_.begin(), subject_.end(), expected_.begin(), expected_.end()))
      fail_("the elements differ");
  }

  Container& subject_;
  Choices& choices_;
  Fail fail_;
  std::vector<value> expected_;
};

}  // namespace ashlar::test
