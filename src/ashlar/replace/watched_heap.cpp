// SPDX-License-Identifier: MIT
#include "ashlar/replace/watched_heap.hpp"

#include "ashlar/hardening/fault.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"
#include "ashlar/replace/sampled_heap.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::replace {

namespace {

union never_destroyed {
  constexpr never_destroyed() : value(not_started) {}
  ~never_destroyed() {}
  heap value;
};
constinit never_destroyed storage;

constinit lock start_mutex;
constinit bool started = false;

bool start() noexcept {
  if (load_relaxed(started)) return true;
  lock_guard guard(start_mutex);
  if (started) return true;
  if (watched_heap.initialize({.limits = process_heap.limits(), .watched = true}) !=
      status::success)
    return false;
  watched_heap.count_with(&process_heap);
  process_heap.count_with(&watched_heap);
  (void)os::on_fork(nullptr, nullptr, draw_other_points);
  store_relaxed(started, true);
  return true;
}

// The local heap of the watched heap that this thread is bound to.
constinit thread_local bin_set* current_watched = nullptr;

ASHLAR_FORCE_INLINE local_heap* current_watched_local() noexcept {
  return static_cast<local_heap*>(current_watched);
}

}  // namespace

constinit heap& watched_heap = storage.value;

local_heap* watched_local() noexcept {
  local_heap* const h = current_watched_local();
  return h != nullptr ? h : watched_heap.bind(&current_watched, nullptr);
}

bool start_tracking(const observe::track_settings& settings) noexcept {
  observe::tracker& tracker = observe::process_tracker();
  // Guarded blocks and others have different beginnings: there is no going back from `debug`.
  if (settings.level == observe::track_level::sampled && load_relaxed(guarding)) return false;
  if (settings.level != observe::track_level::off && !start()) return false;
  tracker.walk = walk_watched;
  tracker.on_tag_change = [](observe::thread_state&) { follow_tracker(); };
  if (!tracker.set(settings)) return false;
  follow_tracker();
  return true;
}

// In the order in which a fork takes them: the heap that began last first.
watched_blocks_lock::watched_blocks_lock() noexcept {
  watched_heap.lock_all();
  process_heap.lock_headers();
}

watched_blocks_lock::~watched_blocks_lock() {
  process_heap.unlock_headers();
  watched_heap.unlock_all();
}

void watched_blocks_lock::walk(record_visitor visitor) noexcept {
  watched_heap.walk_records(visitor);
  process_heap.walk_records(visitor);
}

void walk_watched(void* context, void (*visit)(void* context, const void* data,
                                               const observe::block_facts& facts)) noexcept {
  struct visitor {
    void* context;
    void (*visit)(void*, const void*, const observe::block_facts&);
  } to = {context, visit};
  if (!load_relaxed(started)) return;
  watched_blocks_lock().walk(
      {&to, [](void* c, const walked_record& found) {
         const visitor& to_call = *static_cast<visitor*>(c);
         const observe::block_facts facts = found.record.load();
         if (facts.site == observe::site_table::none) return;  // it was freed meanwhile
         to_call.visit(to_call.context, watched_data(static_cast<std::byte*>(found.data), facts),
                       facts);
       }});
}

std::byte* watched_data(std::byte* start, const observe::block_facts& facts) noexcept {
  guarded_block b;
  if (!load_relaxed(guarding) || facts.site == observe::site_table::none || !locate(start, b))
    return start;
  return b.data != nullptr ? b.data : start;
}

void release_watched_heap() noexcept {
  end_guarding();
  observe::process_tracker().release();
  current_watched = nullptr;
  process_heap.count_with(nullptr);
  watched_heap.destroy();
  store_relaxed(started, false);
}

namespace {

// The bins that the calling thread is to allocate from, given its local heap.
bin_set* bins_wanted(local_heap& own) noexcept {
  return observe::process_tracker().samples_this_thread() ? &own.sampled : &own;
}

void stop_counting() noexcept {
  if (current_local->state == local_state::sampling) counting(*current_local).forget_points();
}

void unbind() noexcept {
  stop_counting();
  local_heap* const h = local_behind(current_local);
  h->binding = nullptr;
  current_local = &unbound_local;
}

}  // namespace

