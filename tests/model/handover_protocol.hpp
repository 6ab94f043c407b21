// SPDX-License-Identifier: MIT
// How slabs change hands, in all interleavings: no block is lost, none is handed out twice, no
// header is touched after it was given back, and nobody waits for ever.
//
// The model. One size class. Slab A belongs to the idle local heap X and has room; slab B belongs
// to the running local heap T and is full. Each has two blocks. At the same time:
//
//   taker    T refills an empty bin: finds no slab with room, gives its lock up, takes A from X
//            (heap::take_idle_slab), links it under its own lock and takes all free blocks; where
//            memory is short also if X is not idle any more (heap::take_any_slab)
//   flusher  another thread flushes a bin that holds one block of A and one of B
//            (local_heap::flush: a round for each owner, the owner asked again under its lock)
//   putter   a third thread puts the other block of B back (put_remote)
//   trimmer  a fourth thread trims: gives the empty slabs of all local heaps back
//   adopter  a new thread adopts X and refills from its slabs; where memory is short and X has none
//            with room, from one of T's
//
// Abstracted away: the bitmap (a block is free or somewhere else), the page map (headers of slabs
// are found by name), bins (a set of blocks), weak memory (steps happen one after the other; what
// that leaves out is the matter of the comments on memory orders, and of TSan). A step is what one
// critical section does between two points where others can see a difference.
//
// A checker that finds nothing proves nothing, so mistakes are built into the protocol one at a
// time, among them one that the heap once had, and each must be found.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "model/interleavings.hpp"

namespace ashlar::test::handover {

enum actor_name : std::uint8_t { taker, flusher, putter, trimmer, adopter, actor_count };
enum local_name : std::uint8_t { local_x, local_t, local_count };
enum slab_name : std::uint8_t { slab_a, slab_b, slab_count, no_slab = slab_count };

/// Deviations from the protocol.
enum class mistake {
  none,
  unlinked_in_transit,   // the slab under way says that it is in no list: a free links it
  no_second_look,        // the owner is not asked again under its lock
  given_away_unlocked,   // the owner changes without the old owner's lock
  last_slab_given_back,  // an empty slab goes back though nothing else holds it in the list
};

struct slab_state {
  local_name owner;
  bool linked;  // the flag in the header
  bool gone;    // the header was given back
  std::array<bool, 2> free;
  auto operator<=>(const slab_state&) const = default;
};

struct world {
  std::array<slab_state, slab_count> slabs;
  // The list of slabs with room of each local heap; position 0 is the front.
  std::array<std::array<slab_name, 2>, local_count> lists;
  std::array<std::uint8_t, local_count> lock_of;  // actor that holds it, or actor_count
  std::uint8_t heap_lock;
  bool x_is_idle;
  // Who holds block b of slab s: an actor, or actor_count for the slab itself.
  std::array<std::array<std::uint8_t, 2>, slab_count> holder;
  std::array<std::uint8_t, actor_count> at;  // program counters
  std::array<slab_name, actor_count> stolen;
  std::array<local_name, actor_count> seen_owner;
  std::array<std::uint8_t, actor_count> chosen;  // blocks that the owner was found to own, as bits
  const char* error;
  auto operator<=>(const world&) const = default;
};

constexpr std::uint8_t finished = 99;

inline world first_world() {
  world w{};
  w.slabs[slab_a] = {local_x, true, false, {true, false}};
  w.slabs[slab_b] = {local_t, false, false, {false, false}};
  w.lists[local_x] = {slab_a, no_slab};
  w.lists[local_t] = {no_slab, no_slab};
  w.lock_of.fill(actor_count);
  w.heap_lock = actor_count;
  w.x_is_idle = true;
  w.holder[slab_a] = {actor_count, flusher};
  w.holder[slab_b] = {flusher, putter};
  w.stolen.fill(no_slab);
  w.error = "";
  return w;
}

/// The protocol, with one mistake in it or none.
class protocol {
 public:
  /// `gives_last`: of medium slabs the last one with room goes back too, if it is in the list.
  /// `shares`: memory is short, and running local heaps give slabs away.
  explicit protocol(mistake wrong, bool gives_last = false, bool shares = false)
      : wrong_(wrong), gives_last_(gives_last), shares_(shares) {}

  step_result operator()(world& w, std::size_t actor) const {
    if (w.at[actor] == finished) return step_result::done;
    bool moved = false;
    switch (actor) {
      case taker: moved = take(w, taker, local_t, w.at[taker]); break;
      case flusher: moved = flush(w); break;
      case putter: moved = put(w); break;
      case trimmer: moved = trim(w); break;
      default: moved = adopt(w);
    }
    return moved ? step_result::moved : step_result::blocked;
  }

