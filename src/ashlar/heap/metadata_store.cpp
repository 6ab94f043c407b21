// SPDX-License-Identifier: MIT
#include "ashlar/heap/metadata_store.hpp"

#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {

constinit metadata_store process_metadata;

std::size_t metadata_store::rounded(std::size_t size) {
  return size <= exact_limit ? align_up(size, step) : std::bit_ceil(size);
}

std::size_t metadata_store::list_of(std::size_t rounded_size) {
  if (rounded_size <= exact_limit) return rounded_size / step - 1;
  return exact_limit / step + log2_floor(rounded_size / exact_limit) - 1;
}

void* metadata_store::allocate(std::size_t size) noexcept {
  size = rounded(size);
  lock_guard guard(mutex_);
  if (size > direct_limit) {
    const auto memory = os::reserve_committed(align_up(size, os::page_size()), os::page_size());
    if (!memory.ok()) return nullptr;
    return memory.value.data;
  }
  free_piece*& list = free_[list_of(size)];
  if (list == nullptr) return bump(size);
  free_piece* const piece = list;
  list = piece->next;
  std::memset(static_cast<void*>(piece), 0, size);
  return piece;
}

void metadata_store::deallocate(void* p, std::size_t size) noexcept {
  size = rounded(size);
  lock_guard guard(mutex_);
  if (size > direct_limit) {
    size = align_up(size, os::page_size());
    os::release({static_cast<std::byte*>(p), size}, size);
    return;
  }
  auto* const piece = static_cast<free_piece*>(p);
  free_piece*& list = free_[list_of(size)];
  piece->next = list;
  list = piece;
}

void* metadata_store::bump(std::size_t size) noexcept {
  if (newest_ == nullptr || next_ + size > reinterpret_cast<std::byte*>(newest_) + newest_->size) {
    if (!add_reservation(reservation_size) && !add_reservation(smallest_reservation))
      return nullptr;
  }
  std::byte* const frontier = reinterpret_cast<std::byte*>(newest_) + newest_->committed;
  if (next_ + size > frontier) {
    const std::size_t more =
        align_up(static_cast<std::size_t>(next_ + size - frontier), commit_step);
    if (!os::commit({frontier, more}).ok()) return nullptr;
    newest_->committed += more;
  }
  void* const piece = next_;
  next_ += size;
  return piece;
}

bool metadata_store::add_reservation(std::size_t size) noexcept {
  const auto memory = os::reserve(size, os::page_size());
  if (!memory.ok()) return false;
  if (!os::commit({memory.value.data, commit_step}).ok()) {
    os::release(memory.value, 0);
    return false;
  }
  (void)os::set_name(memory.value, "ashlar metadata");
  auto* const added = reinterpret_cast<reservation*>(memory.value.data);
  *added = {newest_, size, commit_step};
  newest_ = added;
  next_ = memory.value.data + align_up(sizeof(reservation), step);
  return true;
}

std::size_t metadata_store::resident_bytes() noexcept {
  lock_guard guard(mutex_);
  std::size_t bytes = 0;
  for (reservation* r = newest_; r != nullptr; r = r->next)
    bytes += os::resident_bytes({reinterpret_cast<std::byte*>(r), r->committed});
  return bytes;
}

std::size_t metadata_store::direct_resident_bytes(const void* p, std::size_t size) noexcept {
  size = rounded(size);
  if (size <= direct_limit) return 0;
  return os::resident_bytes({at_address(address_of(p)), align_up(size, os::page_size())});
}

void metadata_store::release() noexcept {
  lock_guard guard(mutex_);
  while (newest_ != nullptr) {
    reservation* const next = newest_->next;
    os::release({reinterpret_cast<std::byte*>(newest_), newest_->size}, newest_->committed);
    newest_ = next;
  }
  next_ = nullptr;
  for (free_piece*& list : free_) list = nullptr;
}

}  // namespace ashlar
