// SPDX-License-Identifier: MIT
// A fixed table of ranges, each slot guarded by its own state, so that nobody ever waits.
//
// slot:  empty --CAS--> busy --store--> full --CAS--> busy --store--> empty (or full again)
// The range is written and read only by the thread that made the slot busy.
#include "ashlar/os/posix/parked.hpp"

#include <atomic>

#include "ashlar/os/posix/choke_point.hpp"
#include "ashlar/os/posix/reserve.hpp"

namespace ashlar::os::detail {

namespace {

enum class slot_state : unsigned char { empty, busy, full };

struct slot {
  std::atomic<slot_state> state{slot_state::empty};
  range memory;
  std::size_t committed = 0;

  bool take(slot_state expected) {
    return state.load(std::memory_order_relaxed) == expected &&
           state.compare_exchange_strong(expected, slot_state::busy, std::memory_order_acquire,
                                         std::memory_order_relaxed);
  }
};

constinit slot slots[256];
constinit std::atomic<unsigned> full_slots{0};

}  // namespace

void park(range memory, std::size_t committed) noexcept {
  for (slot& s : slots) {
    if (!s.take(slot_state::empty)) continue;
    s.memory = memory;
    s.committed = committed;
    s.state.store(slot_state::full, std::memory_order_release);
    full_slots.fetch_add(1, std::memory_order_relaxed);
    return;
  }
}

void retry_parked() noexcept {
  if (full_slots.load(std::memory_order_relaxed) == 0) [[likely]]
    return;
  for (slot& s : slots) {
    if (!s.take(slot_state::full)) continue;
    const bool done = unmap(s.memory).ok();
    if (done) {
      count_released(s.memory.size);
      count_decommitted(s.committed);
      full_slots.fetch_sub(1, std::memory_order_relaxed);
    }
    s.state.store(done ? slot_state::empty : slot_state::full, std::memory_order_release);
    if (!done) return;  // what is refused now would be refused for the others too
  }
}

}  // namespace ashlar::os::detail
