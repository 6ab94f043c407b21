// SPDX-License-Identifier: MIT
#include "ashlar/replace/process_heap.hpp"

#include <cerrno>
#include <cstring>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/heap/heap_registry.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"
#include "ashlar/replace/options.hpp"
#include "ashlar/replace/publisher.hpp"
#include "ashlar/replace/sampled_heap.hpp"
#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

namespace {

// Blocks outlive every destructor of the program, so the heap is never destroyed.
union never_destroyed {
  constexpr never_destroyed() : value(not_started) {}
  ~never_destroyed() {}
  heap value;
};
constinit never_destroyed storage;

}  // namespace

constinit heap& process_heap = storage.value;
constinit bin_table unbound_local{
    {.tag = heap_registry::no_number << page_map::number_shift, .state = local_state::shared}};
constinit thread_local bin_set* current_local = &unbound_local;

namespace {

enum class start_state : std::uint8_t { fresh, started, failed };
constinit lock start_mutex;
constinit start_state started = start_state::fresh;
constinit bool released = false;

bool start() noexcept {
  lock_guard guard(start_mutex);
  if (load_relaxed(started) == start_state::fresh) {
    const bool ok = process_heap.initialize({.sampled = true}) == status::success;
    store_relaxed(started, ok ? start_state::started : start_state::failed);
  }
  return started == start_state::started;
}

// A power of two that is merely too large for us is no error of the caller's.
void* fail(status why, std::size_t alignment = default_alignment) noexcept {
  errno = why == status::bad_alignment && !is_power_of_two(alignment) ? EINVAL : ENOMEM;
  return nullptr;
}

void* result(allocation a, std::size_t alignment) noexcept {
  publish_now_and_then();
  return a ? a.data() : fail(a.reason(), alignment);
}

// The same of a watched thread: a table of the tracker's that finds no memory changes errno.
void* watched_result(allocation a, std::size_t alignment, int saved) noexcept {
  if (a) errno = saved;
  return result(a, alignment);
}

// Requires: `count_unsampled` said that it is of class `c`.
void* serve_unsampled(size_class c, layout request, bool zero = false) noexcept {
  return result(process_heap.allocate_as(local_behind(current_local), c, request, zero),
                request.alignment);
}

// An allocation of the usual alignment.
ASHLAR_FORCE_INLINE observe::origin simple(std::size_t size, family made_by, const caller& from) {
  return {.size = size,
          .made_by = made_by,
          .from = from,
          .alignment_shift = log2_floor(default_alignment)};
}

ASHLAR_FORCE_INLINE void* serve(layout request, bool zero) noexcept {
  const int saved = errno;
  if (is_watched()) [[unlikely]] {
    const observe::origin made = {.size = request.size, .from = observe::caller_of_this()};
    return watched_result(watched_allocate(request, zero, made), request.alignment, saved);
  }
  if (is_sampling()) [[unlikely]] {
    const observe::origin made = {.size = request.size, .from = observe::caller_of_this()};
    return watched_result(sampled_allocate(request, zero, made), request.alignment, saved);
  }
  return result(process_heap.allocate_from(bound_local(), request, zero), request.alignment);
}

}  // namespace

local_heap* bound_local() noexcept {
  // Nothing to follow, as on nearly every slow path: neither tracked, nor sampled.
  bin_set* const now = current_local;
  const observe::track_level level = observe::process_tracker().level();
  if (now->state == local_state::active && level == observe::track_level::off)
    return static_cast<local_heap*>(now);
  if (now->state == local_state::sampling && is_sampling()) return local_behind(now);
  follow_tracker();
  if (current_local != &unbound_local) return local_behind(current_local);
  if (load_relaxed(started) != start_state::started && !start()) return nullptr;
  if (is_watched()) return process_heap.local();
  local_heap* const h = process_heap.bind(&current_local, &unbound_local);
  follow_tracker();
  return h;
}

void* allocate_slow(std::size_t size) noexcept {
  if (const size_class c = count_unsampled({size}); c != class_count)
    return serve_unsampled(c, {size});
  if (is_watched()) {
    if (void* const p = watched_pop(simple(size, family::malloc, observe::caller_of_this())))
      return p;
  }
  return serve({size}, false);
}

void* allocate_aligned(std::size_t alignment, std::size_t size) noexcept {
  if (alignment < default_alignment && is_power_of_two(alignment)) alignment = default_alignment;
  if (alignment == default_alignment) {
    if (void* const p = try_allocate(size)) return p;
  }
  const layout request = {size, alignment};
  if (const size_class c = count_unsampled(request); c != class_count)
    return serve_unsampled(c, request);
  return serve(request, false);
}

