// SPDX-License-Identifier: MIT
// The protocol of spsc_ring in all interleavings, weak memory included: no element is lost, taken
// twice, taken before it was made or overwritten before it was taken, and nobody waits for ever.
//
// The model. A ring of two places; the producer pushes 1, 2, ... up to a few more than fit, one at
// a time or two at once; the consumer takes them. Counters are bytes that begin at 254, so that
// they wrap in every run. A place holds an element's number, or 0.
//
// Writes go into a buffer of the thread first, and from there to memory in any order: a write that
// releases only after all that were made before it. Reads are made in the order of the program,
// which is what acquire is for; a read that is made too early is a mistake below. A thread that
// finds the ring full (or empty) again looks once more when the counter has changed: waiting in a
// loop is no step, so waiting for ever is a deadlock that the explorer finds.
//
// A checker that finds nothing proves nothing, so mistakes are built in one at a time.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

#include "model/interleavings.hpp"

namespace ashlar::test::spsc {

/// Deviations from the protocol.
enum class mistake {
  none,
  tail_not_released,  // the tail may be seen before the element
  head_not_released,  // the head may be seen before the place is empty
  tail_before_place,  // the tail is written first, the element afterwards
  early_read,         // no acquire of the tail: the place is read before the counter
  early_write,        // no acquire of the head: the place is written before the counter is read
  one_too_many,       // full is one more than there are places
  never_looks_again,  // the copy of the other's counter is never renewed
  compares_by_order,  // full is told by <, which a wrapped counter breaks
};

enum location : std::uint8_t { place_0, place_1, head_word, tail_word, location_count };

constexpr std::uint8_t places = 2;
constexpr std::uint8_t start = 254;
constexpr std::size_t buffer_size = 4;

struct write {
  location where;
  std::uint8_t value;
  bool releases;
  auto operator<=>(const write&) const = default;
};

/// One thread: its registers, its program counter, its writes that memory has not seen.
struct thread {
  std::array<write, buffer_size> pending;
  std::uint8_t pending_count;
  std::uint8_t at;
  std::uint8_t own;    // its counter
  std::uint8_t seen;   // its copy of the other's
  std::uint8_t count;  // elements pushed or taken, published ones
  std::uint8_t batch;  // places written or read, not published yet
  std::uint8_t early;  // what was read too early
  auto operator<=>(const thread&) const = default;
};

struct world {
  std::array<std::uint8_t, location_count> memory;
  thread producer;
  thread consumer;
  const char* error;
  auto operator<=>(const world&) const = default;
};

/// Producer and consumer; then, for each of their buffers, the write at each position in it.
constexpr std::size_t actor_count = 2 + 2 * buffer_size;

inline world first_world() {
  world w{};
  w.memory = {0, 0, start, start};
  w.producer.own = w.producer.seen = start;
  w.consumer.own = w.consumer.seen = start;
  w.error = "";
  return w;
}

class protocol {
 public:
  explicit protocol(mistake wrong, std::uint8_t at_once = 1, std::uint8_t elements = 9)
      : wrong_(wrong), at_once_(at_once), elements_(elements) {}

  step_result operator()(world& w, std::size_t actor) const {
    if (actor == 0) return produce(w);
    if (actor == 1) return consume(w);
    const bool is_producers = actor < 2 + buffer_size;
    thread& t = is_producers ? w.producer : w.consumer;
    return drain(w, t, (actor - 2) % buffer_size);
  }

 private:
  static constexpr std::uint8_t finished = 99;

  static location place_of(std::uint8_t counter) { return static_cast<location>(counter % places); }

  // The write at `position` of a buffer reaches memory.
  static step_result drain(world& w, thread& t, std::size_t position) {
    if (t.pending_count == 0 && t.at == finished) return step_result::done;
    if (position >= t.pending_count) return step_result::blocked;
    const write now = t.pending[position];
    if (now.releases && position != 0) return step_result::blocked;
    for (std::size_t i = 0; i < position; ++i)
      if (t.pending[i].where == now.where) return step_result::blocked;
    if (now.where <= place_1 && now.value != 0 && w.memory[now.where] != 0)
      w.error = "an element was overwritten before it was taken";
    w.memory[now.where] = now.value;
    for (std::size_t i = position; i + 1 < t.pending_count; ++i) t.pending[i] = t.pending[i + 1];
    t.pending[--t.pending_count] = {};
    return step_result::moved;
  }

  static bool put(thread& t, write w) {
    if (t.pending_count == buffer_size) return false;
    t.pending[t.pending_count++] = w;
    return true;
  }

