// SPDX-License-Identifier: MIT
// The OS memory manager: reserves address space, commits pages, takes both back.
//
//     ashlar::os_manager& os = ashlar::system_os();
//     const ashlar::os::range room = os.reserve(1_GiB);   // no memory yet
//     if (os.commit({room.data, 64_KiB})) use(room.data);
//     os.release(room, 64_KiB);
//
// The root of every chain of managers. There is one over the operating system, `system_os()`;
// others stand over a block of the user's or over functions of the user's (user_os.hpp), and
// whoever takes memory from an os_manager works over any of them. As a manager it passes each
// allocation on to the OS, in whole pages, and counts it: enough for programs that only want to see
// what they use.
//
// What managers take is counted here to their tags (page_charges.hpp): a reservation belongs to the
// tag that it is made under, and what is committed of it counts to that tag, within its budget.
//
// Invariants: `usage().held` is what was committed through it and not given back.
// Threads: thread-safe. Cost: a system call each; a page at least for each allocation.
#pragma once

#include <atomic>
#include <cstddef>

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/tally.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {

/// What an OS manager needs to know how to do. A C program can fill it in too. Ranges are multiples
/// of the page size. Null functions: see each.
struct os_verbs {
  void* context = nullptr;
  /// Returns exactly `size` bytes at a multiple of `alignment`, or an empty range. Required.
  os::range (*reserve)(void* context, std::size_t size, std::size_t alignment) = nullptr;
  /// Takes back a whole reservation, of which `committed` bytes are committed. Required.
  void (*release)(void* context, os::range memory, std::size_t committed) = nullptr;
  /// Makes part of a reservation accessible. Null: it is accessible as it comes.
  bool (*commit)(void* context, os::range part) = nullptr;
  /// The opposite. Null: pages stay.
  bool (*decommit)(void* context, os::range part) = nullptr;
  /// Gives pages back that stay accessible and then read as zero. Null: pages stay.
  bool (*discard)(void* context, os::range part) = nullptr;
  /// Brings pages in now. Null: not done.
  bool (*populate)(void* context, os::range part) = nullptr;
  /// Moves pages between committed parts without copying; `from` reads as zero afterwards. Null:
  /// `move_pages` fails.
  bool (*move_pages)(void* context, os::range from, os::range to) = nullptr;
  /// Changes what may be done with a committed part. Null: `protect` fails.
  bool (*protect)(void* context, os::range part, os::access rights) = nullptr;
  /// Asks for (or against) huge pages in a committed part. A hint. Null: not done.
  bool (*advise_huge)(void* context, os::range part, bool wanted) = nullptr;
  /// Maps `size` bytes twice in a row: 2 * size bytes. Null: `mirror` fails.
  os::range (*mirror)(void* context, std::size_t size) = nullptr;
  void (*release_mirrored)(void* context, os::range memory) = nullptr;
  /// Returns the most that `reserve` can serve now at that alignment. Null: not bounded.
  std::size_t (*available)(void* context, std::size_t alignment) = nullptr;
  std::size_t page_size = 0;  ///< 0: the system's
  bool zeroed = false;        ///< fresh and discarded memory reads as zero
  /// Address space costs so little that heaps may reserve this much at a time; 0: just what they
  /// need.
  std::size_t generous_reservation = 0;
};

class ASHLAR_EXPORT os_manager : public manager {
 public:
  static constexpr const char* kind_name = "os";
  static constexpr capability promises = capability::thread_safe | capability::is_os;

  constexpr explicit os_manager(const os_verbs& verbs) noexcept
      : os_manager(ops_for<os_manager>, verbs) {}
  os_manager(const os_verbs& verbs, const char* name) noexcept : os_manager(verbs) {
    join_registry(name);
  }
  ~os_manager() { leave_registry(); }

  std::size_t page_size() const noexcept;
  bool zeroed() const { return verbs_.zeroed; }
  bool can_discard() const { return verbs_.discard != nullptr; }
  bool can_commit() const { return verbs_.commit != nullptr; }
  std::size_t generous_reservation() const { return verbs_.generous_reservation; }

  /// Returns `size` bytes, rounded up to pages, at a multiple of `alignment`; empty if refused.
  /// Nothing of it may be touched before it is committed. Belongs to the tag of the thread, or of
  /// this manager.
  os::range reserve(std::size_t size, std::size_t alignment = 1) noexcept;
  /// The same for whoever knows to which tag it belongs; 0: it is not counted.
  os::range reserve_for(tag_id owner, std::size_t size, std::size_t alignment = 1) noexcept;
  /// Makes pages of a reservation accessible. Errors: over_budget, if the tag of the reservation
  /// may not hold more; no_memory. Nothing has changed then.
  [[nodiscard]] status try_commit(os::range part) noexcept;
  [[nodiscard]] bool commit(os::range part) noexcept { return try_commit(part) == status::success; }
  /// Takes pages back; the address space stays reserved. False: they are still committed.
  bool decommit(os::range part) noexcept;
  /// Gives a whole reservation back, of which `committed` bytes are committed.
  void release(os::range memory, std::size_t committed) noexcept;

  /// Gives pages back that stay committed; they read as zero afterwards. False: nothing happened.
  bool discard(os::range part) noexcept;
  /// Brings pages in now, in one call. A hint: false is harmless.
  bool populate(os::range part) noexcept;
  /// Moves pages of `from` to `to` (same size, disjoint, both committed) without copying. False:
  /// `from` is as it was.
  bool move_pages(os::range from, os::range to) noexcept;
  bool protect(os::range part, os::access rights) noexcept;
  /// Asks for (or against) huge pages. A hint: false is harmless.
  bool advise_huge(os::range part, bool wanted) noexcept;
  /// Maps the same `size` bytes (rounded up to pages) twice in a row, so that a ring never wraps.
  /// Empty if refused.
  os::range mirror(std::size_t size) noexcept;
  void release_mirrored(os::range memory) noexcept;
  /// Returns the most that `reserve` can serve now at that alignment; `max_size` if it is not
  /// bounded.
  std::size_t available(std::size_t alignment = 1) const noexcept;

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept;
  /// Fault: invalid_free, for what is no page's start, or more than is used.
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  manager_usage usage() const noexcept;
  void restart_peak() noexcept { use_.restart_peak(); }

 protected:
  /// For managers derived from this one, with tables of their own.
  constexpr os_manager(const manager_ops& ops, const os_verbs& verbs) noexcept
      : manager(ops, nullptr), verbs_(verbs) {}

 private:
  os_verbs verbs_;
  use_tally<true> use_;
  std::atomic<std::size_t> committed_{0};
};

/// Returns the manager over the operating system itself.
ASHLAR_EXPORT os_manager& system_os() noexcept;

}  // namespace ashlar
