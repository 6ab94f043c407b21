// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/pool.hpp"

#include <bit>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {

pool::~pool() {
  leave_registry();
  free_all();
}

// --- what blocks look like -----------------------------------------------------------------------

layout pool::block_wanted() const noexcept {
  layout block = wanted_;
  if (cache_line_ && block.alignment < cache_line_size) block.alignment = cache_line_size;
  return block;
}

// Takes the block size from the first request, if it was to. Returns why not.
status pool::learn_from(layout request) noexcept {
  if (!is_power_of_two(request.alignment) || request.alignment > pool_core::max_block)
    return status::bad_alignment;
  if (request.size > pool_core::max_block) return status::too_large;
  if (wanted_.size == 0) {
    wanted_.size = at_least_one(request.size);
    if (request.alignment > wanted_.alignment) wanted_.alignment = request.alignment;
  }
  if (!is_power_of_two(wanted_.alignment) || wanted_.alignment > pool_core::max_block)
    return status::bad_alignment;
  if (wanted_.size > pool_core::max_block) return status::too_large;
  if (!core_.has_shape())
    core_.set_shape(slab_shape::of(block_wanted(), os::page_size(), os::page_size()));
  if (request.size > block_size()) return status::too_large;
  return request.alignment > core_.shape().alignment ? status::bad_alignment : status::success;
}

// --- the slow paths ------------------------------------------------------------------------------

// The first slab may choose its size: a good one, or what the upstream has.
allocation pool::first_get() noexcept {
  const std::size_t page = os::page_size();
  const layout wanted = block_wanted();
  if (page_size_ == 0) return core_.get_first(wanted, slab_shape::good_slab_size(wanted), page);
  const std::size_t size = slab_shape::slab_size_for(page_size_, page);
  return core_.get_first(wanted, size, size);
}

// Requires: `try_get` found nothing.
allocation pool::get_slow() noexcept {
  if (!core_.has_shape()) {
    if (wanted_.size == 0) return allocation::failed(status::unsupported);
    if (const status why = learn_from({wanted_.size, 1}); why != status::success)
      return allocation::failed(why);
  }
  if (core_.slab_bytes() == 0) return first_get();
  void* const p = core_.get_slow();
  return p != nullptr ? allocation::of(p, block_size()) : core_.refusal();
}

allocation pool::allocate_slow(std::size_t size, std::size_t alignment, fit wanted) noexcept {
  const layout request{size, alignment};
  const layout before = wanted_;
  const status why = learn_from(request);
  const allocation got = why == status::success ? get_slow() : allocation::failed(why);
  if (got) return wanted == fit::get_no_less ? got : allocation::of(got.data(), request.size);
  if (before.size == 0) {  // a request that failed has taught nothing
    wanted_ = before;
    core_.set_shape({});
  }
  // What the upstream could serve does not help: no block fits.
  return allocation::failed(got.reason());
}

allocation pool::reallocate(block b, std::size_t alignment, const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  if (!owns(b.data) || !core_.is_block_start(b.data)) {
    report_fault(fault_kind::invalid_resize, b.data);
    return allocation::failed(status::unsupported);
  }
  if (change.size > block_size()) return allocation::failed(status::too_large);
  return allocation::of(b.data, change.wanted == fit::get_no_less ? block_size() : change.size);
}

void pool::refuse(block b) const noexcept {
  if (b.data == nullptr) return;
  const auto kind = owns(b.data) ? fault_kind::size_mismatch : fault_kind::invalid_free;
  report_fault(kind, b.data, {block_size(), b.size});
}

std::size_t pool::get_many(std::span<void*> blocks) noexcept {
  std::size_t done = 0;
  while (done < blocks.size() && (blocks[done] = get()) != nullptr) ++done;
  return done;
}

void pool::put_many(std::span<void* const> blocks) noexcept {
  for (void* const p : blocks) core_.put(p);
}

// --- all blocks ----------------------------------------------------------------------------------

void pool::free_all() noexcept {
  inner_blocks_ended();
  core_.free_all();
  store_.forget_all();
}

void pool::free_each(block_visitor visitor) noexcept {
  inner_blocks_ended();
  core_.free_each(visitor);
  store_.forget_all();
}

std::size_t pool::trim(std::size_t keep) noexcept {
  const std::size_t before = store_.held();
  core_.trim(keep);
  if (core_.slab_bytes() == 0) store_.forget_all();
  return before - store_.held();
}

bool pool::adopt(pool& other) noexcept {
  if (&other == this || other.upstream() != upstream()) return false;
  if (other.core_.slab_bytes() == 0) return true;
  const bool may_reshape = core_.slab_bytes() == 0 && (wanted_.size == 0 || wants_same(other));
  if (!may_reshape && core_.shape() != other.core_.shape()) return false;
  other.core_.leave_current();
  if (!store_.adopt(other.store_)) return false;
  if (may_reshape) {
    wanted_ = other.wanted_;
    core_.set_shape(other.core_.shape());
  }
  core_.adopt(other.core_);
  return true;
}

bool pool::wants_same(const pool& other) const noexcept {
  return wanted_.size == other.wanted_.size && wanted_.alignment == other.wanted_.alignment;
}

manager_usage pool::usage() const noexcept {
  const std::size_t live = core_.live_blocks();
  return {.used = live * block_size(), .held = store_.held(), .live_blocks = live};
}

bool pool::check_invariants() const noexcept {
  return core_.is_well() && store_.agrees_with(core_.slab_bytes());
}

}  // namespace ashlar
