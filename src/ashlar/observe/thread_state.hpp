// SPDX-License-Identifier: MIT
// What the observer keeps for each thread, and where everything else that it keeps begins.
//
// A program may hold two copies of this code: libashlar, and libashlar-malloc that was preloaded.
// They must agree about a thread's tag, so the objects here have C names, are exported and weak:
// the loader gives all copies the same ones. From the first release on, a change of their layout
// changes their names. Weak are the definitions alone: a weak reference would take nothing out of
// an archive.
#pragma once

#include <cstdint>

#include "ashlar/base/macros.hpp"
#include "ashlar/observe/tag.hpp"
#include "ashlar/os/stack_bounds.hpp"

namespace ashlar::observe {

struct thread_tally;
struct tag_frame;

struct thread_state {
  /// The tag of what this thread allocates.
  tag_id tag = 0;
  /// The thread has ended as far as the observer goes: it counts with the ended ones.
  bool ended = false;
  /// Above zero: what the thread does now is not tracked (it is the observer's own doing).
  std::uint32_t muted = 0;
  /// The innermost tag scope.
  const tag_frame* scopes = nullptr;
  thread_tally* tally = nullptr;
  os::stack_bounds stack = {};
  /// The complement of the address of the block that this thread made last, to tell temporary ones:
  /// as a pointer it would hold that block in the eyes of a leak scan.
  std::uintptr_t latest = 0;
  /// Its size as asked for, for who wants to know whether what it got is that block.
  std::size_t latest_size = 0;
  /// Above zero: what this thread takes through adapters is for another one's block.
  std::uint32_t inside_adapters = 0;
};

/// Lets what the calling thread does in a scope go untracked.
class [[nodiscard]] mute_scope;

class tracker;

}  // namespace ashlar::observe

extern "C" {
extern thread_local constinit ashlar::observe::thread_state ashlar_thread_v1
    __attribute__((tls_model("initial-exec"), visibility("default")));
extern constinit ashlar::observe::tracker ashlar_tracker_v1 __attribute__((visibility("default")));
/// 1 while each block is looked at, else 0. Read by what containers inline into programs, which
/// know nothing of the tracker's layout.
extern constinit std::uint32_t ashlar_watch_v1 __attribute__((visibility("default")));
}

namespace ashlar::observe {

ASHLAR_FORCE_INLINE thread_state& this_thread() { return ashlar_thread_v1; }
ASHLAR_FORCE_INLINE tracker& process_tracker() { return ashlar_tracker_v1; }

class [[nodiscard]] mute_scope {
 public:
  mute_scope() noexcept { ++this_thread().muted; }
  ~mute_scope() { --this_thread().muted; }
  mute_scope(const mute_scope&) = delete;
  mute_scope& operator=(const mute_scope&) = delete;
};

}  // namespace ashlar::observe
