// SPDX-License-Identifier: MIT
// What a manager must be like, told by a plain model: a list of blocks that nobody else may touch.
//
// Each operation goes to the manager and to the model; the first thing that differs is the problem,
// told in one line. The model knows of each block its place, its sizes and the stamp of its
// contents, which fill the usable bytes and not only those asked for. It keeps the order in which
// blocks were made, for managers that free the last one first, and for marks: a mark knows how many
// blocks lie below it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "conformance/conformance.hpp"

namespace ashlar::test {

struct live_block {
  std::byte* data = nullptr;
  std::size_t size = 0;    // as asked for
  std::size_t usable = 0;  // as the outcome told
  std::size_t alignment = 0;
  std::uint64_t stamp = 0;
};

class manager_model {
 public:
  /// `may_run_out`: a request that is not too large may be refused for want of memory.
  manager_model(any_subject& subject, const subject_kind& kind, bool may_run_out)
      : subject_(subject), kind_(kind), memory_(subject.get()), may_run_out_(may_run_out) {}

  bool is_well() const { return problem_.empty(); }
  /// The first thing that was not as it must be; empty if there is none.
  const std::string& problem() const { return problem_; }
  memory handle() const { return memory_; }
  const std::vector<live_block>& live() const { return live_; }
  bool is_lifo() const { return memory_.can(capability::lifo_only); }
  /// Whether memory of freed blocks can be had again before the manager ends.
  bool reuses_memory() const {
    return !memory_.can(capability::no_op_deallocate) || memory_.can(capability::free_all);
  }

  /// Returns the outcome, whose block the model has entered; it stays until the next request.
  const allocation& allocate(layout request, fit wanted = fit::get_exact, bool zeroed = false);
  /// Frees a block; `extra`: with how much more than the size asked for, as far as it is usable.
  /// Of a manager that is LIFO only, the last block, whatever `which` is.
  void deallocate(std::size_t which, std::size_t extra = 0);
  void deallocate_unsized(std::size_t which);
  /// Returns the outcome. `which` as with `deallocate`.
  const allocation& reallocate(std::size_t which, const resize& change);
  void deallocate_all();
  /// Takes all blocks back at once, in the strongest way that the manager has.
  void end_all_blocks();
  void free_all();
  void take_mark();
  /// Rewinds to the mark taken last, if there is one.
  void rewind();
  void trim(std::size_t keep);
  /// Asks for what no manager can serve. Nothing may change.
  void ask_for_the_absurd();
  /// All blocks of `other` now belong to this manager.
  void adopt(manager_model& other);
  /// Compares the manager with the model: contents, owners, sizes, walk, figures, invariants.
  void check_all();

 private:
  struct taken_mark {
    mark place;
    std::size_t below;
  };

  void expect(bool condition, const char* text);
  void enter(const allocation& a, layout request, fit wanted);
  live_block leave(std::size_t which);
  void check_refusal(const allocation& a, layout request, const manager_usage& before);
  void check_contents(const live_block& b, std::size_t bytes);
  void check_walk();
  void check_usage();
  void forget_marks_above(std::size_t count);
  std::size_t pick(std::size_t which) const;

  any_subject& subject_;
  const subject_kind& kind_;
  memory memory_;
  bool may_run_out_;
  std::vector<live_block> live_;                     // oldest first
  std::map<std::uintptr_t, std::uintptr_t> places_;  // start to end
  std::vector<taken_mark> marks_;
  allocation last_;
  std::uint64_t last_stamp_ = 0;
  std::size_t most_used_ = 0;
  std::string problem_;
};

}  // namespace ashlar::test
