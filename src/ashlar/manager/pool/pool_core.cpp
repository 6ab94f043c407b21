// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/pool_core.hpp"

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/source/told_pool.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {

void pool_core::set_shape(const slab_shape& shape) noexcept {
  ASHLAR_ASSERT(slab_bytes_ == 0);
  shape_ = shape;
  store_relaxed(stride_, shape.block_size);
  slab_mask_ = ~static_cast<std::uintptr_t>(shape.slab_size - 1);
}

// --- taking --------------------------------------------------------------------------------------

// Requires: the current slab, if any, has neither a free block nor a fresh one on this page.
void* pool_core::get_slow() noexcept {
  if (poison::is_watched()) [[unlikely]]
    return get_watched();
  if (has_current() && next_page()) return try_get();
  pool_slab* next = partial_.pop_front();
  if (next == nullptr) next = take_spare();
  if (next == nullptr) next = new_slab();
  if (next == nullptr) return nullptr;
  leave_current();
  make_current(*next);
  return try_get();
}

// As `get_slow` where a tool looks on: from a slab that does not become current.
void* pool_core::get_watched() noexcept {
  pool_slab* slab = partial_.pop_front();
  if (slab == nullptr) slab = take_spare();
  if (slab == nullptr) {
    slab = new_slab();
    if (slab == nullptr) return nullptr;
    poison::hide(slab + 1, shape_.slab_size - sizeof(pool_slab));
    open_told_pool(slab, store_->upstream().get());
  }
  void* p = slab->free;
  if (p != nullptr)
    slab->free = const_cast<void*>(look_at_next_free(p));
  else
    p = at_address(address_of(slab)) + shape_.offset_of(slab->carved++);
  (++slab->live == shape_.capacity ? full_ : partial_).push_front(*slab);
  poison::lend(slab, p, stride_);
  store_relaxed(gets_, gets_ + 1);
  return p;
}

allocation pool_core::get_first(layout wanted, std::size_t size, std::size_t least) noexcept {
  const std::size_t page = os::page_size();
  for (;; size /= 2) {
    set_shape(slab_shape::of(wanted, size, page));
    if (void* const p = get_slow(); p != nullptr) return allocation::of(p, block_size());
    if (shape_.slab_size > size || size / 2 < least) return refusal_;
  }
}

pool_slab* pool_core::take_spare() noexcept {
  if (spare_.empty()) return nullptr;
  --spares_;
  return spare_.pop_front();
}

pool_slab* pool_core::new_slab() noexcept {
  const allocation fresh = store_->acquire(shape_.slab_size, *this);
  if (!fresh) {
    refusal_ = fresh;
    return nullptr;
  }
  store_relaxed(slab_bytes_, slab_bytes_ + shape_.slab_size);
  return static_cast<pool_slab*>(fresh.data());
}

// Fresh blocks are handed out page by page, since pages end with a gap.
bool pool_core::next_page() noexcept {
  const std::uint32_t run = shape_.run_from(carved_);
  if (run == 0) return false;
  fresh_ = at_address(current_) + shape_.offset_of(carved_);
  fresh_end_ = fresh_ + run * shape_.block_size;
  carved_ += run;
  return true;
}

void pool_core::make_current(pool_slab& slab) noexcept {
  current_ = address_of(&slab);
  first_block_ = current_ + shape_.first;
  blocks_bytes_ = shape_.slab_size - shape_.first;
  free_ = slab.free;
  carved_ = slab.carved;
  fresh_ = fresh_end_ = nullptr;
  (void)next_page();
}

// Writes what the core knows of the current slab into its header, and puts it into its list.
void pool_core::leave_current() noexcept {
  if (!has_current()) return;
  pool_slab& slab = current();
  slab.free = free_;
  slab.carved = carved_in(slab);
  slab.live = slab.carved - count_free(free_);
  current_ = no_slab;
  blocks_bytes_ = 0;
  free_ = nullptr;
  fresh_ = fresh_end_ = nullptr;
  if (slab.live == 0)
    retire(slab);
  else
    (slab.live == shape_.capacity ? full_ : partial_).push_front(slab);
}

std::uint32_t pool_core::carved_in(const pool_slab& slab) const noexcept {
  if (!is_current(slab)) return slab.carved;
  const auto fresh = static_cast<std::size_t>(fresh_end_ - fresh_) / shape_.block_size;
  return carved_ - static_cast<std::uint32_t>(fresh);
}

std::uint32_t pool_core::count_free(const void* list) const noexcept {
  std::uint32_t count = 0;
  // A list that a double put made a ring must not keep us for ever.
  for (; list != nullptr && count < shape_.capacity; ++count)
    list = *static_cast<void* const*>(list);
  return count;
}

// --- giving back ---------------------------------------------------------------------------------

void pool_core::put_elsewhere(pool_slab* slab, void* p) noexcept {
  if (p == nullptr) return;
  if (!is_ours(slab, p) || p == slab->free || slab->live == 0 || !is_block_start(p)) {
    bad_put(p);
    return;
  }
  if (slab->live == shape_.capacity) {
    full_.remove(*slab);
    partial_.push_front(*slab);
  }
  if (poison::is_watched()) [[unlikely]] {
    push_watched(*slab, p);
  } else {
    next_free(p) = slab->free;
    slab->free = p;
  }
  store_relaxed(puts_, puts_ + 1);
  if (--slab->live != 0) return;
  partial_.remove(*slab);
  retire(*slab);
}

// Where a tool looks on: hides the block, and lets what comes back last go out first.
void pool_core::push_watched(pool_slab& slab, void* p) noexcept {
  poison::show(p, sizeof(void*));  // of a block of a few bytes not all is the user's
  next_free(p) = slab.free;
  slab.free = p;
  poison::take_back(&slab, p, stride_);
  if (slab.live >= ending_bias) return;  // it is in no list
  partial_.remove(slab);
  partial_.push_front(slab);
}

// Of a shared store the caller knows already: it found this core by the slab's header.
bool pool_core::is_ours(const pool_slab* slab, const void* p) const noexcept {
  if (!has_shape() || slab == nullptr) return false;
  return (store_->is_shared() || store_->find(p) == slab) && slab->owner == this;
}

void pool_core::bad_put(void* p) const noexcept {
  const pool_slab* const slab = store_->find(p);
  if (slab == nullptr || slab->owner != this) {
    // Of a store with slabs of several sizes the size says which core is asked.
    const auto kind = slab == nullptr ? fault_kind::invalid_free : fault_kind::size_mismatch;
    report_fault(kind, p);
    return;
  }
  const std::size_t offset = address_of(p) - address_of(slab);
  const bool is_start = shape_.index_of(offset) != slab_shape::none;
  report_fault(is_start ? fault_kind::double_free : fault_kind::interior_free, p);
}

// An empty slab starts afresh, so that its blocks are handed out in order again.
void pool_core::retire(pool_slab& slab) noexcept {
  slab.free = nullptr;
  slab.carved = 0;
  if (spares_ == spare_limit_) {
    release(slab);
    return;
  }
  spare_.push_front(slab);
  ++spares_;
}

void pool_core::release(pool_slab& slab) noexcept {
  store_relaxed(slab_bytes_, slab_bytes_ - shape_.slab_size);
  store_->release(slab);
}

std::size_t pool_core::trim(std::size_t keep) noexcept {
  const std::size_t before = slab_bytes_;
  const std::size_t size = shape_.slab_size;
  const bool is_idle = has_current() && count_free(free_) == carved_in(current());
  if (is_idle && spares_ * size >= keep) leave_current();
  while (spares_ != 0 && (spares_ - 1) * size >= keep) release(*take_spare());
  return before - slab_bytes_;
}

void pool_core::free_all() noexcept {
  leave_current();
  for (slab_list* const list : {&full_, &partial_, &spare_})
    while (pool_slab* const slab = list->pop_front()) release(*slab);
  spares_ = 0;
  store_relaxed(puts_, gets_);
}

void pool_core::adopt(pool_core& other) noexcept {
  ASHLAR_ASSERT(!other.has_current());
  store_relaxed(gets_, gets_ + other.gets_ - other.puts_);
  store_relaxed(other.puts_, other.gets_);
  store_relaxed(slab_bytes_, slab_bytes_ + other.slab_bytes_);
  store_relaxed(other.slab_bytes_, std::size_t{0});
  while (pool_slab* const slab = other.full_.pop_front()) take_over(*slab, full_);
  while (pool_slab* const slab = other.partial_.pop_front()) take_over(*slab, partial_);
  while (pool_slab* const slab = other.take_spare()) {
    slab->owner = this;
    retire(*slab);
  }
}

void pool_core::take_over(pool_slab& slab, slab_list& list) noexcept {
  slab.owner = this;
  list.push_front(slab);
}

}  // namespace ashlar