 private:
  static bool acquire(std::uint8_t& lock, actor_name self) {
    if (lock != actor_count) return false;
    lock = self;
    return true;
  }
  static void release(std::uint8_t& lock) { lock = actor_count; }

  static slab_state& touch(world& w, slab_name s) {
    if (w.slabs[s].gone) w.error = "a header was used after it was given back";
    return w.slabs[s];
  }

  static void push_front(world& w, local_name h, slab_name s) {
    auto& list = w.lists[h];
    if (list[0] == s || list[1] == s) w.error = "a slab was linked twice";
    list = {s, list[0]};
  }

  static bool remove(world& w, local_name h, slab_name s) {
    auto& list = w.lists[h];
    if (list[0] == s)
      list = {list[1], no_slab};
    else if (list[1] == s)
      list[1] = no_slab;
    else
      return false;
    return true;
  }

  static bool is_empty(const slab_state& s) { return s.free[0] && s.free[1]; }

  static void give_back(world& w, slab_name s) {
    remove(w, w.slabs[s].owner, s);
    w.slabs[s].gone = true;
  }

  // put_block(), with the lock of the owner held.
  void put_block(world& w, slab_name s, std::size_t b, actor_name self) const {
    slab_state& slab = touch(w, s);
    if (w.lock_of[slab.owner] != self) w.error = "a slab was changed without its owner's lock";
    if (slab.free[b]) w.error = "a block was put back twice";
    slab.free[b] = true;
    w.holder[s][b] = actor_count;
    auto& list = w.lists[slab.owner];
    if (!slab.linked) {
      push_front(w, slab.owner, s);
      slab.linked = true;
    }
    const bool is_listed = list[0] == s || list[1] == s;
    const bool has_neighbour = is_listed && list[1] != no_slab;
    const bool may_go =
        has_neighbour || (gives_last_ && list[0] == s) || wrong_ == mistake::last_slab_given_back;
    if (is_empty(slab) && may_go) give_back(w, s);
  }

  // take_batch(): everything that the first slab in the list has.
  static void take_batch(world& w, local_name h, actor_name self) {
    const slab_name s = w.lists[h][0];
    if (s == no_slab) return;
    slab_state& slab = touch(w, s);
    for (std::size_t b = 0; b < 2; ++b) {
      if (!slab.free[b]) continue;
      slab.free[b] = false;
      if (w.holder[s][b] != actor_count) w.error = "a block has two holders";
      w.holder[s][b] = self;
    }
    remove(w, h, s);
    slab.linked = false;
  }

  // refill() of the thread that has local heap `own`. `at`: its program counter.
  bool take(world& w, actor_name self, local_name own, std::uint8_t& at) const {
    const local_name other = own == local_t ? local_x : local_t;
    slab_name& stolen = w.stolen[self];
    switch (at) {
      case 0:
        if (!acquire(w.lock_of[own], self)) return false;
        at = w.lists[own][0] == no_slab ? 1 : 7;
        return true;
      case 1: release(w.lock_of[own]); break;
      case 2:
        if (!acquire(w.heap_lock, self)) return false;
        if (shares_ || (other == local_x && w.x_is_idle)) break;
        at = 5;
        return true;
      case 3:
        if (wrong_ != mistake::given_away_unlocked && !acquire(w.lock_of[other], self))
          return false;
        stolen = w.lists[other][0];
        if (stolen == no_slab) break;
        touch(w, stolen);
        remove(w, other, stolen);
        if (wrong_ == mistake::unlinked_in_transit) w.slabs[stolen].linked = false;
        break;
      case 4:
        if (stolen != no_slab) touch(w, stolen).owner = own;
        if (w.lock_of[other] == self) release(w.lock_of[other]);
        break;
      case 5: release(w.heap_lock); break;
      case 6:
        if (!acquire(w.lock_of[own], self)) return false;
        if (stolen == no_slab) break;
        if (slab_state& s = touch(w, stolen); wrong_ != mistake::unlinked_in_transit || !s.linked) {
          s.linked = true;
          push_front(w, own, stolen);
        }
        break;
      case 7: take_batch(w, own, self); break;
      default:
        release(w.lock_of[own]);
        at = finished;
        return true;
    }
    ++at;
    return true;
  }

  // The first block of the flusher's bin that is still in it.
  static bool find_block(const world& w, actor_name self, slab_name& s, std::size_t& b) {
    for (const slab_name slab : {slab_a, slab_b})
      for (std::size_t i = 0; i < 2; ++i)
        if (w.holder[slab][i] == self) {
          s = slab;
          b = i;
          return true;
        }
    return false;
  }

