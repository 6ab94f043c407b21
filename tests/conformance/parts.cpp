// SPDX-License-Identifier: MIT
#include "conformance/parts.hpp"

#include <cstring>

namespace ashlar::test {

// Calls `visit(start, end)` for each gap between blocks, until it returns false.
template <class Visit>
static void for_each_gap(block chunk, const std::map<std::uintptr_t, std::size_t>& blocks,
                         Visit visit) {
  std::uintptr_t start = address_of(chunk.data);
  for (const auto& [at, size] : blocks) {
    if (at > start && !visit(start, at)) return;
    start = at + size;
  }
  const std::uintptr_t end = address_of(chunk.data) + chunk.size;
  if (end > start) (void)visit(start, end);
}

std::uintptr_t chunk_manager::find_gap(std::size_t size, std::size_t alignment) const {
  std::uintptr_t found = 0;
  for_each_gap(chunk_, blocks_, [&](std::uintptr_t start, std::uintptr_t end) {
    const std::uintptr_t at = align_up(start, alignment);
    if (at >= start && at < end && end - at >= size) found = at;
    return found == 0;
  });
  return found;
}

std::size_t chunk_manager::largest_gap(std::size_t alignment) const {
  std::size_t most = 0;
  for_each_gap(chunk_, blocks_, [&](std::uintptr_t start, std::uintptr_t end) {
    const std::uintptr_t at = align_up(start, alignment);
    if (at >= start && at < end && end - at > most) most = end - at;
    return true;
  });
  return align_down(most, 16);
}

allocation chunk_manager::allocate(layout request, fit wanted) noexcept {
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  if (request.size > max_size) return allocation::failed(status::too_large);
  const std::size_t alignment = request.alignment < 16 ? 16 : request.alignment;
  if (chunk_.data == nullptr) {
    const allocation a = upstream_memory_.allocate({chunk_size, 4096});
    if (!a) return a;
    chunk_.data = a.data();
    store_relaxed(chunk_.size, a.size());
  }
  const std::size_t size = rounded(request.size);
  const std::uintptr_t at = find_gap(size, alignment);
  if (at == 0) {
    const std::size_t fits = largest_gap(alignment);
    if (blocks_.empty()) free_all();  // a refusal leaves nothing behind
    return allocation::failed(status::not_enough_memory, fits);
  }
  blocks_[at] = size;
  store_relaxed(used_, used_ + size);
  return allocation::of(at_address(at), wanted == fit::get_no_less ? size : request.size);
}

allocation chunk_manager::reallocate(block b, std::size_t alignment,
                                     const resize& change) noexcept {
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  if (change.size > max_size) return allocation::failed(status::too_large);
  const std::size_t size = rounded(change.size);
  const std::uintptr_t at = address_of(b.data);
  const auto next = blocks_.upper_bound(at);
  const std::uintptr_t end =
      next != blocks_.end() ? next->first : address_of(chunk_.data) + chunk_.size;
  if (end - at < size) {
    if (!change.may_move) return allocation::failed(status::unsupported);
    const allocation a = allocate({change.size, alignment}, change.wanted);
    if (!a) return a;
    const std::size_t used = change.used < b.size ? change.used : b.size;
    std::memcpy(a.data(), b.data, used < change.size ? used : change.size);
    deallocate(b.data);
    return a;
  }
  store_relaxed(used_, used_ - blocks_[at] + size);
  blocks_[at] = size;
  return allocation::of(b.data, change.wanted == fit::get_no_less ? size : change.size);
}

void chunk_manager::free_all() noexcept {
  blocks_.clear();
  store_relaxed(used_, std::size_t{0});
  if (chunk_.data != nullptr) upstream_memory_.deallocate(chunk_, 4096);
  chunk_.data = nullptr;
  store_relaxed(chunk_.size, std::size_t{0});
}

}  // namespace ashlar::test