  static step_result moved(bool has_moved) {
    return has_moved ? step_result::moved : step_result::blocked;
  }

  bool is_full(const thread& t) const {
    const auto next = static_cast<std::uint8_t>(t.own + t.batch);
    if (wrong_ == mistake::compares_by_order) return next >= t.seen + places;
    const std::uint8_t most = places + (wrong_ == mistake::one_too_many ? 1 : 0);
    return static_cast<std::uint8_t>(next - t.seen) >= most;
  }

  bool put_element(thread& t) const {
    const auto next = static_cast<std::uint8_t>(t.own + t.batch);
    const auto value = static_cast<std::uint8_t>(t.count + t.batch + 1);
    return put(t, {place_of(next), value, false});
  }

  bool publish(thread& t, location counter, bool releases) const {
    const auto next = static_cast<std::uint8_t>(t.own + t.batch);
    if (!put(t, {counter, next, releases})) return false;
    t.own = next;
    t.count = static_cast<std::uint8_t>(t.count + t.batch);
    t.batch = 0;
    return true;
  }

  // 0 look at the copy, 1 look at the counter, 2 write the place, 3 publish
  step_result produce(world& w) const {
    thread& t = w.producer;
    const bool is_early = wrong_ == mistake::early_write;
    switch (t.at) {
      case 0:
        if (t.count + t.batch == elements_)
          t.at = t.batch != 0 ? 3 : finished;
        else if (is_early && t.early == 0)
          return moved((t.early = put_element(t)) != 0);
        else
          t.at = !is_full(t) ? 2 : t.batch != 0 ? 3 : 1;
        return step_result::moved;
      case 1:
        if (w.memory[head_word] == t.seen || wrong_ == mistake::never_looks_again)
          return step_result::blocked;
        t.seen = w.memory[head_word];
        t.at = 0;
        return step_result::moved;
      case 2:
        if (wrong_ == mistake::tail_before_place) return produce_backwards(t);
        if (!is_early && !put_element(t)) return step_result::blocked;
        t.early = 0;
        ++t.batch;
        t.at = t.batch == at_once_ ? 3 : 0;
        return step_result::moved;
      case 3:
        if (!publish(t, tail_word, wrong_ != mistake::tail_not_released))
          return step_result::blocked;
        t.at = 0;
        return step_result::moved;
      default: return step_result::done;
    }
  }

  static step_result produce_backwards(thread& t) {
    if (t.pending_count + 2u > buffer_size) return step_result::blocked;
    const location where = place_of(t.own++);
    put(t, {tail_word, t.own, true});
    put(t, {where, ++t.count, false});
    t.at = 0;
    return step_result::moved;
  }

  // 0 look at the copy, 1 look at the counter, 2 read and empty the place, 3 publish
  step_result consume(world& w) const {
    thread& t = w.consumer;
    const auto next = static_cast<std::uint8_t>(t.own + t.batch);
    switch (t.at) {
      case 0:
        if (wrong_ == mistake::early_read) t.early = w.memory[place_of(next)];
        if (t.count == elements_)
          t.at = finished;
        else
          t.at = next != t.seen ? 2 : t.batch != 0 ? 3 : 1;
        return step_result::moved;
      case 1:
        if (w.memory[tail_word] == t.seen) return step_result::blocked;
        t.seen = w.memory[tail_word];
        t.at = 2;
        return step_result::moved;
      case 2: {
        if (!put(t, {place_of(next), 0, false})) return step_result::blocked;
        const std::uint8_t found =
            wrong_ == mistake::early_read ? t.early : w.memory[place_of(next)];
        if (found != t.count + t.batch + 1) w.error = "another element was taken than was due";
        ++t.batch;
        t.at = t.batch == at_once_ ? 3 : 0;
        return step_result::moved;
      }
      case 3:
        if (!publish(t, head_word, wrong_ != mistake::head_not_released))
          return step_result::blocked;
        t.at = 0;
        return step_result::moved;
      default: return step_result::done;
    }
  }

  mistake wrong_;
  std::uint8_t at_once_;
  std::uint8_t elements_;
};

inline std::string problem_in(const world& w, bool at_end) {
  if (w.error[0] != '\0') return w.error;
  if (!at_end) return "";
  if (w.memory[head_word] != w.memory[tail_word]) return "elements are left";
  return w.memory[place_0] == 0 && w.memory[place_1] == 0 ? "" : "a place is not empty";
}

}  // namespace ashlar::test::spsc
