// SPDX-License-Identifier: MIT
// Finds address space at a multiple of an alignment, mostly with one system call.
//
// Three attempts, cheapest first:
//   1. just below the last aligned range, or in the hole that was released last: regions of one
//      size then lie side by side, which also lets the kernel keep them as one mapping;
//   2. just below where the kernel put attempt 1: there is room more often than not;
//   3. over-reserve by the alignment and give both ends back.
// The first two ask for no more address space than is needed, so they work under `ulimit -v`.
// A hint is only a wish (no MAP_FIXED), so losing a race for it is harmless.
#include "ashlar/os/posix/reserve.hpp"

#include <sys/mman.h>

#include <atomic>
#include <cerrno>

#include "ashlar/base/bits.hpp"
#include "ashlar/os/posix/choke_point.hpp"
#include "ashlar/os/posix/parked.hpp"

namespace ashlar::os::detail {

namespace {

// Where the next aligned reservation should end. Only a hint: relaxed is enough. The number of a
// page: where all of this lies in the program's own data, a leak scan would take the address for a
// pointer to the block there.
constinit std::atomic<std::uintptr_t> next_end_page{0};

void set_next_end(const std::byte* end) {
  next_end_page.store(address_of(end) / page_size(), std::memory_order_relaxed);
}

std::uintptr_t first_hint(std::size_t size, std::size_t alignment) {
  const std::uintptr_t end = next_end_page.load(std::memory_order_relaxed) * page_size();
  return end > size ? align_down(end - size, alignment) : 0;
}

os_result<range> map_at(std::uintptr_t hint, std::size_t size, int protection, int flags) {
  const std::intptr_t outcome =
      call(&system_calls::map, static_cast<void*>(at_address(hint)), size, protection, flags, -1);
  if (failed(outcome)) return {{}, {error_code(outcome)}};
  return {{at_address(static_cast<std::uintptr_t>(outcome)), size}, {}};
}

// Until the system takes it, surplus counts as reserved, for that is what it is.
void unmap_surplus(range memory) {
  if (memory.size == 0 || unmap(memory).ok()) return;
  count_reserved(memory.size);
  park(memory, 0);
}

os_result<range> map_and_trim(std::size_t size, std::size_t alignment, int protection, int flags) {
  std::size_t padded;
  if (!checked_add(size, alignment - page_size(), padded)) return {{}, {ENOMEM}};
  const os_result<range> whole = map_at(0, padded, protection, flags);
  if (!whole.ok()) return whole;
  std::byte* const data = at_address(align_up(address_of(whole.value.data), alignment));
  unmap_surplus({whole.value.data, static_cast<std::size_t>(data - whole.value.data)});
  unmap_surplus({data + size, static_cast<std::size_t>(whole.value.end() - (data + size))});
  return {{data, size}, {}};
}

}  // namespace

os_error unmap(range memory) noexcept {
  const std::intptr_t outcome =
      call(&system_calls::unmap, static_cast<void*>(memory.data), memory.size);
  // The next reservation is offered this hole first. Without that a loop that reserves and releases
  // would walk down the address space, and with it through the tables that describe it.
  if (!failed(outcome)) set_next_end(memory.end());
  return {error_code(outcome)};
}

os_result<range> map_aligned(std::size_t size, std::size_t alignment, int protection,
                             int flags) noexcept {
  retry_parked();
  if (alignment <= page_size()) return map_at(0, size, protection, flags);
  std::uintptr_t hint = first_hint(size, alignment);
  os_result<range> result;
  for (int attempt = 0; attempt < 2; ++attempt) {
    result = map_at(hint, size, protection, flags);
    if (!result.ok()) return result;
    if (is_aligned(address_of(result.value.data), alignment)) break;
    hint = align_down(address_of(result.value.data), alignment);
    unmap_surplus(result.value);
    result.value = {};
  }
  if (!result.value) result = map_and_trim(size, alignment, protection, flags);
  if (result.ok()) set_next_end(result.value.data);
  return result;
}

}  // namespace ashlar::os::detail