  bool flush(world& w) const { return put_all(w, flusher); }
  bool put(world& w) const { return put_all(w, putter); }

  // Rounds: read the owner of the first block; lock it; put what it owns; unlock.
  bool put_all(world& w, actor_name self) const {
    std::uint8_t& at = w.at[self];
    slab_name s = no_slab;
    std::size_t b = 0;
    switch (at) {
      case 0:
        if (!find_block(w, self, s, b)) {
          at = finished;
          return true;
        }
        w.seen_owner[self] = touch(w, s).owner;
        at = 1;
        return true;
      case 1:
        if (!acquire(w.lock_of[w.seen_owner[self]], self)) return false;
        at = 2;
        return true;
      case 2:
        // Asking and putting are two steps: only the lock keeps the answer true.
        w.chosen[self] = 0;
        for (std::uint8_t i = 0; i < 4; ++i) {
          const auto slab = static_cast<slab_name>(i / 2);
          if (w.holder[slab][i % 2] != self) continue;
          const bool is_owned = touch(w, slab).owner == w.seen_owner[self];
          const bool is_first = slab == slab_a || w.holder[slab_a][1] != self;
          if (is_owned || (wrong_ == mistake::no_second_look && is_first))
            w.chosen[self] = static_cast<std::uint8_t>(w.chosen[self] | 1u << i);
        }
        at = 3;
        return true;
      case 3:
        for (std::uint8_t i = 0; i < 4; ++i)
          if ((w.chosen[self] >> i & 1) != 0)
            put_block(w, static_cast<slab_name>(i / 2), i % 2, self);
        at = 4;
        return true;
      default:
        release(w.lock_of[w.seen_owner[self]]);
        at = 0;
        return true;
    }
  }

  static void give_empty_slabs_back(world& w, local_name h) {
    for (const slab_name s : {slab_a, slab_b}) {
      const auto& list = w.lists[h];
      if ((list[0] == s || list[1] == s) && is_empty(touch(w, s))) give_back(w, s);
    }
  }

  bool trim(world& w) const {
    std::uint8_t& at = w.at[trimmer];
    switch (at) {
      case 0:
        if (!acquire(w.heap_lock, trimmer)) return false;
        break;
      case 1:
      case 4:
        if (!acquire(w.lock_of[at == 1 ? local_x : local_t], trimmer)) return false;
        break;
      case 2:
      case 5: give_empty_slabs_back(w, at == 2 ? local_x : local_t); break;
      case 3:
      case 6: release(w.lock_of[at == 3 ? local_x : local_t]); break;
      default:
        release(w.heap_lock);
        at = finished;
        return true;
    }
    ++at;
    return true;
  }

  bool adopt(world& w) const {
    constexpr std::uint8_t adopted = 2;
    std::uint8_t& at = w.at[adopter];
    if (at >= adopted) {
      std::uint8_t refilling = static_cast<std::uint8_t>(at - adopted);
      const bool moved = take(w, adopter, local_x, refilling);
      at = refilling == finished ? finished : static_cast<std::uint8_t>(refilling + adopted);
      return moved;
    }
    if (at == 0) {
      if (!acquire(w.heap_lock, adopter)) return false;
      w.x_is_idle = false;
    } else {
      release(w.heap_lock);
    }
    ++at;
    return true;
  }

  mistake wrong_;
  bool gives_last_;
  bool shares_;
};

inline std::string problem_in(const world& w, bool at_end) {
  if (w.error[0] != '\0') return w.error;
  if (!at_end) return "";
  for (const slab_name s : {slab_a, slab_b}) {
    const slab_state& slab = w.slabs[s];
    bool has_room = false;
    for (std::size_t b = 0; b < 2; ++b) {
      const bool is_held = w.holder[s][b] != actor_count;
      if (slab.free[b] == is_held) return "a block is lost, or in two places";
      if (slab.gone && is_held) return "a block is held though its slab is gone";
      has_room |= slab.free[b];
    }
    if (slab.gone) continue;
    std::size_t listed = 0;
    for (const auto& list : w.lists) listed += (list[0] == s) + (list[1] == s);
    const auto& home = w.lists[slab.owner];
    const bool is_home = home[0] == s || home[1] == s;
    if (has_room && (listed != 1 || !is_home)) return "a slab with room is in no list, or astray";
    if (!has_room && listed != 0) return "a full slab is in a list";
    if (slab.linked != (listed == 1)) return "the flag in a header is wrong";
  }
  return "";
}

}  // namespace ashlar::test::handover
