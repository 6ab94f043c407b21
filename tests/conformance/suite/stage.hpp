// SPDX-License-Identifier: MIT
// One manager under test, on its ground, with its model; and the list of all tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "conformance/suite/ground.hpp"
#include "conformance/suite/model.hpp"

namespace ashlar::test {

class stage {
 public:
  explicit stage(const subject_kind& kind, bool may_run_out = false)
      : kind_(kind),
        subject_(kind.make(floor.upstream())),
        model(*subject_, kind_,
              may_run_out || kind.may_run_out || subject_->get().can(capability::bounded)) {}

  bool is_well() const { return model.is_well() && floor.problem().empty(); }
  any_subject& subject() { return *subject_; }
  memory handle() const { return model.handle(); }
  bool can(capability wanted) const { return handle().can(wanted); }

  /// Frees all blocks, ends the manager and looks at what it left behind. Returns the problem.
  std::string finish() {
    model.check_all();
    model.end_all_blocks();
    model.check_all();
    const std::size_t held = handle().usage().held;
    if (floor.is_under(handle()) && is_well() && held != manager_usage::unknown &&
        held != floor.in_use())
      return "what the manager holds is not what it took from its upstream";
    subject_.reset();
    if (!model.is_well()) return model.problem();
    if (!floor.problem().empty()) return floor.problem();
    if (!floor.is_bare()) return "the upstream does not have all its memory back";
    if (!kind_.uses_upstream && floor.calls() != 0) return "the upstream was used";
    return {};
  }

 private:
  subject_kind kind_;

 public:
  ground floor;

 private:
  std::unique_ptr<any_subject> subject_;

 public:
  manager_model model;
};

struct conformance_test {
  const char* name;
  void (*run)(const subject_kind& kind);
};

// One list per file of tests.
std::vector<conformance_test> request_tests();
std::vector<conformance_test> resize_tests();
std::vector<conformance_test> lifetime_tests();
std::vector<conformance_test> refusal_tests();
std::vector<conformance_test> traffic_tests();

/// Sizes from 0 to `largest`: the borders of powers of two, and some between.
std::vector<std::size_t> telling_sizes(std::size_t largest);

}  // namespace ashlar::test
