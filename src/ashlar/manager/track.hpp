// SPDX-License-Identifier: MIT
// Tracking as the program itself sees it: switch it on, ask what it counted, mark the time.
//
//     ashlar::set_tracking({.level = ashlar::track_level::full, .exact_peaks = true});
//     { const ashlar::tag_scope scope(textures); load(); }
//     assert(ashlar::usage_of(textures).live_bytes == expected);
//
// Blocks of malloc and new are tracked where libashlar-malloc serves them (linked or preloaded);
// pages that managers take are counted to their tags with or without it, at every level. In
// the levels full and debug all figures of blocks are exact at any moment, but for what other
// threads are doing; peaks too with one thread, or with `exact_peaks`.
//
// Threads: thread-safe. Cost: asking takes a lock and looks at each thread and site.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/macros.hpp"
#include "ashlar/manager/tag.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar {

using observe::track_level;
using observe::track_settings;
using observe::untagged_policy;

/// Begins to track, changes how, or ends (`track_level::off`; what was counted stays). This thread
/// is tracked from now on, others from their next slow operation on, which a thread that is sampled
/// has once in 1,024 allocations of a size class: before they start is best.
/// Errors: false if there is no memory; for `sampled` with another `sample_bytes` or `sample_up_to`
/// than before, with a `sample_bytes` of 0, after `debug`, or with a policy for blocks without a
/// tag, of which it would see a few. Then nothing has changed.
ASHLAR_EXPORT bool set_tracking(const track_settings& settings) noexcept;
/// Returns how it is tracked now.
ASHLAR_EXPORT track_settings current_tracking() noexcept;

/// What blocks of one kind come to. Units: blocks, bytes as asked for.
struct block_usage {
  std::uint64_t live_blocks = 0;
  std::uint64_t live_bytes = 0;
  std::uint64_t total_blocks = 0;  ///< ever made
  std::uint64_t total_bytes = 0;
};

struct tag_usage {
  tag of;
  block_usage blocks;  ///< of malloc and new
  /// That containers took from managers, inside the pages or blocks which these hold: in no sum and
  /// no budget. At the levels full and debug. Units: as the containers got them.
  block_usage inner;
  std::uint64_t page_bytes = 0;  ///< that managers hold
  std::uint64_t live_bytes = 0;  ///< both: what its budget is compared with
  std::uint64_t peak_bytes = 0;  ///< the most that it was; 0 in sums over several tags
};

/// Returns what a tag itself holds.
ASHLAR_EXPORT tag_usage usage_of(tag of) noexcept;
/// Returns what a tag and all tags below it hold; of the untagged one: everything.
ASHLAR_EXPORT tag_usage usage_below(tag of) noexcept;

/// Calls `visit(context, usage)` for each tag, the untagged one first, parents before children,
/// until it returns false.
ASHLAR_EXPORT void for_each_tag(void* context,
                                bool (*visit)(void* context, const tag_usage& found)) noexcept;

/// One place that allocates, under one tag. The pointers are good during the visit alone.
struct site_usage {
  tag of;
  const char* file = nullptr;  ///< null: not known, only the stack is
  const char* function = nullptr;
  std::uint32_t line = 0;
  const std::uintptr_t* frames = nullptr;  ///< return addresses, innermost first
  std::uint32_t frame_count = 0;
  block_usage blocks;
  block_usage inner;  ///< as in tag_usage
};
/// Calls `visit(context, usage)` for each place, until it returns false.
ASHLAR_EXPORT void for_each_site(void* context,
                                 bool (*visit)(void* context, const site_usage& found)) noexcept;

/// One thread, running or ended.
struct thread_usage {
  const char* name = nullptr;   ///< of ended ones; empty while it runs
  std::uint32_t system_id = 0;  ///< what gettid() returned
  bool ended = false;
  std::uint64_t made_blocks = 0;
  std::uint64_t made_bytes = 0;
  std::uint64_t freed_blocks = 0;  ///< by it, whoever made them
  std::uint64_t freed_bytes = 0;
};
/// Calls `visit(context, usage)` for each thread, until it returns false.
ASHLAR_EXPORT void for_each_thread(void* context,
                                   bool (*visit)(void* context,
                                                 const thread_usage& found)) noexcept;

