// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/region_source.hpp"

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"

namespace ashlar {

namespace {

constexpr std::size_t slice = 64_KiB;

// Address space costs nothing but page tables where it is touched, so the first choice is large:
// few regions mean few gaps. Where `ulimit -v` refuses, the sizes halve.
constexpr std::size_t preferred_region = 1_GiB;
constexpr std::size_t smallest_region = 4_MiB;

os::range acquire_from_os(void*, std::size_t size) {
  std::size_t wanted = size > preferred_region ? size : preferred_region;
  while (true) {
    const auto region = os::reserve(wanted, slice);
    if (region.ok()) {
      (void)os::set_name(region.value, "ashlar heap");
      return region.value;
    }
    if (wanted == size) return {};
    wanted /= 4;
    if (wanted < smallest_region || wanted < size) wanted = size;
  }
}

void release_to_os(void*, os::range region, std::size_t committed) {
  os::release(region, committed);
}

bool commit_pages(void*, os::range part) { return os::commit(part).ok(); }
bool discard_pages(void*, os::range part) { return os::discard(part).ok(); }
// To whole pages; the part of the last page beyond the range comes along.
void populate_pages(void*, os::range part) {
  part.size = align_up(part.size, os::page_size());
  (void)os::populate(part);
}
bool move_os_pages(void*, os::range from, os::range to) { return os::move_pages(from, to).ok(); }

os::range acquire_block(void* context, std::size_t size) {
  auto& block = *static_cast<user_block*>(context);
  if (block.taken || block.memory.data == nullptr) return {};
  const std::uintptr_t first = align_up(address_of(block.memory.data), slice);
  const std::uintptr_t last = align_down(address_of(block.memory.end()), slice);
  if (first >= last || last - first < size) return {};
  block.taken = true;
  return {at_address(first), last - first};
}

void release_block(void* context, os::range, std::size_t) {
  auto& block = *static_cast<user_block*>(context);
  block.taken = false;
  block.zeroed = false;  // it has been used
}

}  // namespace

region_source os_region_source() noexcept {
  return {.acquire = acquire_from_os,
          .release = release_to_os,
          .commit = commit_pages,
          .discard = discard_pages,
          .populate = populate_pages,
          .move_pages = move_os_pages,
          .zeroed = true,
          .direct_blocks = true};
}

region_source user_block_source(user_block& block) noexcept {
  return {.context = &block,
          .acquire = acquire_block,
          .release = release_block,
          .zeroed = block.zeroed};
}

}  // namespace ashlar
