// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/bucket_set.hpp"

#include <new>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {

namespace {

// Who is told the whole size of a block may use all of it, which a tool does not know yet.
struct showing {
  block_visitor to;

  static bool visit(void* context, const walked_block& found) {
    poison::show_defined(found.data, found.size);
    return static_cast<const showing*>(context)->to(found);
  }
};

}  // namespace

bucket_set::~bucket_set() {
  free_all();
  if (cores_ != nullptr) store_.deallocate({cores_, cores_bytes_}, alignof(pool_core));
}

bool bucket_set::make_cores() noexcept {
  const std::size_t size = classes().count() * sizeof(pool_core);
  const allocation room = store_.allocate({size, alignof(pool_core)});
  if (!room) return false;
  auto* const cores = static_cast<pool_core*>(room.data());
  for (std::size_t c = 0; c < classes().count(); ++c) ::new (&cores[c]) pool_core(store_, spare_);
  store_relaxed(cores_bytes_, room.size());
  // release: pairs with the acquire in usage() and bin() of other threads.
  store_release(cores_, cores);
  return true;
}

// Requires: `try_get` of the class found nothing.
allocation bucket_set::get_slow(std::size_t c, std::size_t asked, fit wanted) noexcept {
  if (cores_ == nullptr && !make_cores()) return allocation::failed(status::no_memory);
  allocation got = get_from_slabs(c);
  // What other classes keep for themselves is given back before a request fails.
  if (!got && trim(0) != 0) got = get_from_slabs(c);
  // What the upstream could serve does not help: no block of this class fits.
  if (!got) return allocation::failed(got.reason());
  if (wanted == fit::get_exact) note_resized(got.data(), got.size(), asked);
  return got;
}

allocation bucket_set::get_from_slabs(std::size_t c) noexcept {
  pool_core& core = cores_[c];
  if (core.slab_bytes() != 0) {
    void* const p = core.get_slow();
    return p != nullptr ? allocation::of(p, core.block_size()) : core.refusal();
  }
  const layout wanted{classes().size_of(c), classes().alignment_of(c)};
  const std::size_t page = os::page_size();
  const std::size_t least = slab_size_ < page ? page : slab_size_;
  return core.get_first(wanted, slab_shape::good_slab_size(wanted, least), least);
}

void bucket_set::put_unknown(void* p) noexcept {
  if (p == nullptr) return;
  if (pool_slab* const slab = store_.find(p); slab != nullptr)
    slab->owner->put(p);
  else
    report_fault(fault_kind::invalid_free, p);
}

const pool_core* bucket_set::find(const void* p) const noexcept {
  const pool_slab* const slab = store_.find(p);
  return slab != nullptr ? slab->owner : nullptr;
}

// --- under a tool -------------------------------------------------------------------------------

void bucket_set::note_resized(const void* p, std::size_t old_size,
                              std::size_t size) const noexcept {
  if (poison::is_watched()) [[unlikely]]
    poison::resize(store_.find(p), p, old_size, size);
}

std::size_t bucket_set::usable_size(const void* p) const noexcept {
  const pool_core* const core = find(p);
  if (core == nullptr) return 0;
  if (poison::is_watched() && core->is_block_start(p)) [[unlikely]]
    poison::show_defined(p, core->block_size());
  return core->block_size();
}

// --- all classes ---------------------------------------------------------------------------------

void bucket_set::free_all() noexcept {
  if (cores_ == nullptr) return;
  for (std::size_t c = 0; c < classes().count(); ++c) cores_[c].free_all();
  store_.forget_all();
}

bool bucket_set::walk(block_visitor visitor) const noexcept {
  if (cores_ == nullptr) return true;
  showing all_of_it{visitor};
  if (poison::is_watched()) visitor = {&all_of_it, showing::visit};
  for (std::size_t c = 0; c < classes().count(); ++c)
    if (!cores_[c].walk(visitor)) return false;
  return true;
}

// What one class keeps counts for the next.
std::size_t bucket_set::trim(std::size_t keep) noexcept {
  if (cores_ == nullptr) return 0;
  const std::size_t before = store_.held();
  for (std::size_t c = 0; c < classes().count(); ++c) {
    cores_[c].trim(keep);
    const std::size_t kept = cores_[c].spare_bytes();
    keep -= kept < keep ? kept : keep;
  }
  return before - store_.held();
}

bool bucket_set::adopt(bucket_set& other) noexcept {
  if (classes_ != other.classes_ || slab_size_ != other.slab_size_) return false;
  if (other.cores_ == nullptr) return true;
  if (cores_ == nullptr && !make_cores()) return false;
  for (std::size_t c = 0; c < classes().count(); ++c)
    if (!has_same_shape(cores_[c], other.cores_[c])) return false;
  for (std::size_t c = 0; c < classes().count(); ++c) other.cores_[c].leave_current();
  if (!store_.adopt(other.store_)) return false;
  for (std::size_t c = 0; c < classes().count(); ++c) {
    if (other.cores_[c].slab_bytes() == 0) continue;
    if (cores_[c].slab_bytes() == 0) cores_[c].set_shape(other.cores_[c].shape());
    cores_[c].adopt(other.cores_[c]);
  }
  return true;
}

// Slabs of one class may differ where the upstream had no room for good ones.
bool bucket_set::has_same_shape(const pool_core& mine, const pool_core& other) noexcept {
  return mine.slab_bytes() == 0 || other.slab_bytes() == 0 || mine.shape() == other.shape();
}

bool bucket_set::is_well() const noexcept {
  std::size_t bytes = 0;
  for (std::size_t c = 0; cores_ != nullptr && c < classes().count(); ++c) {
    if (!cores_[c].is_well()) return false;
    bytes += cores_[c].slab_bytes();
  }
  return store_.agrees_with(bytes);
}

// --- figures -------------------------------------------------------------------------------------

bin_usage bucket_set::bin(std::size_t c) const noexcept {
  const pool_core* const cores = load_acquire(cores_);
  if (cores == nullptr) return {.block_size = classes().size_of(c)};
  return {.block_size = classes().size_of(c),
          .live_blocks = cores[c].live_blocks(),
          .slab_bytes = cores[c].slab_bytes()};
}

std::size_t bucket_set::held() const noexcept { return store_.held() + load_relaxed(cores_bytes_); }

manager_usage bucket_set::usage() const noexcept {
  manager_usage sum{.held = held(), .live_blocks = 0};
  for (std::size_t c = 0; c < classes().count(); ++c) {
    const bin_usage one = bin(c);
    sum.used += one.live_blocks * one.block_size;
    sum.live_blocks += one.live_blocks;
  }
  return sum;
}

}  // namespace ashlar