/// Everything together.
struct total_usage {
  std::uint64_t live_bytes = 0;  ///< in blocks of malloc and new
  std::uint64_t peak_bytes = 0;  ///< the most that these were
  std::uint64_t page_bytes = 0;  ///< that managers hold under tags
  std::uint64_t own_bytes = 0;   ///< what tracking itself takes up
  std::uint64_t lost = 0;        ///< births and deaths that were not counted for want of memory
  std::uint64_t lost_inner = 0;  ///< blocks inside managers that were not: none is in `lost`
  std::uint64_t untagged_blocks = 0;  ///< made while the policy asked for it
  std::uint64_t untagged_bytes = 0;
};
/// Returns the sums over all tags, sites and threads.
ASHLAR_EXPORT total_usage tracked_total() noexcept;

/// Returns a time, in milliseconds since tracking began: all tracked blocks that live are of it or
/// older, and those that are made from now on are younger: its clock steps on by one.
ASHLAR_EXPORT std::uint32_t begin_period() noexcept;

/// One live block of malloc or new. Sampled ones stand for others.
struct live_block {
  const void* data = nullptr;
  std::size_t size = 0;       ///< as asked for
  std::uint32_t born_ms = 0;  ///< what `begin_period` would have returned
  tag of;
};
/// Calls `visit(context, block)` for each tracked block that lives, under locks of the heap: it
/// neither allocates nor frees. Nothing where libashlar-malloc does not serve the process. What
/// other threads make or free meanwhile may be among them or not.
ASHLAR_EXPORT void for_each_live_block(void* context,
                                       void (*visit)(void* context,
                                                     const live_block& found)) noexcept;

/// One live block that a container took from a manager. The texts are good as long as tracking.
struct inner_usage {
  const void* data = nullptr;
  std::size_t size = 0;
  tag of;
  const char* kind = nullptr;  ///< of the manager: "arena", "pool", ...
  const char* name = nullptr;  ///< its name; empty: it has none
};
/// Calls `visit(context, block)` for each such block, by address, until it returns false. Under no
/// lock: what comes or goes meanwhile may be among them or not.
ASHLAR_EXPORT void for_each_inner_block(void* context,
                                        bool (*visit)(void* context,
                                                      const inner_usage& found)) noexcept;

/// Returns the most bytes in tracked blocks since `restart_tracked_peak` was last called.
ASHLAR_EXPORT std::uint64_t recent_peak_bytes() noexcept;
/// Has `recent_peak_bytes` begin with what lives now. `total_usage::peak_bytes` stays what it is.
/// What other threads do meanwhile may be missed.
ASHLAR_EXPORT void restart_tracked_peak() noexcept;

/// Remembers this moment, with what is live, under a name of at most 47 characters. Nothing before
/// tracking first began.
ASHLAR_EXPORT void mark_time(const char* name) noexcept;
/// The same for the beginning of a frame; the last 1024 are remembered.
ASHLAR_EXPORT void next_frame() noexcept;

using observe::time_mark;
/// Calls `visit` for each named mark, oldest first, until it returns false.
ASHLAR_EXPORT void for_each_mark(void* context,
                                 bool (*visit)(void* context, const time_mark& found)) noexcept;
/// Returns the number of frames that have begun.
ASHLAR_EXPORT std::uint32_t frame_number() noexcept;

// --- the same for lambdas ------------------------------------------------------------------------

template <class Visit>
void for_each_tag(Visit visit) {
  for_each_tag(&visit,
               [](void* v, const tag_usage& found) { return (*static_cast<Visit*>(v))(found); });
}
template <class Visit>
void for_each_site(Visit visit) {
  for_each_site(&visit,
                [](void* v, const site_usage& found) { return (*static_cast<Visit*>(v))(found); });
}
template <class Visit>
void for_each_thread(Visit visit) {
  for_each_thread(
      &visit, [](void* v, const thread_usage& found) { return (*static_cast<Visit*>(v))(found); });
}
template <class Visit>
void for_each_live_block(Visit visit) {
  for_each_live_block(&visit,
                      [](void* v, const live_block& found) { (*static_cast<Visit*>(v))(found); });
}
template <class Visit>
void for_each_inner_block(Visit visit) {
  for_each_inner_block(
      &visit, [](void* v, const inner_usage& found) { return (*static_cast<Visit*>(v))(found); });
}
template <class Visit>
void for_each_mark(Visit visit) {
  for_each_mark(&visit,
                [](void* v, const time_mark& found) { return (*static_cast<Visit*>(v))(found); });
}

}  // namespace ashlar
