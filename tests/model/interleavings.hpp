// SPDX-License-Identifier: MIT
// Explores all interleavings of a few actors whose steps are atomic: a small model checker.
//
// A world is a value with `operator<=>` that holds everything, the actors' program counters too.
// Worlds that were seen are not explored again, so loops end and the work is bounded by the number
// of different worlds. Exhaustive: what is not found does not exist in the model.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace ashlar::test {

/// What came of letting one actor make one step.
enum class step_result { done, blocked, moved };

struct exploration {
  std::size_t worlds = 0;
  std::string problem;             // empty: none
  std::vector<std::size_t> steps;  // actors in the order that leads to the problem
};

/// `step(world, actor)` lets an actor make its next step; `problem_in(world, at_end)` says what is
/// wrong, or "". When no actor can move any more, all must be done.
template <class World, class Step, class Problem>
class explorer {
 public:
  explorer(std::size_t actors, Step step, Problem problem_in)
      : actors_(actors), step_(step), problem_in_(problem_in) {}

  exploration run(const World& start) {
    visit(start);
    result_.worlds = seen_.size();
    return result_;
  }

 private:
  // Returns false once a problem is found: the path to it stays in `steps`.
  bool visit(const World& w) {
    if (!seen_.insert(w).second) return true;
    bool has_moved = false;
    bool are_all_done = true;
    for (std::size_t actor = 0; actor < actors_; ++actor) {
      World next = w;
      const step_result outcome = step_(next, actor);
      are_all_done &= outcome == step_result::done;
      if (outcome != step_result::moved) continue;
      has_moved = true;
      result_.steps.push_back(actor);
      result_.problem = problem_in_(next, false);
      if (!result_.problem.empty() || !visit(next)) return false;
      result_.steps.pop_back();
    }
    if (has_moved) return true;
    result_.problem = are_all_done ? problem_in_(w, true) : "deadlock";
    return result_.problem.empty();
  }

  std::size_t actors_;
  Step step_;
  Problem problem_in_;
  std::set<World> seen_;
  exploration result_;
};

}  // namespace ashlar::test
