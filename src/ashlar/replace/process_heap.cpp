// SPDX-License-Identifier: MIT
#include "ashlar/replace/process_heap.hpp"

#include <cerrno>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/heap/heap_registry.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/replace/options.hpp"
#include "ashlar/replace/publisher.hpp"

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
constinit local_heap unbound_local{.tag = heap_registry::no_number << page_map::number_shift,
                                   .state = local_state::shared};
constinit thread_local local_heap* current_local = &unbound_local;

namespace {

enum class start_state : std::uint8_t { fresh, started, failed };
constinit lock start_mutex;
constinit start_state started = start_state::fresh;
constinit bool released = false;

bool start() noexcept {
  lock_guard guard(start_mutex);
  if (load_relaxed(started) == start_state::fresh) {
    const bool ok = process_heap.initialize({}) == status::success;
    store_relaxed(started, ok ? start_state::started : start_state::failed);
  }
  return started == start_state::started;
}

// A power of two that is merely too large for us is no error of the caller's.
void* fail(status why, std::size_t alignment = default_alignment) noexcept {
  errno = why == status::bad_alignment && !is_power_of_two(alignment) ? EINVAL : ENOMEM;
  return nullptr;
}

void* serve(layout request, bool zero) noexcept {
  local_heap* const h = bound_local();
  const allocation a = process_heap.allocate_from(h, request, zero);
  publish_now_and_then();
  return a ? a.data() : fail(a.reason(), request.alignment);
}

}  // namespace

local_heap* bound_local() noexcept {
  local_heap* const h = current_local;
  if (h != &unbound_local) return h;
  if (load_relaxed(started) != start_state::started && !start()) return nullptr;
  return process_heap.bind(&current_local, &unbound_local);
}

void* allocate_slow(std::size_t size) noexcept { return serve({size}, false); }

void* allocate_aligned(std::size_t alignment, std::size_t size) noexcept {
  if (alignment <= default_alignment && is_power_of_two(alignment)) return allocate(size);
  return serve({size, alignment}, false);
}

void* allocate_zeroed(std::size_t size) noexcept { return serve({size}, true); }

void deallocate_slow(void* p) noexcept {
  if (p == nullptr) return;
  const int saved = errno;  // free leaves errno alone, also where it gives pages back
  // What outlives release_everything() has nobody to go back to.
  if (!released || process_page_map.header_of(p) != nullptr)
    heap::deallocate_from(bound_local(), p);
  errno = saved;
}

void* reallocate(void* p, std::size_t size) noexcept {
  if (p == nullptr) return allocate(size);
  if (size == 0) {  // as glibc does; C23 leaves it undefined
    deallocate(p);
    return nullptr;
  }
  const allocation a = process_heap.reallocate_from(bound_local(), p, default_alignment, {size});
  publish_now_and_then();
  return a ? a.data() : fail(a.reason());
}

os::counters release_everything() noexcept {
  current_local = &unbound_local;
  process_heap.destroy();
  process_metadata.release();
  process_page_map.release();
  process_heaps.stop();
  released = true;
  store_relaxed(started, start_state::fresh);  // whoever allocates from here on starts afresh
  return os::current_counters();
}

}  // namespace ashlar::replace
