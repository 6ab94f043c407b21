// SPDX-License-Identifier: MIT
// The head that every manager begins with, and the table through which it is used when its type is
// not known.
//
// A table in static storage instead of virtual functions: a head is initialised by constants, needs
// no RTTI, and a manager written in C fits in. `ops_for<M>` (concepts.hpp) makes the table from a
// class.
//
// The window. A manager that serves blocks one behind the other publishes the free run it serves
// from, [cur, end), in its head. The handle (memory.hpp) takes from it inline, without a call, type
// known or not. All others, and every manager while it is debugged, keep the window closed
// (cur == end), and the same compiled code falls into the table. So watching a manager is switched
// on at run time, and costs nothing while it is off.
//
// Invariants: cur <= end; with a closed window both are null or equal. A manager has identity: it
// is neither copied nor moved, since handles, children and the registry point to it. Threads: a
// manager belongs to one thread at a time unless it has `capability::thread_safe`. `usage`, `name`,
// `kind` and `upstream` may be called by any thread while the manager lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/base/result.hpp"
#include "ashlar/manager/capability.hpp"
#include "ashlar/observe/tag.hpp"

namespace ashlar {

class manager;
class os_manager;

/// A place in a manager that can rewind. Opaque: made by `here`, given to `rewind` of the same
/// manager. Valid until that manager is rewound to an earlier place, cleared or destroyed; the
/// manager's `rewind` says what a mark does that is not.
struct mark {
  const void* place = nullptr;
  std::size_t position = 0;
};

/// One live block as seen by a walk.
struct walked_block {
  void* data = nullptr;
  std::size_t size = 0;  ///< usable bytes
};

/// Called for each block of a walk, until it returns false. Must not use the manager that is
/// walked.
struct block_visitor {
  void* context = nullptr;
  bool (*visit)(void* context, const walked_block& found) = nullptr;

  bool operator()(const walked_block& found) const { return visit(context, found); }
};

/// What a manager says of itself at any time, cheaply. Units: bytes. Each number is read on its
/// own: while other threads use the manager, they need not fit together. A manager that only passes
/// on what another one serves counts nothing: its `used` and `held` are unknown, and are that
/// other one's figures.
struct manager_usage {
  static constexpr std::size_t unknown = static_cast<std::size_t>(-1);

  std::size_t used = 0;             ///< in blocks handed out, what they were rounded up included
  std::size_t held = 0;             ///< taken from the upstream (or the OS) and not given back
  std::size_t peak_used = unknown;  ///< the most that `used` ever was
  std::size_t limit = unknown;      ///< the most that `used` may become
  std::size_t live_blocks = unknown;
};

struct manager_ops {
  const char* kind;  ///< "arena", "pool", ...
  capability can;

  allocation (*allocate)(manager&, layout, fit) noexcept;
  void (*deallocate)(manager&, block, std::size_t alignment) noexcept;
  manager_usage (*usage)(const manager&) noexcept;
  /// Has `peak_used` begin anew with what is used. Null where it keeps no peak of its own.
  void (*restart_peak)(manager&) noexcept;

  // Null where the capability is missing.
  allocation (*allocate_zeroed)(manager&, layout, fit) noexcept;
  allocation (*reallocate)(manager&, block, std::size_t alignment, const resize&) noexcept;
  bool (*owns)(const manager&, const void*) noexcept;
  std::size_t (*usable_size)(const manager&, const void*) noexcept;
  void (*deallocate_unsized)(manager&, void*) noexcept;
  void (*free_all)(manager&) noexcept;
  mark (*here)(const manager&) noexcept;
  void (*rewind)(manager&, mark) noexcept;
  void (*walk)(manager&, block_visitor) noexcept;
  std::size_t (*trim)(manager&, std::size_t keep) noexcept;
};

class ASHLAR_EXPORT manager {
 public:
  manager(const manager&) = delete;
  manager& operator=(const manager&) = delete;

  constexpr const manager_ops& ops() const { return *ops_; }
  const char* kind() const { return ops_->kind; }
  /// Returns its name in the registry, or null.
  const char* name() const { return name_; }
  constexpr bool can(capability wanted) const { return has(ops_->can, wanted); }

