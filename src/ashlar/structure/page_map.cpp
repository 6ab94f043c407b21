// SPDX-License-Identifier: MIT
#include "ashlar/structure/page_map.hpp"

#include "ashlar/base/units.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {

constinit page_map process_page_map;
constinit const route* routes = no_route;
constinit std::uintptr_t route_mask = 0;

namespace {

constexpr std::uintptr_t slice_count = std::uintptr_t{1} << (page_map::address_bits - slice_shift);
constexpr std::size_t plane_size = slice_count * sizeof(route);
static_assert(sizeof(route) == sizeof(slab*), "both planes have entries of one size");

// The planes become writable in steps of this: 8192 slices, 512 MiB of heap. Smaller steps mean
// more system calls and mappings; larger ones more charge under strict overcommit.
constexpr std::size_t step_size = 64_KiB;
constexpr std::uintptr_t step_slices = step_size / sizeof(route);
constexpr std::size_t step_count = slice_count / step_slices;

// Compact mode: a root table over leaves of 2^16 slices (4 GiB).
constexpr unsigned leaf_bits = 16;
constexpr std::uintptr_t leaf_slices = std::uintptr_t{1} << leaf_bits;
constexpr std::size_t leaf_size = leaf_slices * sizeof(slab*);
constexpr std::size_t root_size = slice_count >> leaf_bits;

struct map_growth {
  lock mutex;
  std::uint64_t prepared[2][step_count / 64] = {};  // a plane each, so that half a success is kept
  std::size_t committed = 0;
  slab** leaves[root_size] = {};
};
constinit map_growth growth;  // zero pages until written

os_error prepare_step(unsigned plane, std::byte* entries, std::size_t step) {
  std::uint64_t& word = growth.prepared[plane][step / 64];
  const std::uint64_t bit = std::uint64_t{1} << (step % 64);
  if ((word & bit) != 0) return {};
  const os_error error = os::commit({entries + step * step_size, step_size});
  if (error.ok()) {
    word |= bit;
    growth.committed += step_size;
  }
  return error;
}

std::size_t plane_committed(unsigned plane) {
  std::size_t steps = 0;
  for (const std::uint64_t word : growth.prepared[plane])
    steps += static_cast<std::size_t>(std::popcount(word));
  return steps * step_size;
}

}  // namespace

os_error page_map::initialize() noexcept {
  const auto route_plane = os::reserve_readable(plane_size);
  if (!route_plane.ok()) return {};  // compact mode
  const auto headers = os::reserve_readable(plane_size);
  if (!headers.ok()) {
    os::release(route_plane.value, 0);
    return {};
  }
  (void)os::set_name(route_plane.value, "ashlar page map");
  (void)os::set_name(headers.value, "ashlar page map");
  routes = reinterpret_cast<const route*>(route_plane.value.data);
  headers_ = reinterpret_cast<slab**>(headers.value.data);
  slice_limit_ = slice_count;
  route_mask = slice_count - 1;
  return {};
}

os_error page_map::prepare(const void* data, std::size_t size) noexcept {
  const std::uintptr_t first = address_of(data) >> slice_shift;
  const std::uintptr_t last = (address_of(data) + size - 1) >> slice_shift;
  if (last >= slice_count) return {12};  // ENOMEM: beyond what user programs get
  lock_guard guard(growth.mutex);
  return is_compact() ? prepare_compact(first, last) : prepare_flat(first, last);
}

os_error page_map::prepare_flat(std::uintptr_t first, std::uintptr_t last) noexcept {
  auto* const route_plane = reinterpret_cast<std::byte*>(const_cast<route*>(routes));
  auto* const headers = reinterpret_cast<std::byte*>(headers_);
  for (std::size_t step = first / step_slices; step <= last / step_slices; ++step) {
    if (os_error e = prepare_step(0, route_plane, step); !e.ok()) return e;
    if (os_error e = prepare_step(1, headers, step); !e.ok()) return e;
  }
  return {};
}

