// SPDX-License-Identifier: MIT
// What the OS memory manager does with means that only Linux has: mremap, populate, huge pages,
// names of mappings.
#include "ashlar/os/address_space.hpp"

#include <sys/auxv.h>
#include <sys/mman.h>

#include <atomic>
#include <cerrno>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/os/file.hpp"
#include "ashlar/os/posix/choke_point.hpp"

namespace ashlar::os {

namespace {

constexpr int read_write = PROT_READ | PROT_WRITE;

os_error advise(range memory, int advice) {
  return {detail::error_code(
      detail::call(&system_calls::advise, static_cast<void*>(memory.data), memory.size, advice))};
}

std::intptr_t remap(range from, range to, int flags) {
  return detail::call(&system_calls::remap, static_cast<void*>(from.data), from.size, to.size,
                      flags, static_cast<void*>(to.data));
}

// A refused mremap may already have unmapped its target. Closes that hole before anybody else
// maps something there; where there is none, the system answers EEXIST.
void restore(range memory, int protection) {
  detail::call(&system_calls::map, static_cast<void*>(memory.data), memory.size, protection,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1);
}

void count_resized(std::size_t old_size, std::size_t new_size) {
  if (new_size > old_size) {
    detail::count_committed(new_size - old_size);
  } else {
    detail::count_decommitted(old_size - new_size);
  }
}

std::size_t ask_huge_page_size() {
  char text[32];
  constexpr const char* path = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";
  std::uint64_t size = 0;
  if (!read_text_file(path, text, sizeof text).ok() || parse_decimal(text, size) == text ||
      !is_power_of_two(size))
    return 2_MiB;
  return size;
}

}  // namespace

std::size_t page_size() noexcept {
  static constinit std::atomic<std::size_t> cached{0};
  std::size_t size = cached.load(std::memory_order_relaxed);
  if (size == 0) [[unlikely]] {
    size = ::getauxval(AT_PAGESZ);
    cached.store(size, std::memory_order_relaxed);
  }
  return size;
}

std::size_t huge_page_size() noexcept {
  static constinit std::atomic<std::size_t> cached{0};
  std::size_t size = cached.load(std::memory_order_relaxed);
  if (size == 0) [[unlikely]] {
    size = ask_huge_page_size();
    cached.store(size, std::memory_order_relaxed);
  }
  return size;
}

os_error populate(range memory) noexcept { return advise(memory, MADV_POPULATE_WRITE); }

os_error advise_huge(range memory, bool wanted) noexcept {
  return advise(memory, wanted ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

os_error set_name(range memory, const char* name) noexcept {
  // A kernel without names refuses them all: asking once is enough.
  static constinit std::atomic<bool> refused{false};
  if (refused.load(std::memory_order_relaxed)) return {EINVAL};
  const int code = detail::error_code(
      detail::call(&system_calls::name, static_cast<void*>(memory.data), memory.size, name));
  if (code == EINVAL) refused.store(true, std::memory_order_relaxed);
  return {code};
}

os_result<range> resize(range memory, std::size_t new_size, bool may_move) noexcept {
  ASHLAR_ASSERT(new_size != 0 && is_aligned(new_size, page_size()));
  const std::intptr_t outcome = remap(memory, {nullptr, new_size}, may_move ? MREMAP_MAYMOVE : 0);
  if (detail::failed(outcome)) return {{}, {detail::error_code(outcome)}};
  detail::count_reserved(new_size);
  detail::count_released(memory.size);
  count_resized(memory.size, new_size);
  return {{at_address(static_cast<std::uintptr_t>(outcome)), new_size}, {}};
}

os_error resize_into(range from, range target) noexcept {
  const std::intptr_t outcome = remap(from, target, MREMAP_MAYMOVE | MREMAP_FIXED);
  if (detail::failed(outcome)) {
    restore(target, PROT_NONE);
    return {detail::error_code(outcome)};
  }
  detail::count_released(from.size);
  count_resized(from.size, target.size);
  return {};
}

os_error move_pages(range from, range to) noexcept {
  ASHLAR_ASSERT(from.size == to.size);
  const std::intptr_t outcome = remap(from, to, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP);
  if (!detail::failed(outcome)) return {};
  restore(to, read_write);
  // Kernels before 5.7 do not know MREMAP_DONTUNMAP, and say so with EINVAL.
  return {outcome == -EINVAL ? ENOSYS : detail::error_code(outcome)};
}

}  // namespace ashlar::os