void follow_tracker() noexcept {
  const bool bound = current_local != &unbound_local;
  if (is_watched()) {
    if (bound) unbind();
    return;
  }
  local_heap* const own = bound ? local_behind(current_local) : process_heap.bound_to_this_thread();
  if (own == nullptr) return;
  bin_set* const wanted = bins_wanted(*own);
  if (wanted == current_local) return;
  const observe::track_settings& settings = observe::process_tracker().settings();
  if (wanted == own)
    stop_counting();
  else
    own->start_sampling(load_relaxed(settings.sample_bytes), load_relaxed(settings.sample_up_to));
  own->binding = &current_local;
  own->unbound = &unbound_local;
  current_local = wanted;
}

allocation watched_allocate(layout request, bool zero, const observe::origin& made) noexcept {
  if (load_relaxed(guarding)) return guarded_allocate(request, zero, made);
  observe::tracker& tracker = observe::process_tracker();
  if (!tracker.admits(made.size)) return allocation::failed(status::over_budget);
  if (current_local != &unbound_local) follow_tracker();
  const allocation a = watched_heap.allocate_from(watched_local(), request, zero);
  if (a) tracker.note_birth(*heap::record_of(a.data()), a.data(), made);
  return a;
}

void* watched_pop(const observe::origin& made) noexcept {
  local_heap* const h = current_watched_local();
  if (h == nullptr || made.size > small_limit) return nullptr;
  observe::tracker& tracker = observe::process_tracker();
  if (current_local != &unbound_local || !tracker.is_unbounded()) return nullptr;
  if (load_relaxed(guarding)) return guarded_pop(*h, made);
  void* const p = pop_block(*h, bin_offset_of(class_of(made.size)));
  if (p == nullptr) return nullptr;
  slab& s = *process_page_map.header_of(p);
  tracker.note_birth(s.record_at(s.index_of(p)), p, made);
  return p;
}

namespace {

// A function of its own, lest the usual death keep registers for it.
ASHLAR_COLD void note_sampled_death(observe::block_record& record, const void* p) noexcept {
  const observe::block_facts facts = record.load();
  record.clear();
  observe::process_tracker().note_death(facts, p, heap::usable_size(p));
}

}  // namespace

void watched_deallocate(slab& s, void* p) noexcept {
  const block_place at = heap::place_in(s, p);
  if (at.header == nullptr) return report_fault(fault_kind::interior_free, p);
  observe::block_record& record = s.record_at(at.index);
  const observe::site_id site = record.site();
  if (site == observe::site_table::none) return report_fault(fault_kind::double_free, p);
  if (record.is_sampled()) [[unlikely]] {
    note_sampled_death(record, p);
  } else {
    const std::size_t size = record.size();
    record.clear();
    observe::process_tracker().note_death(site, {1, size}, p);
  }
  heap::put_back(watched_local(), s, p);
}

allocation watched_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept {
  observe::tracker& tracker = observe::process_tracker();
  if (load_relaxed(guarding)) {
    const slab* const s = process_page_map.header_of(p);
    if (s == nullptr || s->watched) return guarded_reallocate(p, size, made);
    return process_heap.reallocate_from(process_heap.local(), p, default_alignment, {size});
  }
  observe::block_record* const record = heap::record_of(p);
  const observe::block_facts facts = record != nullptr ? record->load() : observe::block_facts{};
  if (record != nullptr && facts.site == observe::site_table::none) {  // it was freed
    report_fault(fault_kind::invalid_resize, p);
    return allocation::failed(status::unsupported);
  }
  if (!tracker.admits_resized(facts, size)) return allocation::failed(status::over_budget);
  const std::size_t covered = heap::usable_size(p);
  // Empty while the heap works: the block may move, and its place be used again at once.
  if (record != nullptr) record->clear();
  const bool watched = is_watched();
  heap& target = watched ? watched_heap : process_heap;
  local_heap* const h = watched ? watched_local() : process_heap.local();
  const allocation a = target.reallocate_from(h, p, default_alignment, {size});
  if (!a) {
    if (record != nullptr) record->store(facts);
    return a;
  }
  if (facts.site != observe::site_table::none) tracker.note_death(facts, p, covered);
  if (observe::block_record* const now = heap::record_of(a.data()); now != nullptr)
    tracker.note_birth(*now, a.data(), made);
  return a;
}

}  // namespace ashlar::replace
