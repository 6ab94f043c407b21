// SPDX-License-Identifier: MIT
// Maps one anonymous file twice in a row, for rings that never wrap.
//
// The pages are shared with children of fork, unlike all other memory of this layer: a ring that
// is written to after a fork is seen by both processes.
#include <sys/mman.h>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/os/address_space.hpp"
#include "ashlar/os/posix/choke_point.hpp"
#include "ashlar/os/posix/reserve.hpp"

namespace ashlar::os {

namespace {

int map_half(std::byte* address, std::size_t size, int file) {
  return detail::error_code(detail::call(&system_calls::map, static_cast<void*>(address), size,
                                         PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file));
}

// The system is asked to close even if a failure was injected: descriptors must not leak.
void close_file(int file) {
  if (detail::failed(detail::call(&system_calls::close_file, file)))
    active_system_calls().close_file(file);
}

}  // namespace

os_result<range> reserve_mirrored(std::size_t size) noexcept {
  std::size_t doubled;
  if (!checked_add(size, size, doubled)) return {{}, {ENOMEM}};
  const std::intptr_t file = detail::call(&system_calls::create_file, "ashlar-mirror", size);
  if (detail::failed(file)) return {{}, {detail::error_code(file)}};
  const int descriptor = static_cast<int>(file);
  os_result<range> result = detail::map_aligned(doubled, page_size(), PROT_NONE,
                                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
  if (result.ok()) {
    std::byte* const data = result.value.data;
    detail::count_reserved(doubled);
    detail::count_committed(size);
    int error = map_half(data, size, descriptor);
    if (error == 0) error = map_half(data + size, size, descriptor);
    if (error != 0) {
      release_mirrored(result.value);
      result = {{}, {error}};
    }
  }
  close_file(descriptor);
  return result;
}

void release_mirrored(range memory) noexcept { release(memory, memory.size / 2); }

}  // namespace ashlar::os
