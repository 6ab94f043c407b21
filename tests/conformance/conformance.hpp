// SPDX-License-Identifier: MIT
// The conformance suite. A manager joins it with a subject and one line:
//
//     struct small_arena {
//       static constexpr std::size_t largest = 4_KiB;  // the biggest request it must serve
//       explicit small_arena(ashlar::memory upstream) : arena_({.upstream = upstream}) {}
//       ashlar::manager& get() { return arena_; }
//       ashlar::arena arena_;
//     };
//     ASHLAR_CONFORMS(small_arena, small_arena);
//
// The memory that `upstream` gives is watched; a manager that takes pages uses `upstream.os()`,
// which is watched too. What a subject may say besides, each with its default:
//
//     static constexpr std::size_t max_alignment = 64_KiB;  // what it must serve; more may fail
//     static constexpr bool uses_upstream = true;   // false: it stands on memory of its own
//     static constexpr bool caches = false;         // true: it counts what it keeps for reuse
//     static constexpr bool may_run_out = false;    // true: not `bounded`, but `largest` may fail
//     static constexpr std::size_t most_live = 48;  // blocks at a time in the random walk
//     static constexpr std::size_t steps = 6000;    // of the random walk, in a release build
//     bool is_well();                               // its invariants, asked after every step
//     void adopt(subject& other);                   // takes over all blocks of `other`
//
// The suite sees the manager through the erased handle and goes by its capabilities. What a manager
// says that it cannot do is not skipped: the suite checks that the table has no entry for it.
#pragma once

#include <cstddef>
#include <memory>

#include "ashlar/base/units.hpp"
#include "ashlar/manager/memory.hpp"

namespace ashlar::test {

/// A subject whose type is not known any more.
class any_subject {
 public:
  virtual ~any_subject() = default;
  virtual manager& get() = 0;
  virtual bool is_well() = 0;
  virtual void adopt(any_subject& other) = 0;
};

struct subject_kind {
  std::size_t largest;
  std::size_t max_alignment = 64_KiB;
  bool uses_upstream = true;
  bool caches = false;
  bool may_run_out = false;
  bool adopts = false;
  std::size_t most_live = 48;
  std::size_t steps = 6000;
  std::unique_ptr<any_subject> (*make)(memory upstream);
};

template <class Subject>
class held_subject final : public any_subject {
 public:
  explicit held_subject(memory upstream) : subject_(upstream) {}
  manager& get() override { return subject_.get(); }
  bool is_well() override {
    if constexpr (requires { subject_.is_well(); }) return subject_.is_well();
    return true;
  }
  void adopt([[maybe_unused]] any_subject& other) override {
    if constexpr (requires { subject_.adopt(subject_); })
      subject_.adopt(static_cast<held_subject&>(other).subject_);
  }

 private:
  Subject subject_;
};

template <class Subject>
std::unique_ptr<any_subject> make(memory upstream) {
  return std::make_unique<held_subject<Subject>>(upstream);
}

template <class Subject>
concept can_adopt = requires(Subject& s) {
  s.adopt(s);
};

template <class Subject>
constexpr subject_kind describe() {
  subject_kind kind{
      .largest = Subject::largest, .adopts = can_adopt<Subject>, .make = make<Subject>};
  if constexpr (requires { Subject::max_alignment; }) kind.max_alignment = Subject::max_alignment;
  if constexpr (requires { Subject::uses_upstream; }) kind.uses_upstream = Subject::uses_upstream;
  if constexpr (requires { Subject::may_run_out; }) kind.may_run_out = Subject::may_run_out;
  if constexpr (requires { Subject::caches; }) kind.caches = Subject::caches;
  if constexpr (requires { Subject::most_live; }) kind.most_live = Subject::most_live;
  if constexpr (requires { Subject::steps; }) kind.steps = Subject::steps;
  return kind;
}

/// Registers all tests of the suite for one kind of subject, as tests of GoogleTest.
bool join_conformance_suite(const char* suite, const subject_kind& kind, const char* file,
                            int line);

}  // namespace ashlar::test

#define ASHLAR_CONFORMS(suite, subject)                                                       \
  [[maybe_unused]] static const bool suite##_conforms = ashlar::test::join_conformance_suite( \
      #suite, ashlar::test::describe<subject>(), __FILE__, __LINE__)
