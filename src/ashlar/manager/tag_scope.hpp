// SPDX-License-Identifier: MIT
// The tag of a thread: what everything that it allocates counts to, while nothing else is said.
//
//     const ashlar::tag_scope scope(textures);
//     load();        // its blocks, by malloc, new or any manager without a tag, count to textures
//
// Scopes nest; the innermost counts. Each remembers where it began. C-like code pushes and pops
// instead; a pop that does not fit the last push is a fault that names both places. What a scope
// started may go on in another thread: it takes the tags along.
//
//     const ashlar::tag_token tags = ashlar::capture_tags();
//     queue.submit([tags] { const ashlar::use_tags scope(tags); work(); });
//
// A coroutine may not be suspended inside a tag_scope, which ends where it began; let it keep a
// token and open a use_tags each time that it goes on.
// Threads: each has its own tag. Cost: a call, seven stores and a load; more if a drop-in malloc
// has to be told that the thread has a tag now, or none any more.
#pragma once

#include <source_location>

#include "ashlar/base/macros.hpp"
#include "ashlar/manager/tag.hpp"
#include "ashlar/observe/tag_frame.hpp"

namespace ashlar {

/// The tag of a thread at a moment, and where it was set.
struct tag_token {
  tag current;
  std::source_location place = {};
};

/// Makes a tag that of the thread, until the end of the scope.
class [[nodiscard]] tag_scope {
 public:
  ASHLAR_EXPORT explicit tag_scope(
      tag wanted, std::source_location place = std::source_location::current()) noexcept;
  /// Faults: unbalanced_tag, if it is not the innermost scope of this thread. If the program goes
  /// on then: a scope of another thread ends there when that one next asks for its tag, or begins
  /// or ends one. Until then what it allocates carries the tag.
  ASHLAR_EXPORT ~tag_scope();
  tag_scope(const tag_scope&) = delete;
  tag_scope& operator=(const tag_scope&) = delete;

 private:
  observe::tag_frame frame_;
};

/// Makes the tag of another thread, or of another moment, that of this one, until the end of the
/// scope.
class [[nodiscard]] use_tags {
 public:
  explicit use_tags(const tag_token& token) noexcept : scope_(token.current, token.place) {}

 private:
  tag_scope scope_;
};

/// Lets one allocation count to a tag, unless that is the untagged one. For code in which nothing
/// of the program runs: it is not one of the thread's scopes, and knows no place.
class [[nodiscard]] block_tag_scope {
 public:
  ASHLAR_EXPORT explicit block_tag_scope(tag of) noexcept;
  ASHLAR_EXPORT ~block_tag_scope();
  block_tag_scope(const block_tag_scope&) = delete;
  block_tag_scope& operator=(const block_tag_scope&) = delete;

 private:
  tag_id before_;
};

/// Returns the tag that this thread allocates under; the untagged one outside of all scopes.
ASHLAR_EXPORT tag current_tag() noexcept;

/// Returns what `use_tags` needs to go on elsewhere.
ASHLAR_EXPORT tag_token capture_tags() noexcept;

/// Makes a tag that of the thread, until it is popped. At most 16 may be pushed at a time; returns
/// false, having changed nothing, beyond that.
ASHLAR_EXPORT bool push_tag(tag wanted,
                            std::source_location place = std::source_location::current()) noexcept;

/// Ends the last push, which must have been of this tag. Faults: unbalanced_tag, if it was of
/// another one, if a scope was opened since, or if nothing was pushed; then nothing happens.
ASHLAR_EXPORT void pop_tag(tag pushed,
                           std::source_location place = std::source_location::current()) noexcept;

}  // namespace ashlar
