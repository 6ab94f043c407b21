// SPDX-License-Identifier: MIT
// A range of address space that is committed from its start, step by step, and never moves.
//
// What lies behind vm_vector. Address space is reserved at the first commit, not before, so that
// making one costs nothing. Steps grow with what is committed: few OS calls, little waste.
//
// Invariants: committed() is a multiple of the page, at most the reservation; [data, data +
// committed()) is accessible.
// Threads: thread-compatible. Cost: one or two system calls for each step.
#pragma once

#include <cstddef>

#include "ashlar/base/result.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

struct vm_options {
  /// Bytes committed at a time. 0: an eighth of what is committed, from 64 KiB to 4 MiB.
  std::size_t commit_step = 0;
  /// Brings the pages of each step in with one call, instead of one fault each at first touch: a
  /// quarter of the time of a first append less, and up to a step of idle pages.
  bool populate = true;
  os_manager* os = nullptr;  ///< null: system_os()
};

namespace detail {

class ASHLAR_EXPORT reserved_range {
 public:
  /// Will reserve `size` bytes at a multiple of `alignment`.
  reserved_range(std::size_t size, std::size_t alignment, const vm_options& options) noexcept;
  ~reserved_range() { release(); }
  reserved_range(reserved_range&& other) noexcept;
  reserved_range& operator=(reserved_range&& other) noexcept;

  std::byte* data() const { return range_.data; }
  std::size_t committed() const { return committed_; }
  std::size_t reserved() const { return range_.size; }

  /// Commits at least `size` bytes in all. Errors: `not_enough_memory` beyond what was to be
  /// reserved, `over_budget`, `no_memory`; nothing has changed but that the range may be reserved.
  status commit(std::size_t size) noexcept;
  /// Gives the pages behind the first `size` bytes back. Returns the bytes given back; 0 also where
  /// the OS manager cannot.
  std::size_t decommit_behind(std::size_t size) noexcept;
  /// Gives everything back, address space too.
  void release() noexcept;

 private:
  status reserve() noexcept;
  std::size_t step() const noexcept;
  status commit_part(std::size_t new_size) noexcept;

  os_manager* os_;
  std::size_t wanted_size_;
  std::size_t alignment_;
  std::size_t commit_step_;
  bool populate_;
  os::range range_ = {};
  std::size_t committed_ = 0;
};

}  // namespace detail

}  // namespace ashlar
