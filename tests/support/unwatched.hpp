// SPDX-License-Identifier: MIT
// For tests that touch what a manager has taken back: a sanitizer would find them.
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

}  // namespace ashlar::test
