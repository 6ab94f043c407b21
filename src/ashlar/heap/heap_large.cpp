// SPDX-License-Identifier: MIT
// Large blocks: a span of the store each, or a mapping of its own above 32 MiB; and resizing of
// all.
#include <cstring>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/heap/fast_path.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/metadata_store.hpp"

namespace ashlar {

namespace {

// From here on a mapping of its own: the page faults and the copying that it saves when it grows
// (mremap) outweigh the system calls, and nothing that large should lie idle in the store.
constexpr std::size_t direct_threshold = 32_MiB;

// Below this, copying beats moving pages (two system calls and a TLB flush).
constexpr std::size_t move_threshold = 512_KiB;

// No request above this can succeed, and below it slices fit their type.
constexpr std::size_t most_bytes = 16_TiB;

std::uint32_t slices_for(std::size_t size) {
  return static_cast<std::uint32_t>(divide_up(size, slice_size));
}

}  // namespace

slab* heap::new_large_header(slab_kind kind, std::byte* start, std::size_t requested) noexcept {
  auto* const s = static_cast<slab*>(process_metadata.allocate(slab::header_size));
  if (s == nullptr) return nullptr;
  s->home = this;
  s->start = start;
  s->kind = kind;
  s->requested = requested;
  process_page_map.set_header(start, s);
  return s;
}

allocation heap::allocate_large(layout request, bool zero) noexcept {
  if (request.alignment > max_alignment) return allocation::failed(status::bad_alignment);
  if (request.size > most_bytes - request.alignment) return allocation::failed(status::too_large);
  if (!ready_) return allocation::failed(status::no_memory);
  if (request.size == 0) request.size = 1;
  const bool direct = store_.source().direct_blocks &&
                      (request.size >= direct_threshold || request.alignment >= direct_threshold);
  for (int attempt = 0;; ++attempt) {
    const bool allowed = charge(align_up(request.size, slice_size));
    if (allowed) {
      const allocation a = direct ? allocate_direct(request) : allocate_in_span(request, zero);
      if (a) return a;
    }
    if (attempt == 3 || !reclaim(request.size))
      return allocation::failed(allowed ? status::no_memory : status::over_budget);
  }
}

allocation heap::allocate_in_span(layout request, bool zero) noexcept {
  const std::uint32_t slices = slices_for(request.size);
  const std::size_t alignment = align_up(request.alignment, slice_size) / slice_size;
  const span memory = store_.allocate(slices, static_cast<std::uint32_t>(alignment));
  if (memory.data == nullptr) return allocation::failed(memory.reason);
  slab* const s = new_large_header(slab_kind::large, memory.data, request.size);
  if (s == nullptr) {
    store_.deallocate(memory);
    return allocation::failed(status::no_memory);
  }
  s->record = memory.record;
  s->slices = slices;
  if (zero && !memory.zeroed) std::memset(memory.data, 0, request.size);
  return allocation::of(memory.data, usable_size(memory.data));
}

allocation heap::allocate_direct(layout request) noexcept {
  const std::size_t size = align_up(request.size, os::page_size());
  const std::size_t alignment = request.alignment > slice_size ? request.alignment : slice_size;
  const auto memory = os::reserve_committed(size, alignment);
  if (!memory.ok()) return allocation::failed(status::no_memory);
  slab* const s = process_page_map.prepare(memory.value.data, 1).ok()
                      ? new_large_header(slab_kind::direct, memory.value.data, request.size)
                      : nullptr;
  if (s == nullptr) {
    os::release(memory.value, size);
    return allocation::failed(status::no_memory);
  }
  s->reserved_size = size;
  link_direct(*s);
  return allocation::of(s->start, size);
}

void heap::link_direct(slab& s) noexcept {
  lock_guard guard(mutex_);
  s.prev = nullptr;
  s.next = direct_;
  if (direct_ != nullptr) direct_->prev = &s;
  direct_ = &s;
  store_relaxed(direct_bytes_, direct_bytes_ + s.reserved_size);
  if (direct_bytes_ > peak_direct_) peak_direct_ = direct_bytes_;
}

void heap::unlink_direct(slab& s) noexcept {
  lock_guard guard(mutex_);
  (s.prev != nullptr ? s.prev->next : direct_) = s.next;
  if (s.next != nullptr) s.next->prev = s.prev;
  store_relaxed(direct_bytes_, direct_bytes_ - s.reserved_size);
}

void heap::deallocate_large(slab& s) noexcept {
  process_page_map.set_header(s.start, nullptr);
  if (s.kind == slab_kind::direct) {
    unlink_direct(s);
    os::release({s.start, s.reserved_size}, s.reserved_size);
  } else {
    store_.deallocate({s.start, s.record, s.slices});
  }
  process_metadata.deallocate(&s, slab::header_size);
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
    if (!charge((slices - s.slices) * slice_size)) return false;
    if (!store_.try_grow(memory, slices, zeroed)) return false;
  }
  if (slices < s.slices) store_.shrink(memory, slices);
  store_relaxed(s.slices, slices);
  store_relaxed(s.requested, size);
  return true;
}