  /// Returns the manager that this one takes its memory from; null for a root.
  constexpr manager* upstream() const {
    if (std::is_constant_evaluated()) return upstream_;
    // acquire: pairs with the release in set_upstream().
    return __atomic_load_n(&upstream_, __ATOMIC_ACQUIRE);
  }
  /// Returns the manager at the end of the chain of upstreams. O(length of the chain).
  const manager& root() const noexcept;
  /// Returns the OS manager that the root takes memory from: the system's for roots over memory of
  /// unknown origin (a user's block, operator new).
  os_manager& os() const noexcept;

  /// The tag that what this manager takes from its upstream or the OS from now on is counted to;
  /// and blocks that it only passes on, where neither the caller nor the thread names one
  /// (tag_scope.hpp). 0: none. Set before other threads use the manager.
  tag_id tag() const { return tag_; }
  void set_tag(tag_id tag) { tag_ = tag; }

 protected:
  constexpr manager(const manager_ops& ops, manager* upstream) noexcept
      : ops_(&ops), upstream_(upstream) {}
  ~manager();

  constexpr void set_upstream(manager* upstream) {
    if (std::is_constant_evaluated())
      upstream_ = upstream;
    else
      store_release(upstream_, upstream);  // other threads may be asking: they see it whole
  }

  /// Returns the tag of what is taken now: the manager's own, else the thread's; the other way
  /// round for one that only passes blocks on.
  tag_id backing_tag(bool passes_on = false) const noexcept;

  /// Takes a block from the window: the one place where this is computed. Returns false, having
  /// changed nothing, if the window does not have it or the request is wrong in any way.
  ASHLAR_FORCE_INLINE bool take(layout request, std::byte*& taken) noexcept {
    // From the end of one block to that of the next: three operations, which is what a push costs;
    // the checks lie beside that chain. Nothing overflows: a size that passes is below 2^63, an
    // address rounded up is at most that, and alignment 0 is no power of two.
    const std::size_t mask = request.alignment - 1;
    const std::uintptr_t start = (address_of(cur_) + mask) & ~mask;
    const std::uintptr_t next = start + request.size;
    const bool has_size = static_cast<std::ptrdiff_t>(request.size) > 0;
    const bool is_power = (request.alignment ^ mask) > mask;
    if (!has_size || next > address_of(end_) || !is_power) [[unlikely]]
      return false;  // the slow path tells apart what is wrong
    taken = at_address(start);
    store_relaxed(cur_, at_address(next));
    return true;
  }

  /// Enters the registry under `name`, which must outlive the manager; null: stays anonymous, and
  /// costs nothing. Called at the end of a derived class's constructor.
  void join_registry(const char* name) noexcept;
  /// What is said of blocks that live when a manager ends (unreleased.hpp).
  enum class parting : std::uint8_t {
    by_policy,
    told,    // whatever the policy
    silent,  // the manager tells by itself, or its end is what frees them
  };
  /// Called first in a derived class's destructor, while it can still be used: from then on no
  /// other thread looks at it.
  void leave_registry(parting tells = parting::by_policy) noexcept;

  /// Called by a manager whose blocks all end now, or one of them does, without that containers
  /// give them back. Cost: a load, unless containers were seen to take some.
  void inner_blocks_ended() noexcept {
    if (has_inner_blocks()) [[unlikely]]
      end_inner_blocks();
  }
  void inner_block_ended(const void* data) noexcept {
    if (has_inner_blocks()) [[unlikely]]
      end_inner_block(data);
  }

  std::byte* cur_ = nullptr;
  std::byte* end_ = nullptr;

 private:
  friend class memory;
  friend class memory_system;
  friend class inner_blocks;

  bool has_inner_blocks() const noexcept { return load_relaxed(inner_number_) != 0; }
  ASHLAR_COLD void end_inner_blocks() noexcept;
  ASHLAR_COLD void end_inner_block(const void* data) noexcept;

  const manager_ops* ops_;
  manager* upstream_;
  const char* name_ = nullptr;
  manager* next_ = nullptr;  // in the registry
  manager* previous_ = nullptr;
  tag_id tag_ = 0;
  std::uint32_t inner_number_ = 0;  // by which the tracker knows it (observe/table/inner_table.hpp)
};

}  // namespace ashlar
