// SPDX-License-Identifier: MIT
// Large blocks: a span of the store each, or a mapping of its own above 32 MiB; and resizing of
// all.
#include <algorithm>
#include <cstring>
#include <initializer_list>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/heap/fast_path.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/manager/source/page_charges.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar {

namespace {

// From here on a mapping of its own: the page faults and the copying that it saves when it grows
// (mremap) outweigh the system calls, and nothing that large should lie idle in the store.
constexpr std::size_t direct_threshold = 32_MiB;

// Below this, copying beats moving pages (two system calls and a TLB flush).
constexpr std::size_t move_threshold = 512_KiB;

// No request above this can succeed, and below it slices fit their type.
constexpr std::size_t most_bytes = 16_TiB;

std::size_t smallest(std::initializer_list<std::size_t> sizes) { return std::min(sizes); }

std::uint32_t slices_for(std::size_t size) {
  return static_cast<std::uint32_t>(divide_up(size, slice_size));
}

}  // namespace

slab* heap::new_large_header(slab_kind kind, std::byte* start, std::size_t requested,
                             std::uint32_t slices) noexcept {
  auto* const s = static_cast<slab*>(process_metadata.allocate(slab::bytes_for(0, watched_)));
  if (s == nullptr) return nullptr;
  s->home = this;
  s->watched = watched_;
  s->doublings = 0;
  s->told = tells_;
  s->start = start;
  s->kind = kind;
  s->requested = requested;
  s->slices = slices;
  process_page_map.set_header(start, s);
  return s;
}

bool heap::watch_large(const void* p, bool watched) noexcept {
  slab& s = *process_page_map.header_of(p);
  if (s.is_slab()) return false;
  store_relaxed(s.watched, watched);
  return true;
}

void heap::set_doublings(const void* p, std::uint8_t doublings) noexcept {
  slab& s = *process_page_map.header_of(p);
  if (!s.is_slab()) s.doublings = doublings;
}

allocation heap::allocate_large(layout request, std::size_t clear) noexcept {
  if (request.alignment > max_alignment) return allocation::failed(status::bad_alignment);
  if (request.size > most_bytes - request.alignment) return allocation::failed(status::too_large);
  if (!ready_) return allocation::failed(status::no_memory);
  if (request.size == 0) request.size = 1;
  for (int attempt = 0;; ++attempt) {
    const allocation a = charge(align_up(request.size, slice_size))
                             ? take_large(request, clear)
                             : allocation::failed(status::over_budget);
    if (a || attempt == 3 || !reclaim(request.size)) return a;
  }
}

allocation heap::take_large(layout request, std::size_t clear) noexcept {
  const claim room(*this, align_up(request.size, slice_size));
  if (!room) return allocation::failed(status::over_budget);
  const bool direct = &store_.os() == &system_os() &&
                      (request.size >= direct_threshold || request.alignment >= direct_threshold);
  return direct ? allocate_direct(request) : allocate_in_span(request, clear);
}

allocation heap::allocate_in_span(layout request, std::size_t clear) noexcept {
  const std::uint32_t slices = slices_for(request.size);
  const std::size_t alignment = align_up(request.alignment, slice_size) / slice_size;
  const span memory = store_.allocate(slices, static_cast<std::uint32_t>(alignment));
  if (memory.data == nullptr) return allocation::failed(memory.reason);
  slab* const s = new_large_header(slab_kind::large, memory.data, request.size, slices);
  if (s == nullptr) {
    store_.deallocate(memory);
    return allocation::failed(status::no_memory);
  }
  s->record = memory.record;
  if (clear != 0 && !memory.zeroed) std::memset(memory.data, 0, clear);
  return allocation::of(memory.data, usable_size(memory.data));
}

allocation heap::allocate_direct(layout request) noexcept {
  const std::size_t size = align_up(request.size, os::page_size());
  const std::size_t alignment = request.alignment > slice_size ? request.alignment : slice_size;
  const auto memory = os::reserve_committed(size, alignment);
  if (!memory.ok()) return allocation::failed(status::no_memory);
  page_charges::open(&system_os(), tag(), memory.value);
  if (page_charges::charge(&system_os(), memory.value) != status::success) {
    page_charges::close(&system_os(), memory.value);
    os::release(memory.value, size);
    return allocation::failed(status::over_budget);
  }
  slab* const s = process_page_map.prepare(memory.value.data, 1).ok()
                      ? new_large_header(slab_kind::direct, memory.value.data, request.size, 0)
                      : nullptr;
  if (s == nullptr) {
    page_charges::close(&system_os(), memory.value);
    os::release(memory.value, size);
    return allocation::failed(status::no_memory);
  }
  s->reserved_size = size;
  link_direct(*s, 0);
  return allocation::of(s->start, size);
}