void* allocate_zeroed(std::size_t size) noexcept {
  if (const size_class c = count_unsampled({size}); c != class_count)
    return serve_unsampled(c, {size}, true);
  void* const p =
      is_watched() ? watched_pop(simple(size, family::malloc, observe::caller_of_this())) : nullptr;
  return p != nullptr ? std::memset(p, 0, size) : serve({size}, true);
}

void* allocate_for(layout request, family made_by, const caller& from) noexcept {
  if (const size_class c = count_unsampled(request); c != class_count)
    return serve_unsampled(c, request);
  const int saved = errno;
  if (is_watched()) [[unlikely]] {
    if (request.alignment == default_alignment) {
      if (void* const p = watched_pop(simple(request.size, made_by, from))) return p;
    }
    const observe::origin made = {.size = request.size, .made_by = made_by, .from = from};
    return watched_result(watched_allocate(request, false, made), request.alignment, saved);
  }
  if (is_sampling()) [[unlikely]] {
    const observe::origin made = {.size = request.size, .made_by = made_by, .from = from};
    return watched_result(sampled_allocate(request, false, made), request.alignment, saved);
  }
  return result(process_heap.allocate_from(bound_local(), request, false), request.alignment);
}

namespace {

// free leaves errno alone, also where it gives pages back.
ASHLAR_FORCE_INLINE void take_back(void* p) noexcept {
  if (p == nullptr) return;
  const int saved = errno;
  slab* const s = process_page_map.header_of(p);
  if (s != nullptr && s->watched) [[unlikely]]
    watched_deallocate(*s, p);
  else if (!released || s != nullptr)  // what outlives release_everything() goes nowhere
    heap::deallocate_from(bound_local(), p);
  errno = saved;
}

void take_back_guarded(void* p, const freeing& how) noexcept {
  if (p == nullptr) return;
  const int saved = errno;
  guarded_deallocate(p, how);
  errno = saved;
}

}  // namespace

// What a free says is written down where somebody reads it only.
void deallocate_slow(void* p, family freed_by) noexcept {
  if (!load_relaxed(guarding)) [[likely]]
    return take_back(p);
  take_back_guarded(p, {.by = freed_by, .from = observe::caller_of_this()});
}

void deallocate_sized_slow(void* p, std::size_t size, family freed_by,
                           bool is_aligned_form) noexcept {
  if (!load_relaxed(guarding)) [[likely]]
    return take_back(p);
  take_back_guarded(p, {.by = freed_by,
                        .size = size,
                        .is_aligned_form = is_aligned_form,
                        .from = observe::caller_of_this()});
}

void deallocate_aligned_slow(void* p, std::size_t alignment, family freed_by) noexcept {
  if (!load_relaxed(guarding)) [[likely]]
    return take_back(p);
  take_back_guarded(p, {.by = freed_by,
                        .alignment = alignment,
                        .is_aligned_form = true,
                        .from = observe::caller_of_this()});
}

std::size_t usable_size(const void* p) noexcept {
  guarded_block b;
  if (load_relaxed(guarding) && locate(p, b)) return b.data == p ? b.facts.size : 0;
  return heap::usable_size(p);
}

void* reallocate(void* p, std::size_t size) noexcept {
  if (p == nullptr) return allocate(size);
  if (size == 0) {  // as glibc does; C23 leaves it undefined
    deallocate(p);
    return nullptr;
  }
  const int saved = errno;
  const slab* const s = process_page_map.header_of(p);
  const bool has_record = s != nullptr && s->watched;
  const bool watched = is_watched();
  if (!watched && (is_sampling() || (has_record && is_sample(p)))) [[unlikely]] {
    const observe::origin made = {.size = size, .from = observe::caller_of_this()};
    return watched_result(sampled_reallocate(p, size, made), default_alignment, saved);
  }
  if (watched || has_record) [[unlikely]] {
    const observe::origin made = {.size = size, .from = observe::caller_of_this()};
    return watched_result(watched_reallocate(p, size, made), default_alignment, saved);
  }
  return result(process_heap.reallocate_from(bound_local(), p, default_alignment, {size}),
                default_alignment);
}

os::counters release_everything() noexcept {
  current_local = &unbound_local;
  release_watched_heap();
  process_heap.destroy();
  process_metadata.release();
  process_page_map.release();
  process_heaps.stop();
  released = true;
  store_relaxed(started, start_state::fresh);  // whoever allocates from here on starts afresh
  return os::current_counters();
}

}  // namespace ashlar::replace
