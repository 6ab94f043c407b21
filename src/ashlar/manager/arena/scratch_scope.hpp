// SPDX-License-Identifier: MIT
// Scratch memory: an arena of the calling thread for the length of a scope, never the caller's own.
//
//     void list(ashlar::arena& out) {
//       ashlar::scratch_scope scratch(out);          // some arena, but not `out`
//       char* line = scratch->push<char>(4096);      // until the end of the scope
//       ...
//     }
//
// A function that returns memory in its caller's arena and works in scratch memory must not take
// the arena that it returns memory in: what it returns would end with its scope. So it names the
// arenas in use, and gets one that none of them is or stands on. Two serve most programs; more are
// made when all are in use. They belong to the thread and go back when it ends.
// Threads: each has its own arenas. Cost: a few instructions; making an arena, two system calls.
#pragma once

#include "ashlar/manager/arena/arena.hpp"

namespace ashlar {

class [[nodiscard]] scratch_scope {
 public:
  /// Opens a scope in an arena that none of `in_use` (arenas, managers, other scopes) is or takes
  /// its memory from. If no arena can be made for want of memory, every push into it fails.
  template <class... InUse>
  explicit scratch_scope(InUse&&... in_use) noexcept {
    const memory handles[] = {memory(), static_cast<memory>(in_use)...};
    open({handles + 1, sizeof...(in_use)});
  }
  explicit scratch_scope(std::span<const memory> in_use) noexcept { open(in_use); }
  ~scratch_scope() { arena_->rewind(start_); }
  scratch_scope(const scratch_scope&) = delete;
  scratch_scope& operator=(const scratch_scope&) = delete;

  arena& operator*() const { return *arena_; }
  arena* operator->() const { return arena_; }
  operator memory() const { return *arena_; }  // NOLINT(google-explicit-constructor)

 private:
  ASHLAR_EXPORT void open(std::span<const memory> in_use) noexcept;

  arena* arena_ = nullptr;
  mark start_;
};

/// Returns an arena of this thread for which `is_free(context, arena)`; null if none can be made.
/// What is pushed onto it is rewound by whoever pushed it.
ASHLAR_EXPORT arena* scratch_arena(const void* context,
                                   bool (*is_free)(const void* context, const arena& a)) noexcept;

/// Whether a block of `m` may lie in memory of `a`.
ASHLAR_EXPORT bool stands_on(const manager& m, const arena& a) noexcept;

}  // namespace ashlar
