// SPDX-License-Identifier: MIT
// What a part of a program allocated and did not free, said when that part ends.
//
//     {
//       const ashlar::leak_scope level("level 3");
//       load();
//       play();
//       unload();
//     }                      // blocks that were made here and live are reported, by site
//
// Seen are blocks of malloc and new, in a process that libashlar-malloc serves and that is tracked
// (`track=full` or `debug`); else nothing is known, and nothing said: a scope may stay in the code.
// Blocks of managers: debug_manager, unreleased.hpp. What a cache keeps on purpose is reported too:
// `dismiss`. So is what libc keeps of the first thread that was started. A block that was made
// before and moved to grow counts as new.
//
// Threads: belongs to one; asked by it. Cost: at both ends a lock; at the end, and to ask, a look
// at every live block of the process. Beginning makes the clock of the tracker step on by 1 ms.
#pragma once

#include <cstddef>

#include "ashlar/manager/check/debug_options.hpp"
#include "ashlar/manager/track.hpp"

namespace ashlar {

struct leak_scope_options {
  /// Blocks of this tag and of those below it alone. The untagged one: of all.
  tag within = {};
  /// Blocks of all threads, instead of those that the thread made which began the scope.
  bool all_threads = false;
  debug_sink sink = {};
};

/// What a scope made that lives.
struct leaked_blocks {
  bool is_known = false;  ///< false: the process is not tracked block by block
  std::size_t blocks = 0;
  std::size_t bytes = 0;  ///< as asked for
};

class [[nodiscard]] leak_scope {
 public:
  /// `name`: in the report; not null; must outlive the scope.
  ASHLAR_EXPORT explicit leak_scope(const char* name,
                                    const leak_scope_options& options = {}) noexcept;
  /// Reports, unless dismissed.
  ASHLAR_EXPORT ~leak_scope();
  leak_scope(const leak_scope&) = delete;
  leak_scope& operator=(const leak_scope&) = delete;

  /// Returns what the scope made that lives now, without a word.
  ASHLAR_EXPORT leaked_blocks check() const noexcept;
  /// Reports it now: by site, the most bytes first, with the stack. Nothing, if nothing lives.
  ASHLAR_EXPORT leaked_blocks report() const noexcept;
  /// What lives at the end is meant to.
  void dismiss() noexcept { is_dismissed_ = true; }

 private:
  const char* name_;
  leak_scope_options options_;
  bool is_known_;         // it was tracked from the beginning
  std::uint32_t began_;   // what is younger was made in the scope
  std::uint16_t thread_;  // number
  bool is_dismissed_ = false;
};

}  // namespace ashlar
