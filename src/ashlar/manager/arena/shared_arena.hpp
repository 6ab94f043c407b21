// SPDX-License-Identifier: MIT
// An arena that many threads push onto at once, and one clears.
//
//     ashlar::shared_arena frame({.name = "frame"});
//     jobs.run([&](job& j) { j.result = frame.make<result>(...); });   // any thread
//     jobs.wait();
//     ...                                                              // read the results
//     frame.clear();                                                   // any one thread
//
// Each thread has a slot: a run of memory of its own, from which it takes blocks without a lock and
// without writing to anything that another thread writes to. When a run is full it is retired and
// the slot gets another one, under the lock. The run survives clear, so a thread that pushes a
// little each frame goes on in the same warm memory and never meets the lock again. The slot of a
// thread that ends is left, with its contents, to the next thread that comes.
//
// The protocol. `clear` only counts the epoch up and makes the retired runs idle; it does not touch
// slots. A push first compares the epoch of its slot with the arena's: when they differ, the
// contents of its run are dead, and the owner itself starts it again. A push that overlaps a clear
// is made before or after it; in the first case its block has ended when it comes back. Explored in
// all interleavings by tests/model/shared_arena_test.cpp.
//
// Invariants: a run is in one slot, retired or idle; a run with a live block is not idle; only the
// owner of a slot changes its window, other threads only under the lock while it has no owner.
// Threads: thread-safe, except that the arena must not end while others use it. A child of fork may
// use it whatever other threads were doing. Cost: about 20 instructions; the lock once a run.
#pragma once

#include <atomic>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/base/relaxed.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/forkable_lock.hpp"
#include "ashlar/manager/memory.hpp"

namespace ashlar {

struct shared_arena_options {
  std::size_t run_size = 64_KiB;                    ///< what a thread takes at a time
  std::size_t keep = static_cast<std::size_t>(-1);  ///< idle bytes that clear keeps for later
  memory upstream = {};                             ///< thread-safe; none: the OS
  const char* name = nullptr;                       ///< in the registry
};

class ASHLAR_EXPORT shared_arena : public manager {
 public:
  static constexpr const char* kind_name = "shared arena";
  static constexpr capability promises = capability::thread_safe | capability::no_op_deallocate;

  explicit shared_arena(const shared_arena_options& options = {}) noexcept;
  ~shared_arena();

  /// Requests above a quarter of a run get memory of their own, under the lock.
  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  /// Does nothing: blocks end with clear.
  void deallocate(block, std::size_t = default_alignment) noexcept {}

  /// Makes an object that needs no destructor. Null if there is no memory.
  template <class T, class... Arguments>
  T* make(Arguments&&... arguments);

  /// Ends all blocks and keeps the memory, up to `keep`.
  void clear() noexcept;
  /// Ends all blocks and gives all memory back, that of the slots too. No thread may be pushing.
  void free_all() noexcept;
  /// Gives idle memory back until `keep` bytes of it are left. Returns the bytes given back.
  std::size_t trim(std::size_t keep = 0) noexcept;
  /// Whether `p` lies in memory that blocks come from.
  bool owns(const void* p) const noexcept;
  manager_usage usage() const noexcept;

  bool check_invariants() const noexcept;

 private:
  friend class shared_arena_registry;

  struct run;
  struct alignas(64) slot {
    std::byte* cur = nullptr;
    std::byte* end = nullptr;
    std::uint64_t epoch = 0;
    run* current = nullptr;       // under the lock
    const void* owner = nullptr;  // under the lock; null: for whoever comes
    std::byte* start = nullptr;
    slot* next = nullptr;
    std::size_t size = 0;  // of the slot itself, as the upstream gave it
  };
  struct cached_slot {
    std::uint64_t arena = 0;
    slot* mine = nullptr;
  };

  static constexpr std::size_t cached_count = 4;
  static cached_slot& cached(std::uint64_t arena) noexcept;

  ASHLAR_FORCE_INLINE static bool take(slot& s, layout request, std::byte*& taken) noexcept;
  allocation allocate_slow(layout request, fit wanted) noexcept;
  allocation push_large(layout needed) noexcept;
  allocation push_into_new_run(slot& s, layout needed) noexcept;
  slot* find_slot() noexcept;
  slot* make_slot() noexcept;
  void refresh(slot& s) noexcept;
  run* take_idle(layout needed, std::size_t most) noexcept;
  allocation take_new(layout needed, std::size_t size) noexcept;
  void put(run& r, run*& list) noexcept;
  void give_back(run& r) noexcept;
  void end_blocks_in_runs() noexcept;
  std::size_t trim_idle(std::size_t keep) noexcept;
  void leave_slots_of(const void* thread) noexcept;
  void leave_slots_but_of(const void* thread) noexcept;
  memory upstream_handle() const noexcept { return *upstream(); }

  const std::uint64_t id_;
  const shared_arena_options options_;
  std::atomic<std::uint64_t> epoch_{1};
  std::atomic<slot*> slots_{nullptr};  // grows at the front

  mutable manager_lock mutex_;
  run* retired_ = nullptr;
  run* idle_ = nullptr;
  std::size_t idle_size_ = 0;
  std::size_t retired_used_ = 0;
  std::size_t held_ = 0;
  shared_arena* next_ = nullptr;  // in the list of all
  shared_arena* previous_ = nullptr;
};

// --- the fast path -------------------------------------------------------------------------------

inline bool shared_arena::take(slot& s, layout request, std::byte*& taken) noexcept {
  // As manager::take, on the window of a slot.
  const std::size_t mask = request.alignment - 1;
  const std::uintptr_t start = (address_of(s.cur) + mask) & ~mask;
  const std::uintptr_t next = start + request.size;
  const bool has_size = static_cast<std::ptrdiff_t>(request.size) > 0;
  if (!has_size || next > address_of(s.end) || (request.alignment ^ mask) <= mask) [[unlikely]]
    return false;
  taken = at_address(start);
  store_relaxed(s.cur, at_address(next));
  return true;
}

template <class T, class... Arguments>
T* shared_arena::make(Arguments&&... arguments) {
  static_assert(std::is_trivially_destructible_v<T>, "its destructor would not run");
  void* const p = allocate({sizeof(T), alignof(T)}).data();
  return p != nullptr ? ::new (p) T(std::forward<Arguments>(arguments)...) : nullptr;
}

}  // namespace ashlar
