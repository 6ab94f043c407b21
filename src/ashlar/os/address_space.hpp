// SPDX-License-Identifier: MIT
// The OS memory manager: the one place where address space and pages come from and go back to.
//
// Address space passes through four states, each transition a verb of its own, so that Windows is
// a peer and not a port:
//
//     nothing   --reserve-->  reserved  --commit-->   committed
//     committed --decommit--> reserved  --release-->  nothing
//     committed --discard-->  committed: pages go back, and read as zero
//
// Every call is counted here and nowhere else, so `counters()` is exact: reserved and committed
// bytes as this process asked for them through this layer.
//
// Common preconditions: addresses and sizes are multiples of `page_size()` unless a function says
// otherwise; sizes are not zero. Threads: thread-safe. None of these allocates from a heap, takes a
// lock or changes errno; all may be called before main, in a signal handler and at thread exit.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/result.hpp"

namespace ashlar::os {

/// A reserved or committed range. Empty when `data` is null.
struct range {
  std::byte* data = nullptr;
  std::size_t size = 0;

  constexpr explicit operator bool() const { return data != nullptr; }
  std::byte* end() const { return data + size; }
};

enum class access : unsigned char { none, read, read_write };

/// What the OS has been asked for through this layer and not given back. Units: bytes; calls.
struct counters {
  std::size_t reserved = 0;
  std::size_t committed = 0;
  std::size_t peak_committed = 0;
  std::uint64_t calls = 0;      ///< system calls made
  std::uint64_t discarded = 0;  ///< bytes ever given back by discard and decommit
};

/// Returns the size of an OS page, asked from the OS once.
std::size_t page_size() noexcept;

/// Returns the size of a huge page of this machine (2 MiB where unknown).
std::size_t huge_page_size() noexcept;

/// Reserves `size` bytes of address space at a multiple of `alignment` (a power of two, at least
/// a page). No access, and no charge against any memory limit but that of address space.
/// Errors: ENOMEM; nothing is reserved then.
os_result<range> reserve(std::size_t size, std::size_t alignment) noexcept;

/// Reserves and commits in one step (one system call where alignment allows).
os_result<range> reserve_committed(std::size_t size, std::size_t alignment) noexcept;

/// Reserves `size` bytes that may be read at once, as zeroes, without charge; parts become
/// writable by `commit`. For sparse tables. Alignment: a page.
os_result<range> reserve_readable(std::size_t size) noexcept;

/// Makes a reserved range readable and writable. Fresh pages read as zero. No part of it may be
/// committed already, or the counters count it twice. Errors: ENOMEM: nothing has changed.
os_error commit(range memory) noexcept;

/// Gives pages and their charge back; the range stays reserved and loses access, and its name and
/// advice. Errors: ENOMEM where the OS cannot split its mapping once more: nothing has changed, and
/// `discard` gives at least the pages back.
os_error decommit(range memory) noexcept;

/// Gives the pages back; the range stays committed and reads as zero when touched again. Errors:
/// EINVAL for memory locked by mlockall.
os_error discard(range memory) noexcept;

/// Gives the address space back. `memory` may be any page-aligned part of what was reserved.
/// `committed` says how many bytes of it are committed, for the counters. If the OS refuses, the
/// pages are discarded, and the range stays counted until it is taken at a later call.
void release(range memory, std::size_t committed) noexcept;

/// Changes what may be done with a committed range.
os_error protect(range memory, access rights) noexcept;

/// Brings pages in now, in one call, instead of one fault each. A hint: errors are harmless.
os_error populate(range memory) noexcept;

/// Moves or resizes a range that was reserved whole by `reserve_committed`, without copying bytes.
/// May move if `may_move`, to any multiple of a page. Returns the new range. Errors: ENOMEM,
/// ENOSYS, EFAULT (parts of the range have been given other rights or advice): nothing has changed.
os_result<range> resize(range memory, std::size_t new_size, bool may_move) noexcept;

/// Moves the range `from`, reserved whole by `reserve_committed` or `resize`, without copying bytes
/// into `target`, which was reserved but not committed. Afterwards `target` is committed whole and
/// `from` is released. The sizes may differ: the end is cut or reads as zero. Unlike `resize`, this
/// keeps an alignment. Errors: ENOMEM, EFAULT, ENOSYS: both ranges are as they were.
os_error resize_into(range from, range target) noexcept;

/// Moves the pages of `from` to `to` (same size, both committed, disjoint) without copying bytes;
/// what `to` held is lost, and `from` reads as zero afterwards. Errors: ENOSYS where the OS cannot;
/// EFAULT, ENOMEM: `from` is as it was, `to` may read as zero.
os_error move_pages(range from, range to) noexcept;

/// Maps the same `size` bytes of memory twice in a row, so that a ring never wraps. The returned
/// range is 2 * size long, of which `size` counts as committed. A child of fork shares the bytes.
/// Errors: the OS error; nothing is mapped then.
os_result<range> reserve_mirrored(std::size_t size) noexcept;

/// Releases what `reserve_mirrored` returned.
void release_mirrored(range memory) noexcept;

/// Asks for (or against) huge pages in a committed range. A hint.
os_error advise_huge(range memory, bool wanted) noexcept;

/// Gives the mapping a name that shows in /proc/PID/maps, where the OS can. A hint. `name` must
/// live as long as the process.
os_error set_name(range memory, const char* name) noexcept;

/// Returns how much of the range is resident: pages in memory, those that merely show the shared
/// zero page included. Units: bytes. Errors: 0 where unknown or where parts are not mapped.
std::size_t resident_bytes(range memory) noexcept;

/// Returns the counters. Each is exact; together they are a snapshot only when no call is running.
os::counters current_counters() noexcept;

}  // namespace ashlar::os
