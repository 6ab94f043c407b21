// SPDX-License-Identifier: MIT
// Which tag each reservation of an OS manager belongs to, and how much of it is counted to it.
//
// The one place where what managers take is counted: every arena, pool, fit manager and heap takes
// pages through an os_manager, and that asks here. A reservation gets its owner when it is made;
// what is committed of it later counts to the same tag, whoever commits, and is given back to the
// same tag, whoever releases. Reservations without a tag are not known here, and while there are
// none with one, nothing here costs more than a load.
//
// `source` is the OS manager that a reservation is of. One may stand over memory of another: over a
// block that a manager handed out. What is inside a known reservation is counted there already.
//
// Invariants: (1) known reservations do not overlap, so no byte counts twice: one inside another is
// not entered; (2) `charged` of a reservation was counted to its tag, and never exceeds its size.
// Threads: thread-safe, fork included. Cost: a lock and a search, beside a system call.
#pragma once

#include <cstddef>

#include "ashlar/base/result.hpp"
#include "ashlar/observe/tag.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar::page_charges {

/// Enters a reservation that belongs to `owner`. Nothing if that is 0. Where there is no room to
/// remember it, its pages are not counted.
void open(const void* source, tag_id owner, os::range memory) noexcept;

/// Counts `part`, which is about to be committed.
/// Errors: over_budget; nothing has changed.
status charge(const void* source, os::range part) noexcept;

/// Counts `part` no more.
void discharge(const void* source, os::range part) noexcept;

/// Forgets a reservation, and counts nothing of it any more.
void close(const void* source, os::range memory) noexcept;

// The same in two steps, for a release that may be refused.

/// A reservation that is not known any more, with what still counts to its owner. Empty: it never
/// was known.
struct forgotten {
  os::range memory;
  std::size_t charged = 0;
  tag_id owner = 0;
};

/// Forgets a reservation, which is about to be released.
[[nodiscard]] forgotten forget(const void* source, os::range memory) noexcept;
/// Counts nothing of it any more: it was released.
void settle(const forgotten& was) noexcept;
/// Knows it again: it was not.
void reopen(const void* source, const forgotten& was) noexcept;

}  // namespace ashlar::page_charges