os_error page_map::prepare_compact(std::uintptr_t first, std::uintptr_t last) noexcept {
  for (std::uintptr_t leaf = first >> leaf_bits; leaf <= last >> leaf_bits; ++leaf) {
    if (growth.leaves[leaf] != nullptr) continue;
    const auto memory = os::reserve_committed(leaf_size, os::page_size());
    if (!memory.ok()) return memory.error;
    // release: pairs with the acquire in header_slow(); a reader sees the leaf's zeroes.
    __atomic_store_n(&growth.leaves[leaf], reinterpret_cast<slab**>(memory.value.data),
                     __ATOMIC_RELEASE);
    growth.committed += leaf_size;
  }
  return {};
}

slab* page_map::header_slow(std::uintptr_t slice) const noexcept {
  if (slice >= slice_count || !is_compact()) return nullptr;
  // acquire: pairs with the release in prepare_compact().
  slab** const leaf = __atomic_load_n(&growth.leaves[slice >> leaf_bits], __ATOMIC_ACQUIRE);
  return leaf == nullptr ? nullptr : load_relaxed(leaf[slice & (leaf_slices - 1)]);
}

slab* page_map::header_acquired(const void* p) const noexcept {
  const std::uintptr_t slice = address_of(p) >> slice_shift;
  // acquire: pairs with the release in set_header().
  if (slice < slice_limit_) return __atomic_load_n(&headers_[slice], __ATOMIC_ACQUIRE);
  return header_slow(slice);
}

// release: a walker that finds the header finds it filled in.
void page_map::set_header(const void* p, slab* header) noexcept {
  const std::uintptr_t slice = address_of(p) >> slice_shift;
  if (is_compact())
    store_release(growth.leaves[slice >> leaf_bits][slice & (leaf_slices - 1)], header);
  else
    store_release(headers_[slice], header);
}

void page_map::set_route(const void* p, route r) noexcept {
  if (is_compact()) return;
  route& entry = const_cast<route&>(routes[address_of(p) >> slice_shift]);
  // The code goes first when the route closes and last when it opens, so that a racing reader with
  // a dangling pointer meets a misfit rather than a wrong cut. For valid pointers order is no
  // issue.
  if (r.code == 0) store_relaxed(entry.code, r.code);
  store_relaxed(entry.magic, r.magic);
  if (r.code != 0) store_relaxed(entry.code, r.code);
}

lock& page_map::growth_mutex() noexcept { return growth.mutex; }

std::size_t page_map::resident_bytes() const noexcept {
  lock_guard guard(growth.mutex);
  std::size_t bytes = 0;
  if (is_compact()) {
    for (slab** const leaf : growth.leaves)
      if (leaf != nullptr)
        bytes += os::resident_bytes({reinterpret_cast<std::byte*>(leaf), leaf_size});
    return bytes;
  }
  auto* const route_plane = reinterpret_cast<std::byte*>(const_cast<route*>(routes));
  auto* const headers = reinterpret_cast<std::byte*>(headers_);
  for (std::size_t step = 0; step < step_count; ++step) {
    if ((growth.prepared[1][step / 64] >> (step % 64) & 1) == 0) continue;
    bytes += os::resident_bytes({route_plane + step * step_size, step_size});
    bytes += os::resident_bytes({headers + step * step_size, step_size});
  }
  return bytes;
}

void page_map::release() noexcept {
  lock_guard guard(growth.mutex);
  if (!is_compact()) {
    os::release({reinterpret_cast<std::byte*>(const_cast<route*>(routes)), plane_size},
                plane_committed(0));
    os::release({reinterpret_cast<std::byte*>(headers_), plane_size}, plane_committed(1));
  }
  for (slab**& leaf : growth.leaves) {
    if (leaf != nullptr) os::release({reinterpret_cast<std::byte*>(leaf), leaf_size}, leaf_size);
    leaf = nullptr;
  }
  routes = no_route;
  route_mask = 0;
  headers_ = nullptr;
  slice_limit_ = 0;
  growth.committed = 0;
  for (auto& plane : growth.prepared)
    for (std::uint64_t& word : plane) word = 0;
}

}  // namespace ashlar
