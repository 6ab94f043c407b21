// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/slab_store.hpp"

#include <new>

#include "ashlar/manager/backing_scope.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

class slab_store::guard {
 public:
  explicit guard(const slab_store& store) : lock_(store.is_shared_ ? &store.lock_ : nullptr) {
    if (lock_ != nullptr) lock_->acquire();
  }
  ~guard() {
    if (lock_ != nullptr) lock_->release();
  }
  guard(const guard&) = delete;
  guard& operator=(const guard&) = delete;

 private:
  manager_lock* lock_;
};

memory slab_store::upstream() const noexcept { return upstream_ ? upstream_ : memory(system_os()); }

// Returns memory that holds `size` bytes at a multiple of `size`.
allocation slab_store::take(std::size_t size) noexcept {
  const allocation aligned = upstream().allocate({size, size});
  if (aligned || aligned.reason() != status::bad_alignment) return aligned;
  return upstream().allocate({2 * size, alignof(pool_slab)});
}

allocation slab_store::acquire(std::size_t size, pool_core& owner) noexcept {
  const guard held(*this);
  const backing_scope counted(owner_);
  if (!is_fixed_ && table_.count() == 0) granule_shift_ = log2_floor(size);
  const allocation raw = take(size);
  if (!raw) return raw;
  if (!table_.reserve(size >> granule_shift_, upstream())) {
    const bool is_padded = raw.size() != size;
    upstream().deallocate(raw.get(), is_padded ? alignof(pool_slab) : size);
    return allocation::failed(status::no_memory);
  }
  std::byte* const data = at_address(align_up(address_of(raw.data()), size));
  auto* const slab = new (data) pool_slab{};
  slab->owner = &owner;
  slab->raw = raw.data();
  slab->raw_size = raw.size();
  slab->size = size;
  enter(*slab);
  store_relaxed(held_, held_ + raw.size());
  return allocation::of(slab, size);
}

void slab_store::release(pool_slab& slab) noexcept {
  const guard held(*this);
  strike(slab);
  give_back(slab);
}

void slab_store::give_back(pool_slab& slab) noexcept {
  if (poison::is_watched()) [[unlikely]] {
    poison::close_pool(&slab);
    poison::show(&slab + 1, slab.size - sizeof(pool_slab));
  }
  const std::size_t raw_size = slab.raw_size;
  store_relaxed(held_, held_ - raw_size);
  const bool is_padded = raw_size != slab.size;
  upstream().deallocate({slab.raw, raw_size}, is_padded ? alignof(pool_slab) : slab.size);
}

allocation slab_store::allocate(layout request) noexcept {
  const guard held(*this);
  const backing_scope counted(owner_);
  return upstream().allocate(request, fit::get_no_less);
}

void slab_store::deallocate(block b, std::size_t alignment) noexcept {
  const guard held(*this);
  upstream().deallocate(b, alignment);
}

void slab_store::enter(pool_slab& slab) noexcept {
  const std::uintptr_t first = number_of(&slab);
  for (std::size_t i = 0; i < slab.size >> granule_shift_; ++i) table_.insert(first + i, &slab);
  if (address_of(&slab) < low_) store_relaxed(low_, address_of(&slab));
  if (address_of(&slab) + slab.size > high_) store_relaxed(high_, address_of(&slab) + slab.size);
}

void slab_store::strike(pool_slab& slab) noexcept {
  const std::uintptr_t first = number_of(&slab);
  for (std::size_t i = 0; i < slab.size >> granule_shift_; ++i) table_.erase(first + i);
}

pool_slab* slab_store::find(const void* p) const noexcept {
  const guard held(*this);
  return static_cast<pool_slab*>(table_.find(number_of(p)));
}

bool slab_store::adopt(slab_store& other) noexcept {
  if (!table_.reserve(other.table_.count(), upstream())) return false;
  if (table_.count() == 0) granule_shift_ = other.granule_shift_;
  table_.insert_all(other.table_);
  store_relaxed(held_, held_ + other.held_);
  store_relaxed(other.held_, std::size_t{0});
  other.table_.clear(other.upstream());
  return true;
}

void slab_store::forget_all() noexcept {
  const guard held(*this);
  ASHLAR_ASSERT(table_.count() == 0);
  table_.clear(upstream());
}

void slab_store::release_all() noexcept {
  const guard held(*this);
  table_.for_each([this](std::uintptr_t number, void* value) {
    auto& slab = *static_cast<pool_slab*>(value);
    if (number == number_of(&slab)) give_back(slab);  // a large slab has several numbers
  });
  table_.clear(upstream());
}

bool slab_store::agrees_with(std::size_t bytes) const noexcept {
  const guard held(*this);
  return table_.count() << granule_shift_ == bytes && held_ >= bytes;
}

}  // namespace ashlar
