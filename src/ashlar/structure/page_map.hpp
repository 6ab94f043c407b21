// SPDX-License-Identifier: MIT
// From any address to what ashlar keeps there: one flat table over the whole address space.
//
// The address space of user programs (2^47 bytes) is divided into slices of 64 KiB. Two planes of
// 2^31 entries of 8 bytes describe them; both are reserved once, 16 GiB each, read as zero without
// costing memory, and become writable in steps only where heaps lie.
//
//   routes   for the fast path of free: which heap this slice belongs to, and how it is cut
//            code = number of the heap << 17 | offset of the bin in its local heaps   (0: not
//            simple) magic = ceil(2^32 / block size): `low16(p) * magic`, modulo 2^32, is below
//            2^16 if and only if p is the start of a block (below 2^16 * 2^16 / 2^32 rounding
//            errors add up to less than 2^16; an offset inside a block leaves at least 2^32 / 2^15
//            = 2^17)
//   headers  for everything else: the header of the slab or large block
//
// Where 32 GiB of address space cannot be had (`ulimit -v`), the map works in compact mode: the
// mask is zero, so that every route lookup reads one empty entry and takes the slow path, and
// headers come from a two-level table. Slower, and never wrong.
//
// Invariants: (1) a slice without blocks of ours has a zero header and a zero route; (2) a route is
// non-zero only if the header is, and names a slab of blocks of at most 32 KiB.
// Threads: lookups need no lock; changes are made by whoever owns the slices, with relaxed stores:
// a pointer to a block reaches another thread only through that program's own synchronisation.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/base/result.hpp"
#include "ashlar/os/address_space.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar {

inline constexpr unsigned slice_shift = 16;
/// The unit of address space in heaps. 64 KiB: no machine has larger base pages, and one entry of
/// the map then serves 16 to 4096 small blocks.
inline constexpr std::size_t slice_size = std::size_t{1} << slice_shift;

struct slab;

struct route {
  std::uint32_t code = 0;
  std::uint32_t magic = 0;
};

/// The plane of routes of the process's one map, and which bits of a slice number index it. Apart
/// from the map itself, so that code reaches each in one instruction.
inline constexpr route no_route[1] = {};
extern constinit const route* routes __attribute__((visibility("hidden")));
extern constinit std::uintptr_t route_mask __attribute__((visibility("hidden")));

class page_map {
 public:
  static constexpr unsigned address_bits = 47;
  static constexpr unsigned number_shift = 17;
  static constexpr std::uint32_t number_limit = 1u << (32 - number_shift);
  /// Both parts of a fit route, code and remainder, stay at or below this.
  static constexpr std::uint32_t misfit_limit = (1u << number_shift) - 1;

  /// Reserves the planes. Called once, before any other function but the lookups.
  os_error initialize() noexcept;

  /// Makes the entries of `[data, data + size)` writable. Errors: no memory; then unchanged.
  os_error prepare(const void* data, std::size_t size) noexcept;

  /// The index of the route of an address. In compact mode every address shares one empty route.
  static ASHLAR_FORCE_INLINE std::uintptr_t route_index(std::uintptr_t address) {
    return (address >> slice_shift) & route_mask;
  }

  /// Returns the header for any address, or null. Cost: one or two loads.
  ASHLAR_FORCE_INLINE slab* header_of(const void* p) const {
    const std::uintptr_t slice = address_of(p) >> slice_shift;
    if (slice >= slice_limit_) [[unlikely]]
      return header_slow(slice);
    return load_relaxed(headers_[slice]);
  }

  /// As `header_of`, for readers that did not get `p` from the program: what they see of the header
  /// is complete.
  slab* header_acquired(const void* p) const noexcept;

  void set_header(const void* p, slab* header) noexcept;
  void set_route(const void* p, route r) noexcept;

  bool is_compact() const { return slice_limit_ == 0; }
  /// Bytes of the map that take up memory. Slow: asks the OS.
  std::size_t resident_bytes() const noexcept;

  /// Calls `visit(range)` for the address space of each plane.
  template <class Visitor>
  void for_each_plane(Visitor visit) const {
    if (is_compact()) return;
    visit(os::range{at_address(address_of(routes)), slice_limit_ * sizeof(route)});
    visit(os::range{at_address(address_of(headers_)), slice_limit_ * sizeof(slab*)});
  }

  /// The innermost lock of the library. For fork only.
  lock& growth_mutex() noexcept;

  /// Gives everything back. Only for a process that will not allocate any more.
  void release() noexcept;

 private:
  ASHLAR_COLD slab* header_slow(std::uintptr_t slice) const noexcept;
  os_error prepare_flat(std::uintptr_t first, std::uintptr_t last) noexcept;
  os_error prepare_compact(std::uintptr_t first, std::uintptr_t last) noexcept;

  slab** headers_ = nullptr;
  std::uintptr_t slice_limit_ = 0;
};

/// The process's one page map: pointers of all heaps are looked up in the same place.
extern constinit page_map process_page_map;

}  // namespace ashlar