bool heap::resize_direct(slab& s, std::size_t size) noexcept {
  const std::size_t mapped = align_up(size, os::page_size());
  if (mapped != s.reserved_size) {
    if (mapped > s.reserved_size && !charge(mapped - s.reserved_size)) return false;
    unlink_direct(s);
    const bool done = os::resize({s.start, s.reserved_size}, mapped, false).ok();
    if (done) s.reserved_size = mapped;
    link_direct(s);
    if (!done) return false;
  }
  s.requested = size;
  return true;
}

// Moves the mapping, not the bytes. The header stays; the page map learns the new place first.
bool heap::move_direct(slab& s, std::size_t size) noexcept {
  const std::size_t mapped = align_up(size, os::page_size());
  if (mapped > s.reserved_size && !charge(mapped - s.reserved_size)) return false;
  const auto target = os::reserve(mapped, slice_size);
  if (!target.ok()) return false;
  unlink_direct(s);
  // Before the pages go: afterwards another thread may get the old place and enter itself there.
  process_page_map.set_header(s.start, nullptr);
  const bool done = process_page_map.prepare(target.value.data, 1).ok() &&
                    os::resize_into({s.start, s.reserved_size}, target.value).ok();
  if (done) {
    s.start = target.value.data;
    s.reserved_size = mapped;
    s.requested = size;
  } else {
    os::release(target.value, 0);
  }
  process_page_map.set_header(s.start, &s);
  link_direct(s);
  return done;
}

bool heap::try_resize(void* p, std::size_t size) noexcept {
  slab* const s = process_page_map.header_of(p);
  if (s == nullptr || size > max_size) return false;
  if (!s->is_slab()) return p == s->start && s->home->resize_large(*s, size);
  return size <= s->block_size;
}

// A large block that must move: pages move without being copied where the OS can.
allocation heap::move_large(slab& s, layout request) noexcept {
  allocation a = allocate_large(request, false);
  if (!a) return a;
  const slab& target = *process_page_map.header_of(a.data());
  // All usable bytes count, not only those asked for: programs may use them.
  const std::size_t usable = align_up(s.requested, os::page_size());
  const std::size_t bytes = usable < request.size ? usable : request.size;
  if (s.kind == slab_kind::large && target.kind == slab_kind::large && bytes >= move_threshold &&
      target.slices >= s.slices) {
    const span from = {s.start, s.record, s.slices};
    const span to = {target.start, target.record, target.slices};
    if (store_.move_pages(from, to, s.slices * slice_size)) {
      process_page_map.set_header(s.start, nullptr);
      store_.deallocate(from, false);
      process_metadata.deallocate(&s, slab::header_size);
      return a;
    }
  }
  std::memcpy(a.data(), s.start, bytes);
  deallocate_large(s);
  return a;
}

allocation heap::move_block(local_heap* h, void* p, std::size_t old_size, layout request) noexcept {
  const allocation a = allocate_from(h, request, false);
  if (!a) return a;
  std::memcpy(a.data(), p, old_size < request.size ? old_size : request.size);
  if (h == nullptr || !push_block(*h, p)) deallocate_from(h, p);
  return a;
}

allocation heap::reallocate_from(local_heap* h, void* p, layout request) noexcept {
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
  const bool aligned = is_aligned(address_of(p), request.alignment);
  if (s->is_slab()) {
    // Kept while at least half is used: shrinking by less is not worth a copy.
    const std::size_t size = s->block_size;
    if (aligned && request.size <= size && (request.size >= size / 2 || size <= 64))
      return allocation::of(p, size);
    return move_block(h, p, size, request);
  }
  if (aligned && s->home->resize_large(*s, request.size)) return allocation::of(p, usable_size(p));
  if (s->kind == slab_kind::direct && request.alignment <= slice_size &&
      request.size >= direct_threshold / 2 && s->home->move_direct(*s, request.size))
    return allocation::of(s->start, usable_size(s->start));
  if (request.size > medium_limit && s->home == this) return move_large(*s, request);
  return move_block(h, p, usable_size(p), request);
}

allocation heap::reallocate(void* p, layout request) noexcept {
  return reallocate_from(local(), p, request);
}

}  // namespace ashlar
