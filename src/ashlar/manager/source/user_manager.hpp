// SPDX-License-Identifier: MIT
// A manager over functions of a user's: the engine, the game or the plug-in host says where memory
// comes from, as a table of C functions.
//
//     ashlar_user_memory table = {};
//     table.context = &engine;
//     table.allocate = take;
//     table.deallocate = give;
//     ashlar::user_manager memory_of_the_engine(table);
//
// In C++ there is a second way: derive from `manager` (concepts.hpp shows how in ten lines), which
// may declare every capability there is. This class counts what goes through it, so that memory of
// a foreign interface shows in the registry.
//
// Invariant: `used` is the sum of the sizes asked for, 0 counted as 1. Each manager has a table of
// its own, from which the functions that the user has not given are missing. Threads: as the
// user's functions; `usage` at any time. Cost: the user's functions, and two atomic additions.
#pragma once

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/source/user_memory.h"
#include "ashlar/manager/tally.hpp"

namespace ashlar {

class ASHLAR_EXPORT user_manager : public manager {
 public:
  static constexpr const char* kind_name = "user";

  explicit user_manager(const ashlar_user_memory& functions, const char* name = nullptr) noexcept;
  ~user_manager() { leave_registry(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  manager_usage usage() const noexcept;
  void restart_peak() noexcept { use_.restart_peak(); }

 protected:
  /// For managers derived from this one, with kinds of their own.
  user_manager(const ashlar_user_memory& functions, const char* name, const char* kind) noexcept;

 private:
  // Not members that a concept would find: whether they work is known at run time only.
  allocation take_zeroed(layout request) noexcept;
  allocation resize_block(block b, std::size_t alignment, const resize& change) noexcept;
  allocation finish(void* data, std::size_t size) noexcept;

  ashlar_user_memory functions_;
  manager_ops table_;
  use_tally<true> use_;
};

}  // namespace ashlar
