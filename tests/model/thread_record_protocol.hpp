// SPDX-License-Identifier: MIT
// How a thread's pool outlives its thread, in all interleavings: no block is lost, none is handed
// out twice, nobody works on a pool that another one works on, or on one that is gone.
//
// The model of thread_pools and thread_records. One manager, one record with one pool of two
// blocks. At the same time:
//
//   owner     has the record; opens the inbox, then its thread ends: the record leaves, is retired
//             (the inbox opened once more), becomes idle
//   senders   two other threads have a block each and send it to the inbox: read the first, link,
//             compare and swap
//   heir      a new thread claims a record if one is idle, opens the inbox and gets a block
//   trimmer   borrows the record if it is idle, opens the inbox, gives it back
//   ender     ends the manager once the owner is done with the blocks: waits for who is leaving
//
// The user's side of the bargain is part of it: the manager ends only after all but the exit of
// the owner's thread have made their calls.
//
// Abstracted away: slabs (a block is free, in the inbox or held), the cache of records in each
// thread (its entries are checked by number), weak memory (TSan's matter). A step is what happens
// between two points where others can see a difference; the lock of the process makes one step of
// what is done under it.
//
// Mistakes are built in one at a time, and each must be found.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

#include "model/interleavings.hpp"

namespace ashlar::test::records {

enum actor_name : std::uint8_t { sender_0, sender_1, owner, heir, trimmer, ender, actor_count };
enum class record_state : std::uint8_t { idle, taken, leaving, gone };

enum class mistake {
  none,
  swapped_blindly,      // a sender stores the new first without comparing
  opened_in_two_steps,  // the inbox is read, then emptied
  claimed_too_early,    // a record that is leaving is taken for idle
  ended_too_early,      // the manager does not wait for who is leaving
  retired_while_idle,   // a record is idle before it was retired
};

constexpr std::uint8_t no_block = 2;
constexpr std::uint8_t finished = 99;

struct world {
  record_state record;
  std::uint8_t inside;                           // how many work on the pool at the moment
  std::uint8_t inbox;                            // the first block in it, or no_block
  std::array<std::uint8_t, 2> next;              // links of blocks in the inbox
  std::array<bool, 2> free;                      // in the pool's own list
  std::array<std::uint8_t, 2> holder;            // actor that has the block, or actor_count
  std::array<std::uint8_t, actor_count> at;      // program counters
  std::array<std::uint8_t, 2> seen;              // what each sender read as the first
  std::array<std::uint8_t, actor_count> opened;  // the first of the list that was taken out
  const char* error;
  auto operator<=>(const world&) const = default;
};

inline world first_world() {
  world w{};
  w.record = record_state::taken;
  w.inbox = no_block;
  w.next = {no_block, no_block};
  w.holder = {sender_0, sender_1};
  w.seen = {no_block, no_block};
  w.opened.fill(no_block);
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
      case owner: moved = own(w); break;
      case sender_0:
      case sender_1: moved = send(w, static_cast<std::uint8_t>(actor)); break;
      case heir: moved = inherit(w); break;
      case trimmer: moved = trim(w); break;
      default: moved = end(w);
    }
    return moved ? step_result::moved : step_result::blocked;
  }

 private:
  static void enter(world& w) {
    if (w.record == record_state::gone) w.error = "a pool was used after it was gone";
    if (w.inside != 0) w.error = "two work on one pool";
    ++w.inside;
  }
  static void leave(world& w) { --w.inside; }

  static void put(world& w, std::uint8_t b) {
    if (w.free[b]) w.error = "a block was put twice";
    w.free[b] = true;
    w.holder[b] = actor_count;
  }
  static bool get(world& w, std::uint8_t self) {
    for (std::uint8_t b = 0; b < 2; ++b) {
      if (!w.free[b]) continue;
      if (w.holder[b] != actor_count) w.error = "a block has two holders";
      w.free[b] = false;
      w.holder[b] = self;
      return true;
    }
    return false;
  }

  // Step 0: take the list out; step 1: put all of it. Between the two others may send.
  bool open(world& w, actor_name self, std::uint8_t step) const {
    if (step == 0) {
      enter(w);
      w.opened[self] = w.inbox;
      if (wrong_ != mistake::opened_in_two_steps) w.inbox = no_block;
      return true;
    }
    if (wrong_ == mistake::opened_in_two_steps) w.inbox = no_block;
    std::uint8_t b = w.opened[self];
    w.opened[self] = no_block;
    for (int count = 0; b != no_block; b = w.next[b]) {
      if (++count > 2) {
        w.error = "the inbox is a ring";
        return true;
      }
      put(w, b);
    }
    leave(w);
    return true;
  }

  bool own(world& w) const {
    std::uint8_t& at = w.at[owner];
    switch (at) {
      case 0:
      case 1: open(w, owner, at); break;
      case 2:  // the thread ends
        if (w.record == record_state::gone) {
          at = finished;
          return true;
        }
        w.record =
            wrong_ == mistake::retired_while_idle ? record_state::idle : record_state::leaving;
        break;
      case 3:
      case 4: open(w, owner, at - 3); break;
      default:
        if (wrong_ != mistake::retired_while_idle) w.record = record_state::idle;
        at = finished;
        return true;
    }
    ++at;
    return true;
  }

  // Sender n has block n.
  bool send(world& w, std::uint8_t n) const {
    std::uint8_t& at = w.at[n];
    if (w.record == record_state::gone) w.error = "a pool was used after it was gone";
    switch (at) {
      case 0: w.seen[n] = w.inbox; break;
      case 1: w.next[n] = w.seen[n]; break;
      default:
        if (w.inbox != w.seen[n] && wrong_ != mistake::swapped_blindly) {
          w.seen[n] = w.inbox;
          at = 1;
          return true;
        }
        w.inbox = n;
        w.holder[n] = actor_count;
        at = finished;
        return true;
    }
    ++at;
    return true;
  }

  bool is_claimable(const world& w) const {
    const bool is_early = wrong_ == mistake::claimed_too_early && w.record == record_state::leaving;
    return w.record == record_state::idle || is_early;
  }

  // Puts what it got back, so that a block is where it belongs in the end.
  bool inherit(world& w) const {
    std::uint8_t& at = w.at[heir];
    switch (at) {
      case 0:
        if (!is_claimable(w)) {  // a record of its own, with which nothing can go wrong
          at = finished;
          return true;
        }
        w.record = record_state::taken;
        break;
      case 1:
      case 2: open(w, heir, at - 1); break;
      case 3:
        enter(w);
        get(w, heir);
        leave(w);
        break;
      default:
        enter(w);
        for (std::uint8_t b = 0; b < 2; ++b)
          if (w.holder[b] == heir) put(w, b);
        leave(w);
        at = finished;
        return true;
    }
    ++at;
    return true;
  }

  bool trim(world& w) const {
    std::uint8_t& at = w.at[trimmer];
    switch (at) {
      case 0:
        if (!is_claimable(w)) {
          at = finished;
          return true;
        }
        w.record = record_state::leaving;
        break;
      case 1:
      case 2: open(w, trimmer, at - 1); break;
      default:
        w.record = record_state::idle;
        at = finished;
        return true;
    }
    ++at;
    return true;
  }

  bool end(world& w) const {
    const bool calls_are_over = w.at[owner] >= 2 && w.at[sender_0] == finished &&
                                w.at[sender_1] == finished && w.at[heir] == finished &&
                                w.at[trimmer] == finished;
    if (!calls_are_over) return false;
    if (w.record == record_state::leaving && wrong_ != mistake::ended_too_early) return false;
    if (w.inside != 0) w.error = "a pool was ended while somebody worked on it";
    for (std::uint8_t b = 0; b < 2; ++b) {
      bool is_in_inbox = false;
      for (std::uint8_t i = w.inbox; i != no_block && !is_in_inbox; i = w.next[i])
        is_in_inbox = i == b;
      if (w.free[b] == is_in_inbox) w.error = "a block is lost, or in two places";
    }
    w.record = record_state::gone;
    w.at[ender] = finished;
    return true;
  }

  mistake wrong_;
};

inline std::string problem_in(const world& w, bool at_end) {
  if (w.error[0] != '\0') return w.error;
  return at_end && w.record != record_state::gone ? "the manager did not end" : "";
}

}  // namespace ashlar::test::records
