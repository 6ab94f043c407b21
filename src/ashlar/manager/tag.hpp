// SPDX-License-Identifier: MIT
// Tags: whose memory it is. A tree of names, each with what it holds and what it may hold.
//
//     const ashlar::tag textures = ashlar::define_tag("game/render/textures", {.hard = 512_MiB});
//
// A tag is a number in a word; it can be copied, stored and compared. Which one counts for a block:
//
//     1. the tag that the call names       (make_tagged<T>(...), allocate_tagged)
//     2. the tag of the class              (T::memory_tag: class_tag.hpp)
//     3. the tag of the thread             (tag_scope.hpp)
//     4. the tag of the manager            (manager::set_tag)
//
// What a manager takes to serve many blocks (a chunk, a slab, pages) is not one block's: it counts
// to the manager's own tag, and to the one that would count for the block only if the manager has
// none. A byte counts once: where a block leaves malloc or new, or where pages leave the OS
// manager.
//
// Threads: thread-safe. Cost: defining takes a lock and searches the names.
#pragma once

#include <cstddef>

#include "ashlar/base/macros.hpp"
#include "ashlar/observe/table/tag_table.hpp"

namespace ashlar {

class tag {
 public:
  /// Stands for "untagged".
  constexpr tag() = default;
  constexpr explicit tag(tag_id id) : id_(id) {}

  constexpr tag_id id() const { return id_; }
  constexpr explicit operator bool() const { return id_ != 0; }
  friend constexpr bool operator==(tag, tag) = default;

 private:
  tag_id id_ = 0;
};

/// Returns the tag of a path, with its ancestors, new or known. Where there is no room for more
/// tags or no memory, the nearest ancestor that there is. 4095 tags, names of 39 characters.
ASHLAR_EXPORT tag define_tag(const char* path) noexcept;
/// The same, and sets its budget.
ASHLAR_EXPORT tag define_tag(const char* path, const tag_budget& budget) noexcept;
/// The same below a parent.
ASHLAR_EXPORT tag define_tag(tag parent, const char* path) noexcept;

/// Returns the tag of a path, or the untagged one.
ASHLAR_EXPORT tag find_tag(const char* path) noexcept;

/// Changes what a tag may hold, from now on.
ASHLAR_EXPORT void set_budget(tag of, const tag_budget& budget) noexcept;
ASHLAR_EXPORT tag_budget budget_of(tag of) noexcept;

ASHLAR_EXPORT tag parent_of(tag of) noexcept;
/// Writes the path of a tag, null-terminated, cut at `capacity`. Returns its length.
ASHLAR_EXPORT std::size_t path_of(tag of, char* text, std::size_t capacity) noexcept;

}  // namespace ashlar
