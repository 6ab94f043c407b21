// SPDX-License-Identifier: MIT
// The things that can be done to a heap, as values: they can be made from bytes, applied to a model
// and its heap, printed, and left out one by one while a failure is made smaller.
//
// Blocks are named by a number that is taken modulo how many live, so any list of actions makes
// sense, whatever was left out of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "model/heap_model.hpp"

namespace ashlar::test {

struct allocate_action {
  std::size_t size;
  std::size_t alignment;
  bool zeroed;
  void apply(heap_model& m) const { m.allocate({size, alignment}, zeroed); }
  std::string text() const;
};

struct deallocate_action {
  std::size_t which;
  bool elsewhere;
  void apply(heap_model& m) const { m.deallocate(which, elsewhere); }
  std::string text() const;
};

struct reallocate_action {
  std::size_t which;
  std::size_t size;
  std::size_t alignment;
  void apply(heap_model& m) const { m.reallocate(which, {size, alignment}); }
  std::string text() const;
};

struct try_resize_action {
  std::size_t which;
  std::size_t size;
  void apply(heap_model& m) const { m.try_resize(which, size); }
  std::string text() const;
};

struct query_action {
  std::size_t which;
  void apply(heap_model& m) const { m.query(which); }
  std::string text() const;
};

struct absurd_action {
  std::size_t which;
  std::uint64_t n;
  void apply(heap_model& m) const { m.ask_for_the_absurd(which, n); }
  std::string text() const;
};

struct trim_action {
  std::size_t keep;
  void apply(heap_model& m) const { m.subject().trim(keep); }
  std::string text() const;
};

struct check_action {
  void apply(heap_model& m) const { m.check_all(); }
  std::string text() const { return "check_all()"; }
};

struct deallocate_all_action {
  void apply(heap_model& m) const { m.deallocate_all(); }
  std::string text() const { return "deallocate_all()"; }
};

using action =
    std::variant<allocate_action, deallocate_action, reallocate_action, try_resize_action,
                 query_action, absurd_action, trim_action, check_action, deallocate_all_action>;

/// Numbers from bytes; zeroes behind the end.
class byte_reader {
 public:
  byte_reader(const std::uint8_t* data, std::size_t size) : next_(data), end_(data + size) {}
  bool at_end() const { return next_ == end_; }
  std::uint8_t byte() { return at_end() ? std::uint8_t{0} : *next_++; }
  std::uint32_t word() {
    const std::uint32_t low = byte();
    return low | std::uint32_t{byte()} << 8;
  }

 private:
  const std::uint8_t* next_;
  const std::uint8_t* end_;
};

/// Reads one action: one to seven bytes.
action read_action(byte_reader& bytes);

void apply(const action& a, heap_model& m);
std::string to_text(const action& a);
std::string to_text(const std::vector<action>& actions);

/// Which memory the heap of a run lives on.
enum class ground : std::uint8_t { os, cache_lines, user_block, user_interface };

/// Makes a heap on `where`, applies all actions, checks, destroys the heap and checks that its
/// memory is back. Returns the problem, or an empty text.
std::string run_actions(const std::vector<action>& actions, ground where);

}  // namespace ashlar::test