// Enters a direct block; from now on its mapping is in use instead of `counted` bytes.
void heap::link_direct(slab& s, std::size_t counted) noexcept {
  lock_guard guard(mutex_);
  s.prev = nullptr;
  s.next = direct_;
  if (direct_ != nullptr) direct_->prev = &s;
  direct_ = &s;
  store_relaxed(direct_bytes_, direct_bytes_ + s.reserved_size - counted);
  if (direct_bytes_ > peak_direct_) peak_direct_ = direct_bytes_;
}

// Takes a direct block out, for good or while it is resized; `uncounted` bytes are not in use then.
void heap::unlink_direct(slab& s, std::size_t uncounted) noexcept {
  lock_guard guard(mutex_);
  (s.prev != nullptr ? s.prev->next : direct_) = s.next;
  if (s.next != nullptr) s.next->prev = s.prev;
  store_relaxed(direct_bytes_, direct_bytes_ - uncounted);
}

void heap::deallocate_large(slab& s) noexcept {
  process_page_map.set_header(s.start, nullptr);
  if (s.told) [[unlikely]]
    s.take_back(s.start);
  if (s.kind == slab_kind::direct) {
    if (s.told) show_direct(s);
    unlink_direct(s, s.reserved_size);
    page_charges::close(&system_os(), {s.start, s.reserved_size});
    os::release({s.start, s.reserved_size}, s.reserved_size);
  } else {
    store_.deallocate({s.start, s.record, s.slices});
  }
  process_metadata.deallocate(&s, s.bytes());
}

// --- resizing ---

bool heap::resize_large(slab& s, std::size_t size) noexcept {
  if (size <= medium_limit || size > most_bytes) return false;
  if (s.kind == slab_kind::direct) {
    if (size < direct_threshold / 2) return false;
    return resize_direct(s, size);
  }
  const std::uint32_t slices = slices_for(size);
  span memory = {s.start, s.record, s.slices};
  bool zeroed = false;
  if (slices > s.slices) {
    const std::size_t more = (slices - s.slices) * slice_size;
    if (!charge(more)) return false;
    const claim room(*this, more);
    if (!room || !store_.try_grow(memory, slices, zeroed)) return false;
  }
  if (slices < s.slices) store_.shrink(memory, slices);
  store_relaxed(s.slices, slices);
  store_relaxed(s.requested, size);
  return true;
}

// The pages of a direct block are others now, or more, or fewer. Requires: the tag admits them.
void heap::recharge(os::range before, os::range after) noexcept {
  if (tag() == 0) return;
  page_charges::close(&system_os(), before);
  page_charges::open(&system_os(), tag(), after);
  (void)page_charges::charge(&system_os(), after);
}

bool heap::tag_admits(std::size_t more) noexcept {
  return tag() == 0 || more == 0 || observe::process_tracker().admits(tag(), more);
}

bool heap::resize_direct(slab& s, std::size_t size) noexcept {
  const std::size_t mapped = align_up(size, os::page_size());
  const std::size_t before = s.reserved_size;
  if (mapped != before) {
    const std::size_t more = mapped > before ? mapped - before : 0;
    if (!tag_admits(more) || (more != 0 && !charge(more))) return false;
    const claim room(*this, more);
    if (!room) return false;
    unlink_direct(s, 0);
    const bool done = os::resize({s.start, before}, mapped, false).ok();
    if (done) s.reserved_size = mapped;
    if (done) recharge({s.start, before}, {s.start, mapped});
    link_direct(s, before);
    if (!done) return false;
  }
  store_relaxed(s.requested, size);
  return true;
}

