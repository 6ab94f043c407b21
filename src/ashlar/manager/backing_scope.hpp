// SPDX-License-Identifier: MIT
// Under which tag a manager asks its upstream.
//
// What a manager takes to serve many requests (a chunk, a slab) belongs to the manager and not to
// the request that happened to come when it was full. So a manager that has a tag puts it on the
// thread while it asks its upstream: whoever counts in the end, malloc or an OS manager, counts to
// it. Threads: each has its own tag. Cost: two loads for a manager without a tag.
#pragma once

#include "ashlar/manager/manager.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar {

class [[nodiscard]] backing_scope {
 public:
  /// Null: nothing changes.
  explicit backing_scope(const manager* owner) noexcept
      : before_(observe::this_thread().tag), changed_(changes(owner)) {
    if (changed_) observe::process_tracker().set_thread_tag(owner->tag());
  }
  explicit backing_scope(const manager& owner) noexcept : backing_scope(&owner) {}
  ~backing_scope() {
    if (changed_) observe::process_tracker().set_thread_tag(before_);
  }
  backing_scope(const backing_scope&) = delete;
  backing_scope& operator=(const backing_scope&) = delete;

 private:
  bool changes(const manager* owner) const {
    return owner != nullptr && owner->tag() != 0 && owner->tag() != before_;
  }

  tag_id before_;
  bool changed_;
};

}  // namespace ashlar
