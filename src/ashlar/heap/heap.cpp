// SPDX-License-Identifier: MIT
// Life of a heap, its slabs, its limits, and the entry points for small and medium blocks.
#include "ashlar/heap/heap.hpp"

#include <cstring>

#include "ashlar/base/poison.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/heap/fast_path.hpp"
#include "ashlar/heap/heap_registry.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/manager/memory_system.hpp"
#include "ashlar/manager/source/told_pool.hpp"

namespace ashlar {

namespace {

constinit thread_local bool thread_is_reclaiming = false;

}  // namespace

status heap::initialize(const heap_options& options) noexcept {
  destroy();
  if (!process_heaps.start()) return status::no_memory;
  limits_ = options.limits;
  cache_line_aligned_ = options.cache_line_aligned;
  watched_ = options.watched;
  tells_ = !watched_ && !options.sampled && poison::is_watched();
  open(options.os != nullptr ? *options.os : system_os());
  join_registry(options.name);
  return status::success;
}

void heap::destroy() noexcept {
  leave_registry();
  inner_blocks_ended();
  if (ready_) close();
}

void heap::free_all() noexcept {
  if (!ready_) return;
  inner_blocks_ended();
  close();
  open(store_.os());
}

void heap::open(os_manager& os) noexcept {
  set_upstream(&os);
  store_.initialize(os, this, tells_);
  if (tells_) open_told_pool(this, &os);
  soft_reported_ = false;
  peak_direct_ = 0;
  route_tag_ = process_heaps.take_number() << page_map::number_shift;
  ready_ = true;
  process_heaps.add(*this);
}

void heap::close() noexcept {
  process_heaps.remove(*this);
  abandon_locals();
  while (direct_ != nullptr) deallocate_large(*direct_);
  {
    lock_guard guard(store_.mutex());
    store_.for_each_span([](const slice_record& first, std::byte* start) {
      if (first.free) return;
      slab* const s = process_page_map.header_of(start);
      if (s == nullptr) return;
      for (std::uint32_t i = 0; i < first.length; ++i) {
        process_page_map.set_route(start + i * slice_size, {});
        process_page_map.set_header(start + i * slice_size, nullptr);
      }
      process_metadata.deallocate(s, s->bytes());
    });
  }
  if (tells_) poison::close_pool(this);
  store_.release();
  process_heaps.give_number(route_tag_ >> page_map::number_shift);
  ready_ = false;
}

// --- slabs ---

slab* heap::allocate_slab(size_class c, bool populate) noexcept {
  const size_class_info& info = size_classes[c];
  const claim room(*this, info.slices * slice_size);
  if (!room) return nullptr;
  const span memory = store_.allocate(info.slices);
  if (memory.data == nullptr) return nullptr;
  auto* const s = static_cast<slab*>(
      process_metadata.allocate(slab::bytes_for(info.capacity, watched_, tells_)));
  if (s == nullptr) {
    store_.deallocate(memory);
    return nullptr;
  }
  if (tells_) [[unlikely]] {
    poison::hide(memory.data, info.slices * slice_size);
  } else if (populate && memory.zeroed) {
    const std::size_t size = std::size_t{info.capacity} * info.block_size;
    (void)store_.os().populate({memory.data, align_up(size, os::page_size())});
  }
  s->home = this;
  s->start = memory.data;
  s->record = memory.record;
  s->block_size = info.block_size;
  s->magic = info.magic;
  s->capacity = info.capacity;
  s->records_begin = static_cast<std::uint8_t>(slab::words_for(info.capacity));
  s->slices = info.slices;
  s->class_index = static_cast<std::uint8_t>(c);
  s->watched = watched_;
  s->told = tells_;
  s->kind = info.slices == 1 ? slab_kind::small : slab_kind::medium;
  s->fill();
  return s;
}

void heap::publish_slab(slab& s) noexcept {
  for (std::uint32_t i = 0; i < s.slices; ++i)
    process_page_map.set_header(s.start + i * slice_size, &s);
  if (s.kind == slab_kind::small && !s.watched &&
      route_tag_ >> page_map::number_shift != heap_registry::no_number)
    process_page_map.set_route(
        s.start, {route_tag_ | static_cast<std::uint32_t>(bin_offset_of(s.class_index)), s.magic});
}

void heap::deallocate_slab(slab& s) noexcept {
  process_page_map.set_route(s.start, {});
  for (std::uint32_t i = 0; i < s.slices; ++i)
    process_page_map.set_header(s.start + i * slice_size, nullptr);
  store_.deallocate({s.start, s.record, s.slices});
  process_metadata.deallocate(&s, s.bytes());
}

// --- limits ---

bool heap::has_room_for(std::size_t bytes) noexcept {
  return limits_.hard == heap_limits::none || counted_bytes() + bytes <= limits_.hard;
}

heap::claim::claim(heap& h, std::size_t bytes) noexcept
    : heap_(h), bytes_(h.limits_.hard == heap_limits::none ? 0 : bytes) {
  if (bytes_ == 0) return;
  // Claims first, then what is in use: bytes that pass from the one to the other in between count
  // twice rather than not at all. acquire and release: whoever finds a claim gone finds it in use.
  // seq_cst: of two heaps that count together one at least sees the other's claim.
  std::size_t claimed = h.claimed_.fetch_add(bytes_, std::memory_order_seq_cst) + bytes_;
  if (const heap* const other = load_relaxed(h.beside_); other != nullptr)
    claimed += other->claimed_.load(std::memory_order_seq_cst);
  granted_ = h.counted_bytes() + claimed <= h.limits_.hard;
}

heap::claim::~claim() {
  if (bytes_ != 0) heap_.claimed_.fetch_sub(bytes_, std::memory_order_release);
}

// Called before memory is taken, with no lock held. Reports the soft limit once a crossing.
bool heap::charge(std::size_t bytes) noexcept {
  if (limits_.soft == heap_limits::none && limits_.hard == heap_limits::none) [[likely]]
    return true;
  const std::size_t used = counted_bytes() + bytes;
  if (used > limits_.soft) {
    if (!load_relaxed(soft_reported_) && limits_.above_soft != nullptr) {
      store_relaxed(soft_reported_, true);
      limits_.above_soft(limits_.context, used);
    }
  } else if (load_relaxed(soft_reported_)) {
    store_relaxed(soft_reported_, false);
  }
  return has_room_for(bytes);
}

// Tries everything that may free memory or address space. No lock is held. Returns whether a retry
// makes sense. What a callback allocates meanwhile fails at once if there is no memory, or it would
// call itself for ever.
bool heap::reclaim(std::size_t wanted) noexcept {
  if (thread_is_reclaiming) return false;
  thread_is_reclaiming = true;
  const std::size_t used = used_bytes();
  bool any = trim() != 0;
  if (heap* const other = load_relaxed(beside_); other != nullptr) any |= other->trim() != 0;
  any |= used_bytes() < used;
  any |= store_.release_empty_regions();
  any |= system().reclaim(wanted);
  if (!has_room_for(wanted) && limits_.at_hard != nullptr)
    any |= limits_.at_hard(limits_.context, counted_bytes(), wanted);
  thread_is_reclaiming = false;
  return any;
}

// --- entry points ---

size_class heap::class_for(layout request) const noexcept {
  std::size_t alignment = request.alignment;
  if (cache_line_aligned_ && alignment < 64) alignment = 64;
  if (alignment <= default_alignment)
    return request.size <= medium_limit ? class_of(request.size) : class_count;
  return alignment <= slice_size ? aligned_class_of(request.size, alignment) : class_count;
}

allocation heap::allocate_from(local_heap* h, layout request, bool zero) noexcept {
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  if (request.size > max_size) return allocation::failed(status::too_large);
  return allocate_as(h, class_for(request), request, zero);
}

allocation heap::allocate_as(local_heap* h, size_class c, layout request, bool zero) noexcept {
  if (c == class_count)
    return tells_ ? allocate_told(request, zero) : allocate_large(request, zero ? request.size : 0);
  void* const p = h != nullptr ? pop_block(*h, bin_offset_of(c)) : nullptr;
  if (p == nullptr && tells_) [[unlikely]]
    return allocate_told(request, zero);
  const allocation a =
      p != nullptr ? allocation::of(p, size_classes[c].block_size) : refill(h, c, request.size);
  if (zero && a) std::memset(a.data(), 0, request.size);
  return a;
}

namespace {

// The largest class of blocks that may stand in for one of `c`: four times as large.
size_class last_within_reach(size_class c) {
  const size_class end = c < small_class_count ? small_class_count : class_count;
  size_class last = c;
  while (last + 1 < end && size_classes[last + 1].block_size <= 4 * size_classes[c].block_size)
    ++last;
  return last;
}

}  // namespace

// A refill that fails may succeed after reclaiming. Three tries: reclaimers may free in steps, and
// into the bin. What other threads' slabs have left, and larger blocks, are better than nothing;
// but not so large ones that a few small requests use up what large ones need.
allocation heap::refill(local_heap* h, size_class c, std::size_t requested) noexcept {
  const std::size_t bytes = size_classes[c].slices * slice_size;
  for (int attempt = 0;; ++attempt) {
    void* p = h != nullptr && attempt != 0 ? pop_block(*h, bin_offset_of(c)) : nullptr;
    const bool allowed = p != nullptr || charge(bytes);
    if (p == nullptr) p = h != nullptr ? h->refill(c, requested) : allocate_unbound(c);
    if (p == nullptr) p = take_left_over(c, c);
    if (p != nullptr) return allocation::of(p, size_classes[c].block_size);
    if (attempt < 3 && reclaim(bytes)) continue;
    p = take_left_over(c, last_within_reach(c));
    if (p != nullptr) return allocation::of(p, usable_size(p));
    const bool admitted = allowed && tag_admits(bytes);
    return allocation::failed(admitted ? status::no_memory : status::over_budget);
  }
}

namespace {

allocation as_asked(allocation a, std::size_t size, fit wanted) {
  return wanted == fit::get_exact && a ? allocation::of(a.data(), size) : a;
}

}  // namespace

allocation heap::allocate(layout request, fit wanted) noexcept {
  return as_asked(allocate_from(local(), request, false), request.size, wanted);
}

allocation heap::allocate_zeroed(layout request, fit wanted) noexcept {
  const allocation a = allocate_from(local(), request, true);
  if (wanted == fit::get_no_less && a.size() > request.size)
    std::memset(static_cast<std::byte*>(a.data()) + request.size, 0, a.size() - request.size);
  return as_asked(a, request.size, wanted);
}

allocation heap::reallocate(block b, std::size_t alignment, const resize& change) noexcept {
  return as_asked(reallocate_from(local(), b.data, alignment, change), change.size, change.wanted);
}

void heap::deallocate(void* p) noexcept {
  local_heap* const h = local();
  if (h == nullptr || !push_block(*h, p)) deallocate_from(h, p);
}

void heap::deallocate_from(local_heap* h, void* p) noexcept {
  if (p == nullptr) return;
  const block_place at = place_of(p);
  if (at.header == nullptr) [[unlikely]] {
    const bool is_ours = process_page_map.header_of(p) != nullptr;
    return report_fault(is_ours ? fault_kind::interior_free : fault_kind::invalid_free, p);
  }
  put_back(h, *at.header, p);
}

std::size_t heap::usable_size(const void* p) noexcept {
  const slab* const s = process_page_map.header_of(p);
  if (s == nullptr) return 0;
  if (s->told && (s->is_slab() || p == s->start)) [[unlikely]]
    return s->asked_for(p);
  return s->is_slab() || p == s->start ? usable_bytes_of(*s) : 0;
}

std::size_t heap::usable_bytes_of(const slab& s) noexcept {
  // Its owner may be resizing it while a walk asks.
  return s.is_slab() ? s.block_size : usable_bytes_of_large(load_relaxed(s.requested));
}

std::size_t heap::usable_bytes_of_large(std::size_t size) noexcept {
  const bool is_of_a_class = size > small_limit && size <= medium_limit;
  return is_of_a_class ? size : align_up(size, os::page_size());
}

std::size_t heap::good_size(std::size_t size) noexcept {
  if (size <= medium_limit) return size_classes[class_of(size)].block_size;
  return size <= max_size ? usable_bytes_of_large(size) : size;
}

heap* heap::owner_of(const void* p) noexcept {
  const slab* const s = process_page_map.header_of(p);
  return s == nullptr ? nullptr : s->home;
}

manager_usage heap::usage() const noexcept {
  const std::size_t direct = load_relaxed(direct_bytes_);
  return {.used = store_.used_bytes() + direct,
          .held = store_.held_bytes() + direct,
          .limit = limits_.hard};
}

std::size_t heap::trim(std::size_t keep) noexcept {
  if (local_heap* const h = bound_to_this_thread()) h->flush_all();
  {
    lock_guard guard(mutex_);
    for (local_heap* h = idle_; h != nullptr; h = h->next_idle) h->flush_all();
    for (local_heap* h = locals_; h != nullptr; h = h->next_in_heap) h->release_empty_slabs();
  }
  return store_.purge(keep);
}

}  // namespace ashlar
