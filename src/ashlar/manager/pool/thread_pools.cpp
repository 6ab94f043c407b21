// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/thread_pools.hpp"

#include <new>

#include "ashlar/base/poison.hpp"
#include "ashlar/hardening/fault.hpp"

namespace ashlar {

thread_pools::~thread_pools() {
  leave_registry();
  records_.end();
  for (thread_record* r = records_.first(); r != nullptr;) {
    thread_record* const next = r->next;
    auto* const own = static_cast<own_pool*>(r);
    if (!is_lost(*r)) own->core.free_all();
    store_.deallocate({own, own->room}, alignof(own_pool));
    r = next;
  }
  store_.release_all();  // of pools that were lost to a fork: their own lists may be half changed
}

// Returns null if there is no memory for one.
thread_pools::own_pool* thread_pools::have_pool() noexcept {
  if (own_pool* const own = mine(); own != nullptr) return own;
  if (thread_record* const r = records_.claim(); r != nullptr) return static_cast<own_pool*>(r);
  const allocation room = store_.allocate({sizeof(own_pool), alignof(own_pool)});
  if (!room) return nullptr;
  store_relaxed(slab_mask_, ~static_cast<std::uintptr_t>(shape_.slab_bytes() - 1));
  pool_bytes_.fetch_add(room.size(), std::memory_order_relaxed);
  auto* const own = ::new (room.data()) own_pool(*this, room.size());
  records_.add(*own);
  return own;
}

// --- inboxes -------------------------------------------------------------------------------------

// The pool that a slab says is its owner, if it is one of ours.
thread_pools::own_pool* thread_pools::owner_of(const pool_slab& slab) const noexcept {
  for (thread_record* r = records_.first(); r != nullptr; r = r->next)
    if (auto* const own = static_cast<own_pool*>(r); slab.owner == &own->core) return own;
  return nullptr;
}

void thread_pools::send(own_pool& to, void* p) noexcept {
  if (poison::is_watched()) [[unlikely]]  // all but the link; the rest is told when it is taken out
    poison::hide(static_cast<std::byte*>(p) + sizeof(void*), to.core.block_size() - sizeof(void*));
  to.pending.fetch_add(1, std::memory_order_relaxed);
  void* first = to.inbox.load(std::memory_order_relaxed);
  do {
    next_free(p) = first;
    // release: pairs with the acquire in open_inbox(): the owner sees the link, and all that was
    // done with the block before.
  } while (!to.inbox.compare_exchange_weak(first, p, std::memory_order_release,
                                           std::memory_order_relaxed));
}

// Takes all blocks out. Returns whether there were any.
bool thread_pools::open_inbox(own_pool& own) noexcept {
  if (own.inbox.load(std::memory_order_relaxed) == nullptr) return false;
  // acquire: pairs with the release in send().
  void* list = own.inbox.exchange(nullptr, std::memory_order_acquire);
  std::size_t count = 0;
  for (; list != nullptr; ++count) {
    void* const p = list;
    list = next_free(p);
    own.core.put(p);
  }
  own.pending.fetch_sub(count, std::memory_order_relaxed);
  return true;
}

void thread_pools::retire(thread_record& record) noexcept {
  auto& own = static_cast<own_pool&>(record);
  (void)open_inbox(own);
  (void)own.core.trim(0);
}

// --- the slow paths ------------------------------------------------------------------------------

allocation thread_pools::get_slow() noexcept {
  if (shape_.why_not != status::success) return allocation::failed(shape_.why_not);
  own_pool* const own = have_pool();
  if (own == nullptr) return allocation::failed(status::no_memory);
  void* p = own->core.try_get();  // a pool that was another thread's has some
  if (p == nullptr && open_inbox(*own)) p = own->core.try_get();
  if (p != nullptr) return allocation::of(p, shape_.block.size);
  const allocation got = shape_.get_from(own->core);
  return got ? got : allocation::failed(got.reason());
}

allocation thread_pools::allocate_slow(std::size_t size, std::size_t alignment,
                                       fit wanted) noexcept {
  if (const status why = shape_.refusal({size, alignment}); why != status::success)
    return allocation::failed(why);
  const allocation got = get_slow();
  return got && wanted == fit::get_exact ? allocation::of(got.data(), size) : got;
}

void thread_pools::put_elsewhere(void* p) noexcept {
  if (p == nullptr) return;
  own_pool* const owner = store_.may_hold(p) ? owner_of(*slab_of(p)) : nullptr;
  if (owner == nullptr)
    report_fault(fault_kind::invalid_free, p);
  else if (!owner->core.is_block_start(p))
    report_fault(fault_kind::interior_free, p);
  else
    send(*owner, p);
}

allocation thread_pools::reallocate(block b, std::size_t alignment, const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  if (!owns(b.data)) {
    report_fault(fault_kind::invalid_resize, b.data);
    return allocation::failed(status::unsupported);
  }
  if (change.size > shape_.block.size) return allocation::failed(status::too_large);
  return allocation::of(b.data,
                        change.wanted == fit::get_no_less ? shape_.block.size : change.size);
}

void thread_pools::refuse(block b) const noexcept {
  if (b.data == nullptr) return;
  const auto kind = owns(b.data) ? fault_kind::size_mismatch : fault_kind::invalid_free;
  report_fault(kind, b.data, {shape_.block.size, b.size});
}

// --- all pools -----------------------------------------------------------------------------------

std::size_t thread_pools::trim(std::size_t keep) noexcept {
  std::size_t given = 0;
  if (own_pool* const own = mine(); own != nullptr) {
    (void)open_inbox(*own);
    given = own->core.trim(keep);
  }
  thread_record* r = nullptr;
  while ((r = records_.borrow(r)) != nullptr) {
    auto& idle = static_cast<own_pool&>(*r);
    (void)open_inbox(idle);
    given += idle.core.trim(0);
    records_.give_back(*r);
  }
  return given;
}

manager_usage thread_pools::usage() const noexcept {
  std::size_t taken = 0;
  std::size_t pending = 0;
  for (const thread_record* r = records_.first(); r != nullptr; r = r->next) {
    const auto& own = static_cast<const own_pool&>(*r);
    pending += own.pending.load(std::memory_order_relaxed);
    taken += own.core.live_blocks();
  }
  const std::size_t live = taken > pending ? taken - pending : 0;
  return {.used = live * shape_.block.size,
          .held = store_.held() + pool_bytes_.load(std::memory_order_relaxed),
          .live_blocks = live};
}

bool thread_pools::check_invariants() const noexcept {
  std::size_t bytes = 0;
  bool has_lost = false;
  for (const thread_record* r = records_.first(); r != nullptr; r = r->next) {
    const auto& own = static_cast<const own_pool&>(*r);
    has_lost |= is_lost(*r);
    if (!is_lost(*r) && !own.core.is_well()) return false;
    bytes += own.core.slab_bytes();
  }
  return has_lost || store_.agrees_with(bytes);
}

}  // namespace ashlar
