// SPDX-License-Identifier: MIT
// All tags of a process: a tree of names, each with what it holds and what it may hold.
//
// A tag counts what carries it itself; sums over a subtree are made by whoever reads, so that
// counting never walks the tree. Threads count in cells of their own (thread_tally.hpp) and publish
// here; the cells are exact, what is published lags behind by at most the batch of each thread, and
// not at all where a tag has a budget, which is checked against it.
//
// Invariants: (1) parents have smaller numbers than their children; (2) a name is unique among its
// siblings; (3) a number that was handed out stays valid.
// Threads: thread-safe. Defining takes a lock; everything else none.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/observe/tag.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar {

/// What a tag may hold, and who is told. Units: bytes of blocks that carry the tag.
struct tag_budget {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::size_t soft = none;
  /// What would go beyond is refused: `over_budget`. Threads that allocate blocks at the same time
  /// may each go beyond it by one block; pages that managers take never do.
  std::size_t hard = none;
  void* context = nullptr;
  /// Called when the tag first rises above `soft`, or is above it when the budget is set, or is
  /// refused at `hard`, and again after it has been below. What it allocates is not counted to any
  /// tag. If a manager is growing, that manager must not be used.
  void (*exceeded)(void* context, tag_id tag, std::size_t live) = nullptr;
};

namespace observe {

/// One tag. Units: bytes, blocks.
struct tag_record {
  static constexpr std::size_t name_capacity = 40;

  char name[name_capacity];  // its own part of the path, cut, null-terminated
  tag_id parent;
  tag_budget budget;
  bool is_bounded;                  // has a budget: changes are published at once
  std::atomic<std::int64_t> live;   // published, pages of managers included
  std::atomic<std::int64_t> pages;  // of these: what managers took from an OS manager
  std::atomic<std::int64_t> apart;  // of these: what there was no memory to count in a cell for
  std::atomic<std::int64_t> peak;
  std::atomic<bool> reported;  // above soft, or refused, since it was last below
};

class tag_table {
 public:
  constexpr tag_table() = default;

  /// Returns the tag of `path` ("game/render/textures") below `parent`, defining it and its
  /// ancestors if they are new. Errors: `parent` itself when there is no room or no memory.
  tag_id define(const char* path, tag_id parent = 0) noexcept;

  /// Returns the tag of `path`, or 0.
  tag_id find(const char* path) const noexcept;

  /// Changes what a tag may hold, and no more: for `tracker::set_budget`. Threads that allocate
  /// meanwhile go by the old or the new one.
  void set_budget(tag_id tag, const tag_budget& budget) noexcept;
  tag_budget budget_of(tag_id tag) const noexcept;
  /// False: no tag ever had a budget.
  bool has_budgets() const { return load_relaxed(has_budgets_); }

  /// Requires: `tag` was handed out, or is 0.
  tag_record& operator[](tag_id tag) noexcept { return records_[tag]; }
  const tag_record& operator[](tag_id tag) const noexcept { return records_[tag]; }

  /// One more than the largest number handed out; 0 before the first use.
  std::uint32_t size() const { return __atomic_load_n(&count_, __ATOMIC_ACQUIRE); }
  /// Makes tag 0 usable. Errors: false if there is no memory.
  bool start() noexcept;

  /// Writes the path of a tag, null-terminated, cut at `capacity`. Returns its length.
  std::size_t path_of(tag_id tag, char* text, std::size_t capacity) const noexcept;

  /// Whether a tag is `top`, or lies below it. The untagged one is the top of all.
  bool is_below(tag_id id, tag_id top) const noexcept {
    while (id > top) id = records_[id].parent;  // which is smaller: invariant 1
    return id == top;
  }

  std::size_t committed() const { return records_.committed(); }
  os::range reserved() const { return records_.reserved(); }
  /// Gives all of it back. No number but 0 may be used any more.
  void release() noexcept;
  lock& mutex() { return mutex_; }

 private:
  bool start_locked() noexcept;
  tag_id child(tag_id parent, const char* name, std::size_t size) const noexcept;
  tag_id add(tag_id parent, const char* name, std::size_t size) noexcept;

  lock mutex_;
  bool has_budgets_ = false;
  std::uint32_t count_ = 0;
  growing_table<tag_record, most_tags> records_;
};

}  // namespace observe

}  // namespace ashlar
