// SPDX-License-Identifier: MIT
// The OS memory manager on POSIX systems: reserve, commit and their opposites.
//
// Reserved is PROT_NONE with MAP_NORESERVE: no page, no charge. Committed is PROT_READ|PROT_WRITE.
// Decommit maps fresh PROT_NONE memory over the range instead of changing its protection, because
// only that gives the charge back where the system does not overcommit.
#include "ashlar/os/address_space.hpp"

#include <sys/mman.h>

#include <cerrno>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/os/posix/choke_point.hpp"
#include "ashlar/os/posix/parked.hpp"
#include "ashlar/os/posix/reserve.hpp"

namespace ashlar::os {

namespace {

constexpr int anonymous = MAP_PRIVATE | MAP_ANONYMOUS;

void* start(range memory) {
  ASHLAR_ASSERT(memory.size != 0);
  ASHLAR_ASSERT(is_aligned(address_of(memory.data) | memory.size, page_size()));
  return memory.data;
}

int protection_of(access rights) {
  switch (rights) {
    case access::none: return PROT_NONE;
    case access::read: return PROT_READ;
    case access::read_write: return PROT_READ | PROT_WRITE;
  }
  return PROT_NONE;
}

}  // namespace

os_result<range> reserve(std::size_t size, std::size_t alignment) noexcept {
  const os_result<range> result =
      detail::map_aligned(size, alignment, PROT_NONE, anonymous | MAP_NORESERVE);
  if (result.ok()) detail::count_reserved(size);
  return result;
}

os_result<range> reserve_committed(std::size_t size, std::size_t alignment) noexcept {
  const os_result<range> result =
      detail::map_aligned(size, alignment, PROT_READ | PROT_WRITE, anonymous);
  if (!result.ok()) return result;
  detail::count_reserved(size);
  detail::count_committed(size);
  return result;
}

os_result<range> reserve_readable(std::size_t size) noexcept {
  const os_result<range> result =
      detail::map_aligned(size, page_size(), PROT_READ, anonymous | MAP_NORESERVE);
  if (result.ok()) detail::count_reserved(size);
  return result;
}

os_error commit(range memory) noexcept {
  const os_error error = protect(memory, access::read_write);
  if (error.ok()) detail::count_committed(memory.size);
  return error;
}

os_error decommit(range memory) noexcept {
  const std::intptr_t outcome = detail::call(&system_calls::map, start(memory), memory.size,
                                             PROT_NONE, anonymous | MAP_NORESERVE | MAP_FIXED, -1);
  if (detail::failed(outcome)) return {detail::error_code(outcome)};
  detail::count_decommitted(memory.size);
  detail::count_discarded(memory.size);
  return {};
}

os_error discard(range memory) noexcept {
  const std::intptr_t outcome =
      detail::call(&system_calls::advise, start(memory), memory.size, MADV_DONTNEED);
  if (!detail::failed(outcome)) detail::count_discarded(memory.size);
  return {detail::error_code(outcome)};
}

void release(range memory, std::size_t committed) noexcept {
  ASHLAR_ASSERT(committed <= memory.size);
  detail::retry_parked();
  if (detail::unmap(memory).ok()) {
    detail::count_released(memory.size);
    detail::count_decommitted(committed);
  } else {
    static_cast<void>(discard(memory));
    detail::park(memory, committed);
  }
}

os_error protect(range memory, access rights) noexcept {
  return {detail::error_code(
      detail::call(&system_calls::protect, start(memory), memory.size, protection_of(rights)))};
}

std::size_t resident_bytes(range memory) noexcept {
  constexpr std::size_t window_pages = 1024;
  unsigned char pages[window_pages];
  const std::size_t page = page_size();
  std::size_t resident = 0;
  while (memory.size != 0) {
    const std::size_t size = memory.size < window_pages * page ? memory.size : window_pages * page;
    if (detail::failed(detail::call(&system_calls::residency, start(memory), size, pages)))
      return 0;
    for (std::size_t i = 0; i < divide_up(size, page); ++i) resident += (pages[i] & 1) * page;
    memory = {memory.data + size, memory.size - size};
  }
  return resident;
}

}  // namespace ashlar::os
