// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/large_blocks.hpp"

#include <new>

#include "ashlar/base/poison.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/source/told_pool.hpp"

namespace ashlar {

namespace {

std::size_t red_zone_now() { return poison::is_watched() ? poison::red_zone : 0; }

}  // namespace

os_manager& large_blocks::os() const noexcept { return os_ != nullptr ? *os_ : system_os(); }

std::size_t large_blocks::pages_for(std::size_t size) const noexcept {
  return align_up(at_least_one(size) + red_zone_now(), os().page_size());
}

// Lets the caller use a new block.
void large_blocks::lend(record& r, std::size_t asked) noexcept {
  r.usable = r.size;
  if (!poison::is_watched()) return;
  r.usable = at_least_one(asked);
  open_told_pool(this, &os());
  poison::lend(this, r.data, r.usable);
  poison::hide(r.data + r.usable, r.size - r.usable);
}

// The same of a block with other pages behind it.
void large_blocks::lend_again(record& r, std::size_t asked) noexcept {
  const std::size_t old_size = smaller(r.usable, r.size);
  r.usable = r.size;
  if (!poison::is_watched()) return;
  r.usable = at_least_one(asked);
  poison::resize(this, r.data, old_size, r.usable);
  poison::hide(r.data + r.usable, r.size - r.usable);
}

allocation large_blocks::allocate(layout request) noexcept {
  const std::size_t page = os().page_size();
  if (request.size > max_size - page - poison::red_zone)
    return allocation::failed(status::too_large);
  if (!table_.reserve(1, os())) return allocation::failed(status::no_memory);
  void* const place = records_.get();
  if (place == nullptr) return allocation::failed(status::no_memory);
  const std::size_t size = pages_for(request.size);
  const os::range memory = os().reserve(size, request.alignment);
  const status outcome = memory ? os().try_commit(memory) : status::no_memory;
  if (outcome != status::success) {
    if (memory) os().release(memory, 0);
    records_.put(place);
    if (outcome == status::over_budget) return allocation::failed(outcome);
    const std::size_t available = os().available(request.alignment);
    return available == max_size || memory
               ? allocation::failed(status::no_memory)
               : allocation::failed(status::not_enough_memory,
                                    available - smaller(available, red_zone_now()));
  }
  auto* const r = ::new (place) record{memory.data, size, memory.size, size, nullptr, nullptr};
  table_.insert(number_of(r->data), r);
  blocks_.push_front(*r);
  store_relaxed(used_, used_ + size);
  lend(*r, request.size);
  return allocation::of(r->data, r->usable);
}

large_blocks::record* large_blocks::find(const void* p) const noexcept {
  auto* const r = static_cast<record*>(table_.find(number_of(p)));
  return r != nullptr && r->data == p ? r : nullptr;
}

void large_blocks::end(record& r) noexcept {
  table_.erase(number_of(r.data));
  blocks_.remove(r);
  if (poison::is_watched()) [[unlikely]] {
    poison::take_back(this, r.data, r.usable);
    poison::show(r.data, r.size);  // whoever gets the addresses next is not to find them hidden
  }
  os().release({r.data, r.reserved}, r.size);
  store_relaxed(used_, used_ - r.size);
  records_.put(&r);
}

bool large_blocks::deallocate(void* p) noexcept {
  record* const r = find(p);
  if (r != nullptr) end(*r);
  return r != nullptr;
}

allocation large_blocks::resize(void* p, std::size_t size) noexcept {
  record* const r = find(p);
  if (r == nullptr || size > max_size - os().page_size() - poison::red_zone)
    return allocation::failed(status::too_large);
  const std::size_t wanted = pages_for(size);
  if (wanted > r->reserved) return allocation::failed(status::unsupported);
  if (wanted > r->size) {
    const status outcome = os().try_commit({r->data + r->size, wanted - r->size});
    if (outcome != status::success) return allocation::failed(outcome);
  }
  poison::show(r->data + wanted, wanted < r->size ? r->size - wanted : 0);
  // Pages that the OS does not take back stay usable.
  if (wanted >= r->size || os().decommit({r->data + wanted, r->size - wanted})) {
    store_relaxed(used_, used_ - r->size + wanted);
    r->size = wanted;
  }
  lend_again(*r, size);
  return allocation::of(p, r->usable);
}

std::size_t large_blocks::usable_size(const void* p) const noexcept {
  const record* const r = find(p);
  return r != nullptr ? r->usable : 0;
}

bool large_blocks::owns(const void* p) const noexcept {
  if (table_.find(number_of(p)) != nullptr) return true;
  const std::uintptr_t address = address_of(p);
  for (const record* r = blocks_.front(); r != nullptr; r = r->next)
    if (address - address_of(r->data) < r->size) return true;
  return false;
}

void large_blocks::free_all() noexcept {
  while (record* const r = blocks_.front()) end(*r);
  poison::close_pool(this);
  records_.free_all();
  table_.clear(os());
}

bool large_blocks::walk(block_visitor visitor) const noexcept {
  for (const record* r = blocks_.front(); r != nullptr; r = r->next)
    if (!visitor({r->data, r->usable})) return false;
  return true;
}

bool large_blocks::is_well() const noexcept {
  std::size_t bytes = 0;
  std::size_t blocks = 0;
  for (const record* r = blocks_.front(); r != nullptr; r = r->next) {
    bytes += r->size;
    ++blocks;
    if (find(r->data) == r && r->size <= r->reserved) continue;
    report_fault(fault_kind::corruption, r);
    return false;
  }
  return bytes == used_ && blocks == table_.count() && blocks == count() &&
         records_.check_invariants();
}

}  // namespace ashlar
