// SPDX-License-Identifier: MIT
// A guard: what is pushed onto an arena while it lives ends with it.
//
//     ashlar::arena_scope scope(a);
//     int* table = a.push<int>(n);      // until the end of the scope
//
// Scopes of one arena nest. Cost: a rewind, which is a few instructions while no chunk and no owned
// object ends.
#pragma once

#include "ashlar/manager/arena/arena.hpp"

namespace ashlar {

class [[nodiscard]] arena_scope {
 public:
  explicit arena_scope(arena& a) noexcept : arena_(a), start_(a.here()) {}
  ~arena_scope() { arena_.rewind(start_); }
  arena_scope(const arena_scope&) = delete;
  arena_scope& operator=(const arena_scope&) = delete;

  arena& operator*() const { return arena_; }
  arena* operator->() const { return &arena_; }

 private:
  arena& arena_;
  mark start_;
};

}  // namespace ashlar