// Moves the mapping, not the bytes. The header stays; the page map learns the new place first.
bool heap::move_direct(slab& s, std::size_t size) noexcept {
  const std::size_t mapped = align_up(size, os::page_size());
  const std::size_t before = s.reserved_size;
  const std::size_t more = mapped > before ? mapped - before : 0;
  if (!tag_admits(more) || (more != 0 && !charge(more))) return false;
  const claim room(*this, more);
  if (!room) return false;
  const auto target = os::reserve(mapped, slice_size);
  if (!target.ok()) return false;
  unlink_direct(s, 0);
  // Before the pages go: afterwards another thread may get the old place and enter itself there.
  process_page_map.set_header(s.start, nullptr);
  const bool done = process_page_map.prepare(target.value.data, 1).ok() &&
                    os::resize_into({s.start, before}, target.value).ok();
  if (done) {
    recharge({s.start, before}, target.value);
    s.start = target.value.data;
    s.reserved_size = mapped;
    s.requested = size;
  } else {
    os::release(target.value, 0);
  }
  process_page_map.set_header(s.start, &s);
  link_direct(s, before);
  return done;
}

// A large block that must move: pages move without being copied where the OS can.
allocation heap::move_large(slab& s, layout request, std::size_t used) noexcept {
  allocation a = allocate_large(request, 0);
  if (!a) return a;
  slab& target = *process_page_map.header_of(a.data());
  target.doublings = s.doublings;
  // All usable bytes count, not only those asked for: programs may use them.
  const std::size_t bytes = smallest({align_up(s.requested, os::page_size()), used, request.size});
  if (s.kind == slab_kind::large && target.kind == slab_kind::large && bytes >= move_threshold &&
      target.slices >= s.slices) {
    const span from = {s.start, s.record, s.slices};
    const span to = {target.start, target.record, target.slices};
    if (store_.move_pages(from, to, s.slices * slice_size)) {
      process_page_map.set_header(s.start, nullptr);
      store_.deallocate(from, false);
      process_metadata.deallocate(&s, s.bytes());
      return a;
    }
  }
  std::memcpy(a.data(), s.start, bytes);
  deallocate_large(s);
  return a;
}

allocation heap::move_block(local_heap* h, void* p, std::size_t kept, layout request) noexcept {
  const allocation a = allocate_from(h, request, false);
  if (!a) return a;
  std::memcpy(a.data(), p, smallest({kept, request.size}));
  if (h == nullptr || !push_block(*h, p)) deallocate_from(h, p);
  return a;
}

// A slab's block that could move is kept while at least half of it is used: shrinking by less is
// not worth a copy. What would fit into a slab and has a span, being a sample, is treated alike.
bool heap::resize_in_place(slab& s, std::size_t size, bool may_move) noexcept {
  const std::size_t place = usable_bytes_of(s);
  if (place > medium_limit) return s.home->resize_large(s, size);
  return size <= place && (!may_move || size >= place / 2 || place <= 64);
}

allocation heap::reallocate_from(local_heap* h, void* p, std::size_t alignment,
                                 const resize& change) noexcept {
  const layout request = {change.size, alignment};
  if (p == nullptr) return allocate_from(h, request, false);
  if (!request.is_valid()) {
    return allocation::failed(request.size > max_size ? status::too_large : status::bad_alignment);
  }
  slab* const s = process_page_map.header_of(p);
  const bool is_block = s != nullptr && (s->is_slab() ? s->index_of(p) < s->capacity &&
                                                            s->block_at(s->index_of(p)) == p
                                                      : p == s->start);
  if (!is_block) {
    report_fault(fault_kind::invalid_resize, p);
    return allocation::failed(status::unsupported);
  }
  const bool aligned = is_aligned(address_of(p), alignment);
  if (s->told) [[unlikely]] {
    if (aligned && s->resize_lent(p, change.size, change.may_move))
      return allocation::of(p, change.size);
    if (!change.may_move) return allocation::failed(status::unsupported);
    return move_block(h, p, smallest({s->asked_for(p), change.used}), request);
  }
  if (aligned && resize_in_place(*s, change.size, change.may_move))
    return allocation::of(p, usable_size(p));
  if (!change.may_move) return allocation::failed(status::unsupported);
  if (s->kind == slab_kind::direct && alignment <= slice_size &&
      change.size >= direct_threshold / 2 && s->home->move_direct(*s, change.size))
    return allocation::of(s->start, usable_size(s->start));
  if (change.size > medium_limit && !s->is_slab() && s->home == this)
    return move_large(*s, request, change.used);
  return move_block(h, p, smallest({usable_size(p), change.used}), request);
}

}  // namespace ashlar
