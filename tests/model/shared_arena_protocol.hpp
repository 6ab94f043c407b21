// SPDX-License-Identifier: MIT
// How threads share an arena, in all interleavings: no byte is handed out twice while it lives, no
// run with a live block is idle, no run is lost or in two places.
//
// The model. Two runs of two bytes, and one more that the upstream can give. At the same time:
//
//   first, second   two threads push three and two bytes, without the lock while their run has
//                   room; then they end, and leave their slots
//   third           a thread that comes when a slot is free, takes it and pushes a byte
//   clearer         clears twice
//   freer           frees all once, when no push is under way (that is its caller's duty)
//
// Abstracted away: sizes and alignments, large blocks, weak memory (what that leaves out is the
// matter of the comments on memory orders, and of TSan). A step is what happens between two points
// where others can see a difference.
//
// Mistakes are built in one at a time, and each must be found.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "model/interleavings.hpp"

namespace ashlar::test::sharing {

enum actor_name : std::uint8_t { first, second, third, clearer, freer, actor_count };
constexpr std::uint8_t nobody = actor_count;
constexpr std::uint8_t slot_count = 2;
constexpr std::uint8_t run_count = 3;
constexpr std::uint8_t run_size = 2;
constexpr std::uint8_t no_run = run_count;

/// Deviations from the protocol.
enum class mistake {
  none,
  cleared_without_lock,   // the retired runs become idle while others retire theirs
  epoch_told_late,        // the epoch counts up after the runs have become idle
  slot_shared,            // a thread may take a slot whose owner lives
  stale_run_pushed_onto,  // the owner takes its slot's epoch for the arena's
};

enum class place : std::uint8_t { upstream, idle, retired, in_slot };

struct slot_state {
  std::uint8_t owner;
  std::uint8_t epoch;
  std::uint8_t cur;
  std::uint8_t run;
  auto operator<=>(const slot_state&) const = default;
};

struct world {
  std::array<slot_state, slot_count> slots;
  std::array<place, run_count> where;
  // The epoch in which each byte was handed out last; 0: never.
  std::array<std::array<std::uint8_t, run_size>, run_count> handed;
  std::uint8_t epoch;
  std::uint8_t lock;
  std::uint8_t pushing;  // how many pushes are under way
  std::array<std::uint8_t, actor_count> at;
  std::array<std::uint8_t, actor_count> left;  // what an actor has still to do
  std::array<std::uint8_t, actor_count> slot;
  std::array<std::uint8_t, actor_count> seen;  // the epoch that a push was made in
  const char* error;
  auto operator<=>(const world&) const = default;
};

constexpr std::uint8_t finished = 99;

inline world first_world() {
  world w{};
  w.slots[0] = {first, 1, 0, 0};
  w.slots[1] = {second, 1, 0, 1};
  w.where = {place::in_slot, place::in_slot, place::upstream};
  w.epoch = 1;
  w.lock = nobody;
  w.left = {3, 2, 1, 2, 1};
  w.slot = {0, 1, slot_count, 0, 0};
  w.error = "";
  return w;
}

class protocol {
 public:
  explicit protocol(mistake wrong) : wrong_(wrong) {}

  step_result operator()(world& w, std::size_t actor) const {
    if (w.at[actor] == finished) return step_result::done;
    bool moved = false;
    switch (actor) {
      case first:
      case second: moved = live(w, static_cast<actor_name>(actor)); break;
      case third: moved = come(w); break;
      case clearer: moved = clear(w); break;
      default: moved = free_all(w);
    }
    return moved ? step_result::moved : step_result::blocked;
  }

 private:
  // The program counters of a thread: of a push, and of its end.
  enum step : std::uint8_t { look, bump, wait_for_lock, refresh, refill, bump_locked, leave };

  static bool acquire(world& w, actor_name self) {
    if (w.lock != nobody) return false;
    w.lock = self;
    return true;
  }
  static void release(world& w) { w.lock = nobody; }

  // Hands out the next byte of a slot.
  static void hand_out(world& w, slot_state& s, std::uint8_t epoch) {
    if (s.cur >= run_size) {
      w.error = "a byte was taken from behind a run";
      return;
    }
    if (s.run == no_run || w.where[s.run] != place::in_slot) {
      w.error = "a byte was taken from a run that is in no slot";
      return;
    }
    std::uint8_t& handed = w.handed[s.run][s.cur];
    if (handed == epoch) w.error = "a byte was handed out twice";
    handed = epoch;
    ++s.cur;
  }

