// SPDX-License-Identifier: MIT
// How what a thread counts for a tag is published, by it and by others, in all interleavings: in
// the end nothing is left out and nothing was counted twice, and in a tag with a budget nothing
// waits.
//
// The model of `publish` (observe/thread_tally.cpp) and of what leads to it. One cell, one tag. At
// the same time:
//
//   owner       makes and frees blocks: reads whether the tag is bounded, changes its sum,
//   publishes
//               if the tag is bounded and something waits
//   publishers  two others bind the tag and publish the cell, as set_budget does
//
// Of what the owner counts after it has read that the tag is not bounded one change may wait, until
// its next.
//
// Abstracted away: what an unbounded tag publishes by batches, which are turns like all others;
// peaks, and what the tag is thought to hold meanwhile, which may be wrong while others publish;
// the lock that lets one publisher in at a time; weak memory, by which the owner may seem to have
// read the bound one change earlier. A step is one access to what others see.
//
// Mistakes are built in one at a time, and each must be found.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "model/interleavings.hpp"

namespace ashlar::test::publication {

enum actor_name : std::uint8_t { owner, publisher_0, publisher_1, actor_count };

enum class mistake {
  none,
  looked_once,     // whoever publishes does not look whether the sum has changed since
  stored_blindly,  // what was published is read and written in two steps
  bound_too_late,  // the tag is bound after its cells were published
};

constexpr std::array<std::int8_t, 4> changes = {5, -4, 3, -3};
constexpr std::uint8_t finished = 99;
// Program counters: publishing comes behind all else.
constexpr std::uint8_t binding_late = 9;
constexpr std::uint8_t publishing = 10;

struct world {
  std::int8_t sum, published, live;
  bool is_bounded;
  bool saw_bound;                              // the owner, before its last change
  std::uint8_t change;                         // the owner's next one
  std::array<std::int8_t, actor_count> taken;  // the sum that each is publishing
  std::array<std::int8_t, actor_count> known;  // what each has found as published
  std::array<std::uint8_t, actor_count> at;
  auto operator<=>(const world&) const = default;
};

class protocol {
 public:
  explicit protocol(mistake wrong) : wrong_(wrong) {}

  step_result operator()(world& w, std::size_t actor) const {
    const auto self = static_cast<std::uint8_t>(actor);
    if (w.at[self] == finished) return step_result::done;
    if (w.at[self] >= publishing)
      publish(w, self);
    else if (self == owner)
      own(w);
    else
      bind(w, self);
    return step_result::moved;
  }

 private:
  void publish(world& w, std::uint8_t self) const {
    std::uint8_t& at = w.at[self];
    switch (at - publishing) {
      case 0: w.taken[self] = w.sum; break;
      case 1:
        w.known[self] = w.published;
        if (wrong_ != mistake::stored_blindly) w.published = w.taken[self];  // one step with it
        break;
      case 2: w.published = wrong_ == mistake::stored_blindly ? w.taken[self] : w.published; break;
      case 3: w.live = static_cast<std::int8_t>(w.live + w.taken[self] - w.known[self]); break;
      default:
        if (w.sum != w.taken[self] && wrong_ != mistake::looked_once)
          at = publishing;
        else
          leave(w, self);
        return;
    }
    ++at;
  }

  void leave(world& w, std::uint8_t self) const {
    if (self == owner) return next_change(w);
    w.at[self] = wrong_ == mistake::bound_too_late ? binding_late : finished;
  }

  void bind(world& w, std::uint8_t self) const {
    const bool is_late = w.at[self] == binding_late;
    if (is_late || wrong_ != mistake::bound_too_late) w.is_bounded = true;
    w.at[self] = is_late ? finished : publishing;
  }

  static void next_change(world& w) { w.at[owner] = ++w.change == changes.size() ? finished : 0; }

  void own(world& w) const {
    std::uint8_t& at = w.at[owner];
    switch (at) {
      case 0: w.saw_bound = w.is_bounded; break;
      case 1: w.sum = static_cast<std::int8_t>(w.sum + changes[w.change]); break;
      default:
        if (!w.saw_bound || w.sum == w.published) return next_change(w);
        at = publishing;
        return;
    }
    ++at;
  }

  mistake wrong_;
};

inline std::string problem_in(const world& w, bool at_end) {
  if (!at_end) return "";
  if (w.live != w.published) return "the tag and the cell differ";
  const int waits = w.sum - w.published;
  const int may_wait = w.saw_bound ? 0 : changes.back();
  return waits != 0 && waits != may_wait ? "something waits in a bounded tag" : "";
}

}  // namespace ashlar::test::publication
