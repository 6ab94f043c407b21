// SPDX-License-Identifier: MIT
// The memory system: the registry of all named managers, and of those who can give memory back.
//
// A manager that was given a name is linked in here by its own head, so entering allocates nothing
// and anonymous managers cost nothing. Managers form a tree by their upstreams; a child shows below
// its nearest named ancestor.
//
//     ashlar::system().add_reclaimer(&cache, [](void* context, std::size_t wanted) {
//       return static_cast<texture_cache*>(context)->drop(wanted);   // whether it freed anything
//     });
//     ashlar::manager* const level = ashlar::system().find("level");
//
// Threads: thread-safe, fork included. `visit` functions run under the lock of the registry: they
// must not make, name or end managers.
#pragma once

#include <atomic>
#include <cstddef>

#include "ashlar/base/macros.hpp"
#include "ashlar/manager/manager.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar {

class ASHLAR_EXPORT memory_system {
 public:
  static constexpr std::size_t max_reclaimers = 16;

  /// Calls `visit(context, manager, depth)` for each named manager, parents before their children,
  /// until it returns false. O(n^2) in the number of managers.
  void for_each(void* context,
                bool (*visit)(void* context, const manager& m, unsigned depth)) noexcept;

  /// Returns the manager named `name`, the newest if several are, or null. The caller knows that it
  /// is not about to end.
  manager* find(const char* name) noexcept;

  /// Returns the sums over all named managers, each byte counted once: what a child holds is not
  /// counted as used by its parent too. `held` is what the roots hold: those that have no parent
  /// which counts. Unknown figures count as 0.
  manager_usage total() noexcept;

  /// Registers `call(context, wanted)`, called when memory runs out and before an allocation
  /// fails. It frees what it can and returns true if that was anything; what it allocates meanwhile
  /// gets no reclaiming of its own. Returns false if the table is full.
  bool add_reclaimer(void* context, bool (*call)(void* context, std::size_t wanted)) noexcept;
  /// Takes the reclaimers of a context out. One may still be running in another thread.
  void remove_reclaimer(void* context) noexcept;
  /// Calls all reclaimers, without a lock. Returns whether any freed something; false at once in a
  /// thread that is reclaiming already.
  bool reclaim(std::size_t wanted) noexcept;

  /// For the fork handlers of the heap, which must hold this lock, and those of managers, before
  /// any of theirs. Returns whether this call took them: then the caller gives them back. From then
  /// on this thread counts as forking.
  bool lock_for_fork() noexcept;
  void unlock_after_fork(bool in_child) noexcept;
  /// Registers the handlers of forks, once. Any lock may be held.
  void watch_forks() noexcept;

 private:
  friend class manager;

  struct reclaimer {
    void* context;
    bool (*call)(void* context, std::size_t wanted);
  };

  void enter(manager& m, const char* name) noexcept;
  void leave(manager& m) noexcept;
  static void before_fork() noexcept;
  static void after_fork_in_parent() noexcept;
  static void after_fork_in_child() noexcept;
  static const manager* named_ancestor(const manager& m) noexcept;
  static const manager* counting_ancestor(const manager& m) noexcept;
  bool visit_children(const manager* parent, unsigned depth, void* context,
                      bool (*visit)(void*, const manager&, unsigned)) noexcept;

  lock mutex_;
  std::atomic<bool> watches_forks_ = false;
  bool took_lock_ = false;    // our own handler did, in the fork that is under way; under `mutex_`
  manager* first_ = nullptr;  // oldest first
  manager* last_ = nullptr;
  reclaimer reclaimers_[max_reclaimers] = {};
};

/// Returns the memory system of the process.
ASHLAR_EXPORT memory_system& system() noexcept;

}  // namespace ashlar