  static std::uint8_t find_run(const world& w) {
    for (const place from : {place::idle, place::upstream})
      for (std::uint8_t r = 0; r < run_count; ++r)
        if (w.where[r] == from) return r;
    return no_run;
  }

  // One byte; the next step of `self` after it is `look` again. Returns false if it must wait.
  bool push(world& w, actor_name self) const {
    slot_state& s = w.slots[w.slot[self]];
    std::uint8_t& at = w.at[self];
    switch (at) {
      case look: {
        ++w.pushing;
        w.seen[self] = w.epoch;
        const bool is_current = s.epoch == w.epoch || wrong_ == mistake::stale_run_pushed_onto;
        at = is_current && s.run != no_run && s.cur < run_size ? bump : wait_for_lock;
        return true;
      }
      case bump: break;
      case wait_for_lock:
        if (!acquire(w, self)) return false;
        at = refresh;
        return true;
      case refresh:
        w.seen[self] = w.epoch;
        if (s.epoch != w.epoch) s = {s.owner, w.epoch, 0, s.run};
        at = s.run != no_run && s.cur < run_size ? bump_locked : refill;
        return true;
      case refill: {
        const std::uint8_t r = find_run(w);
        if (r == no_run) {  // no memory: the push is given up
          release(w);
          return end_push(w, self);
        }
        if (s.run != no_run) w.where[s.run] = place::retired;
        w.where[r] = place::in_slot;
        s.run = r;
        s.cur = 0;
        at = bump_locked;
        return true;
      }
      default: release(w); break;
    }
    hand_out(w, s, w.seen[self]);
    return end_push(w, self);
  }

  static bool end_push(world& w, actor_name self) {
    --w.pushing;
    w.at[self] = look;
    --w.left[self];
    return true;
  }

  // Pushes what is left, then ends and leaves its slot.
  bool live(world& w, actor_name self) const {
    if (w.left[self] != 0) return push(w, self);
    if (w.at[self] == look) {
      if (!acquire(w, self)) return false;
      w.at[self] = leave;
      return true;
    }
    w.slots[w.slot[self]].owner = nobody;
    release(w);
    w.at[self] = finished;
    return true;
  }

  // Takes a slot that was left, and lives in it.
  bool come(world& w) const {
    std::uint8_t& mine = w.slot[third];
    if (mine != slot_count) return live(w, third);
    if (w.lock != nobody) return false;
    for (std::uint8_t i = 0; i < slot_count && mine == slot_count; ++i)
      if (w.slots[i].owner == nobody || wrong_ == mistake::slot_shared) mine = i;
    if (mine == slot_count) return false;
    w.slots[mine].owner = third;
    return true;
  }

  bool clear(world& w) const {
    std::uint8_t& at = w.at[clearer];
    const bool locks = wrong_ != mistake::cleared_without_lock;
    const bool tells_late = wrong_ == mistake::epoch_told_late;
    switch (at) {
      case 0:
        if (locks && !acquire(w, clearer)) return false;
        break;
      case 1:
        if (!tells_late) ++w.epoch;
        break;
      case 2:
        for (place& p : w.where)
          if (p == place::retired) p = place::idle;
        break;
      case 3:
        if (locks) release(w);
        break;
      default:
        if (tells_late) ++w.epoch;
        at = --w.left[clearer] == 0 ? finished : 0;
        return true;
    }
    ++at;
    return true;
  }

  static bool free_all(world& w) {
    if (w.pushing != 0 || w.lock != nobody) return false;
    ++w.epoch;
    w.where.fill(place::upstream);
    for (slot_state& s : w.slots) s.run = no_run;
    w.at[freer] = finished;
    return true;
  }

  mistake wrong_;
};

inline std::string problem_in(const world& w, bool) {
  if (w.error[0] != '\0') return w.error;
  std::array<std::uint8_t, run_count> holders{};
  for (const slot_state& s : w.slots)
    if (s.run != no_run) ++holders[s.run];
  for (std::uint8_t r = 0; r < run_count; ++r) {
    const bool in_slot = w.where[r] == place::in_slot;
    if (holders[r] != (in_slot ? 1 : 0)) return "a run is lost, or in two places";
    const bool is_free = w.where[r] == place::idle || w.where[r] == place::upstream;
    for (const std::uint8_t handed : w.handed[r])
      if (is_free && handed == w.epoch) return "a run with a live block is idle";
  }
  return "";
}

}  // namespace ashlar::test::sharing
