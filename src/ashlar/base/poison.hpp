// SPDX-License-Identifier: MIT
// Tells AddressSanitizer and Valgrind's memcheck which bytes of a manager's memory are nobody's.
//
// Both are found when the program runs, in release builds too: the sanitizer by its functions,
// which are weak here; memcheck by its client requests, written out below as the ABI that they are.
// A manager asks `is_watched()` where it is slow anyhow, and under a tool keeps its fast paths shut
// (an arena its window, a pool its current slab, a heap its bins), so that every block comes by
// where it is told of.
// Without a tool nothing here costs anything on a fast path.
//
// A pool is what memcheck calls so: a set of blocks, named by an address, each with the stack of
// its making. The sanitizer knows only bytes.
//
// Threads: thread-safe. Nothing here allocates.
#pragma once

#include <cstddef>

#include "ashlar/base/macros.hpp"
#include "ashlar/base/relaxed.hpp"

namespace ashlar::poison {

enum class tool : unsigned char { unknown, none, address_sanitizer, memcheck };

/// The tool that watches this process. Asks once.
ASHLAR_EXPORT tool watcher() noexcept;

/// Tells only `wanted` from now on; returns who was told before. For tests that commit faults on
/// purpose: managers that were in use before must not be used meanwhile, nor the other way round.
ASHLAR_EXPORT tool exchange_watcher(tool wanted) noexcept;

namespace detail {
extern ASHLAR_EXPORT constinit tool found;
}

inline bool is_watched() noexcept {
  const tool known = load_relaxed(detail::found);
  return (known != tool::unknown ? known : watcher()) > tool::none;
}

/// Whether the tool sees what this library itself does, too: memcheck does, and the sanitizer where
/// the library was built with it. If not, what the library reads may be hidden.
bool sees_library() noexcept;

// Each of these does nothing where nobody watches, and where `size` is 0.

/// More bytes than this at once are not hidden.
inline constexpr std::size_t most_hidden = std::size_t{256} << 20;
/// What managers keep hidden behind a block, at least: as ASan's malloc does.
inline constexpr std::size_t red_zone = 16;

/// Nobody may touch these bytes.
void hide(const void* data, std::size_t size) noexcept;
/// They may be used, and hold nothing yet. Of more than 8 GiB at once nothing was hidden.
void show(const void* data, std::size_t size) noexcept;
/// They may be used, and hold what they hold.
void show_defined(const void* data, std::size_t size) noexcept;

/// Begins a pool, if it has not begun. `holds_pools`: its blocks may be what another manager lends
/// in parts. Memcheck's search for leaks dies of blocks in blocks where neither, or each, says so
/// (manager/source/told_pool.hpp).
void open_pool(const void* pool, bool holds_pools = false) noexcept;
/// Ends it and its blocks, if it has begun. Their bytes are hidden.
void close_pool(const void* pool) noexcept;
/// Shows a block of a pool, which holds nothing yet. Of a pool that has not begun, here and below,
/// only the bytes are told.
void lend(const void* pool, const void* data, std::size_t size) noexcept;
/// Hides a block that was lent.
void take_back(const void* pool, const void* data, std::size_t size) noexcept;
/// Changes the size of a block that was lent, in place.
void resize(const void* pool, const void* data, std::size_t old_size, std::size_t size) noexcept;
/// Ends all blocks but those in `[data, data + size)`; hides nothing.
void keep_only(const void* pool, const void* data, std::size_t size) noexcept;

}  // namespace ashlar::poison
