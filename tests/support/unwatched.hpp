// SPDX-License-Identifier: MIT
// For tests that touch what a manager has taken back, where a sanitizer would find them; and for
// tests of what managers do with a tool, or only without one.
#pragma once

#include "ashlar/base/poison.hpp"

namespace ashlar::test {

/// Until the end of the scope no tool is told of managers. All managers that are used in the scope
/// begin and end in it.
class [[nodiscard]] unwatched {
 public:
  unwatched() : before_(poison::exchange_watcher(poison::tool::none)) {}
  ~unwatched() { (void)poison::exchange_watcher(before_); }
  unwatched(const unwatched&) = delete;
  unwatched& operator=(const unwatched&) = delete;

 private:
  poison::tool before_;
};

/// Until the end of the scope managers do what they do under a tool: the one that is there, or else
/// memcheck, whose requests nobody hears. Managers that are used in the scope begin and end in it.
class [[nodiscard]] watched {
 public:
  watched() : before_(poison::watcher()) {
    if (before_ == poison::tool::none) (void)poison::exchange_watcher(poison::tool::memcheck);
  }
  ~watched() { (void)poison::exchange_watcher(before_); }
  watched(const watched&) = delete;
  watched& operator=(const watched&) = delete;

 private:
  poison::tool before_;
};

}  // namespace ashlar::test
