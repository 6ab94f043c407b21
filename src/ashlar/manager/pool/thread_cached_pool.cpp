// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/thread_cached_pool.hpp"

#include <new>

#include "ashlar/base/poison.hpp"
#include "ashlar/hardening/fault.hpp"

namespace ashlar {

thread_cached_pool::~thread_cached_pool() {
  leave_registry();
  records_.end();
  for (thread_record* r = records_.first(); r != nullptr;) {
    thread_record* const next = r->next;
    auto* const m = static_cast<magazine*>(r);
    store_.deallocate({m, m->room}, magazine_alignment);
    r = next;
  }
  core_.free_all();
  store_.forget_all();
}

// --- magazines -----------------------------------------------------------------------------------

// Returns null if there is no memory for one.
thread_cached_pool::magazine* thread_cached_pool::have_magazine() noexcept {
  if (magazine* const m = mine(); m != nullptr) return m;
  if (thread_record* const r = records_.claim(); r != nullptr) return static_cast<magazine*>(r);
  lock_.acquire();
  const allocation room = store_.allocate({magazine_size, magazine_alignment});
  if (room) store_relaxed(magazine_bytes_, magazine_bytes_ + room.size());
  lock_.release();
  if (!room) return nullptr;
  // Under a tool every block comes by the core, which tells of it.
  const std::uint32_t capacity = poison::is_watched() ? 0 : capacity_;
  auto* const m = ::new (room.data()) magazine(*this, room.size(), capacity);
  records_.add(*m);
  return m;
}

// Fills an empty magazine up to half. Returns a block more.
allocation thread_cached_pool::fill(magazine& m) noexcept {
  const lock_guard guard(lock_);
  void* p = core_.try_get();
  if (p == nullptr) {
    const allocation first = shape_.get_from(core_);
    if (!first) return allocation::failed(first.reason());
    p = first.data();
  }
  std::uint32_t count = 0;
  for (; count < m.capacity / 2; ++count) {
    void* const more = core_.try_get();  // what is there; no slab is taken for reserves
    if (more == nullptr) break;
    next_free(more) = m.free;
    m.free = more;
  }
  store_relaxed(m.count, count);
  return allocation::of(p, shape_.block.size);
}

void thread_cached_pool::empty(magazine& m, std::uint32_t keep) noexcept {
  const lock_guard guard(lock_);
  while (m.count > keep) {
    void* const p = m.free;
    m.free = next_free(p);
    store_relaxed(m.count, m.count - 1);
    core_.put(p);
  }
}

void thread_cached_pool::retire(thread_record& record) noexcept {
  auto& m = static_cast<magazine&>(record);
  m.pool.empty(m, 0);
}

// --- the slow paths ------------------------------------------------------------------------------

allocation thread_cached_pool::get_slow() noexcept {
  if (shape_.why_not != status::success) return allocation::failed(shape_.why_not);
  magazine* const m = have_magazine();
  if (m == nullptr) return allocation::failed(status::no_memory);
  return m->free == nullptr ? fill(*m) : allocation::of(try_get(), shape_.block.size);
}

allocation thread_cached_pool::allocate_slow(std::size_t size, std::size_t alignment,
                                             fit wanted) noexcept {
  if (const status why = shape_.refusal({size, alignment}); why != status::success)
    return allocation::failed(why);
  const allocation got = get_slow();
  return got && wanted == fit::get_exact ? allocation::of(got.data(), size) : got;
}

void thread_cached_pool::put_slow(void* p) noexcept {
  if (p == nullptr) return;
  magazine* const m = have_magazine();
  const bool is_good = is_plausible(p) && (m == nullptr || m->free != p);
  if (m != nullptr && is_good && m->capacity != 0) {
    if (m->count >= m->capacity) empty(*m, m->capacity / 2);
    put(p);
    return;
  }
  // The core tells what is wrong, or takes the block where there is no memory for a magazine.
  const lock_guard guard(lock_);
  if (m != nullptr && m->free == p)
    report_fault(fault_kind::double_free, p);
  else
    core_.put(p);
}

allocation thread_cached_pool::reallocate(block b, std::size_t alignment,
                                          const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  if (!owns(b.data) || !core_.is_block_start(b.data)) {
    report_fault(fault_kind::invalid_resize, b.data);
    return allocation::failed(status::unsupported);
  }
  if (change.size > shape_.block.size) return allocation::failed(status::too_large);
  return allocation::of(b.data,
                        change.wanted == fit::get_no_less ? shape_.block.size : change.size);
}

void thread_cached_pool::refuse(block b) const noexcept {
  if (b.data == nullptr) return;
  const auto kind = owns(b.data) ? fault_kind::size_mismatch : fault_kind::invalid_free;
  report_fault(kind, b.data, {shape_.block.size, b.size});
}

// --- all blocks ----------------------------------------------------------------------------------

bool thread_cached_pool::owns(const void* p) const noexcept {
  const lock_guard guard(lock_);
  return store_.find(p) != nullptr;
}

std::size_t thread_cached_pool::trim(std::size_t keep) noexcept {
  if (magazine* const m = mine(); m != nullptr) empty(*m, 0);
  const lock_guard guard(lock_);
  const std::size_t before = store_.held();
  core_.trim(keep);
  if (core_.slab_bytes() == 0) store_.forget_all();
  return before - store_.held();
}

manager_usage thread_cached_pool::usage() const noexcept {
  std::size_t cached = 0;
  for (const thread_record* r = records_.first(); r != nullptr; r = r->next)
    cached += load_relaxed(static_cast<const magazine*>(r)->count);
  const std::size_t taken = core_.live_blocks();
  const std::size_t live = taken > cached ? taken - cached : 0;
  return {.used = live * shape_.block.size,
          .held = store_.held() + load_relaxed(magazine_bytes_),
          .live_blocks = live};
}

bool thread_cached_pool::check_invariants() noexcept {
  const lock_guard guard(lock_);
  bool is_well = core_.is_well() && store_.agrees_with(core_.slab_bytes());
  for (thread_record* r = records_.first(); r != nullptr && is_well; r = r->next) {
    if (is_lost(*r)) continue;
    const auto& m = static_cast<const magazine&>(*r);
    std::uint32_t count = 0;
    for (void* b = m.free; b != nullptr && is_well && count <= m.count; b = next_free(b), ++count)
      is_well = is_plausible(b);
    is_well = is_well && count == m.count && m.count <= m.capacity;
  }
  return is_well;
}

}  // namespace ashlar
