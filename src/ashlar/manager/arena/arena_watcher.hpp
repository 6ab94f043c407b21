// SPDX-License-Identifier: MIT
// Who looks on while one arena is used: manager/check/arena_watch.hpp is one.
#pragma once

#include <cstddef>

namespace ashlar {

class arena;

/// Functions that the arena calls, with the watcher itself. None may be null.
struct arena_watcher {
  /// Bytes behind each push that stay unused.
  std::size_t guard;
  /// `size` bytes are about to be taken, gaps and guard included; perhaps not in this chunk.
  void (*about_to_push)(arena_watcher& self, arena& a, std::size_t size);
  /// These bytes were handed out; `zeroed`: they must stay zero.
  void (*pushed)(arena_watcher& self, arena& a, std::byte* data, std::size_t size, bool zeroed);
  /// All above `position` is about to end: destructors have run, the bytes are still there.
  void (*about_to_rewind)(arena_watcher& self, arena& a, std::size_t position);
  void (*rewound)(arena_watcher& self, arena& a);
};

}  // namespace ashlar
