// SPDX-License-Identifier: MIT
// How guarded blocks come into being, and where they lie.
#include "ashlar/replace/debug/guarded_heap.hpp"

#include "ashlar/os/fork.hpp"
#include "ashlar/replace/debug/block_header.hpp"
#include "ashlar/replace/debug/debug_report.hpp"
#include "ashlar/replace/debug/event_log.hpp"
#include "ashlar/replace/debug/page_guard.hpp"

namespace ashlar::replace {

constinit bool guarding = false;
constinit debug_settings guard_settings;
constinit quarantine freed_blocks;

namespace {

// Where a block's parts lie, as offsets into the heap's block.
struct shape {
  std::size_t data;
  std::size_t front;  // bytes of the guard in front of `data`
  std::size_t back;   // and behind it
  std::size_t total;
};

shape plain_shape(std::size_t size, std::size_t alignment) {
  const std::size_t guard = guard_settings.guard;
  const std::size_t front = front_of(alignment);
  // A byte at least, lest an empty block without a guard behind it begins where the next one does.
  return {front, front != 0 ? guard : 0, guard, front + at_least_one(size) + guard};
}

shape shape_of(std::size_t size, std::size_t alignment, bool in_slab) {
  if (guard_settings.protect == page_protection::off || in_slab)
    return plain_shape(size, alignment);
  const page_shape s = pages_of(size, alignment, guard_settings.protect);
  return {s.data, s.data - s.open_begin, s.open_end - s.data - size, s.total};
}

// Gets a block with room for the guards; its pages are protected if they are to be.
allocation take_block(layout request, bool zero, shape& where) {
  where = plain_shape(request.size, request.alignment);
  if (guard_settings.protect != page_protection::off) {
    // Where the system has no room for more protected blocks, guards must do; what is too large or
    // too aligned for slabs lies on pages of its own anyway.
    const bool has_class = where.total <= medium_limit && request.alignment <= default_alignment;
    const allocation a =
        take_page_block(pages_of(request.size, request.alignment, guard_settings.protect), request,
                        zero, has_class);
    if (a || a.reason() != status::unsupported) {
      where = shape_of(request.size, request.alignment, false);
      return a;
    }
  }
  return watched_heap.allocate_from(watched_heap.local(), {where.total, request.alignment}, zero);
}

void before_fork() {
  old_blocks_lock().acquire_for_fork();
  report_lock().acquire_for_fork();
  freed_blocks.for_each_lock([](lock& each) { each.acquire_for_fork(); });
}
void after_fork_in_parent() {
  freed_blocks.for_each_lock([](lock& each) { each.release_after_fork(); });
  report_lock().release_after_fork();
  old_blocks_lock().release_after_fork();
}
void after_fork_in_child() {
  freed_blocks.for_each_lock([](lock& each) { each.reset_after_fork(); });
  report_lock().reset_after_fork();
  old_blocks_lock().reset_after_fork();
}

}  // namespace

void begin_guarding(const debug_settings& wanted) noexcept {
  guard_settings = wanted;
  if (guard_settings.guard > most_guard) guard_settings.guard = most_guard;
  debug_settings& s = guard_settings;
  s.guard = align_up(s.guard, default_alignment);
  s.front = s.guard + (s.header ? sizeof(debug_header) : 0);
  s.is_plain = s.protect == page_protection::off && s.check_every == 0 && !s.header && !s.log;
  freed_blocks.limit_to(s.quarantine, s.front + s.guard + sizeof(dead_block));
  if (s.most_frames != 0) observe::process_tracker().on_frame = report_old_blocks;
  (void)os::on_fork(before_fork, after_fork_in_parent, after_fork_in_child);
  store_relaxed(guarding, true);
}

void end_guarding() noexcept {
  store_relaxed(guarding, false);
  freed_blocks.release();
}

byte_range guarded_block::front_guard() const noexcept {
  const shape s = shape_of(facts.size, facts.alignment(), header->is_slab());
  return {data - s.front, data};
}

byte_range guarded_block::back_guard() const noexcept {
  const shape s = shape_of(facts.size, facts.alignment(), header->is_slab());
  return {data + facts.size, data + facts.size + s.back};
}

bool locate(const void* p, guarded_block& found) noexcept {
  slab* const s = process_page_map.header_of(p);
  if (s == nullptr || !s->watched) return false;
  found = {.header = s};
  found.start = s->start;
  if (s->is_slab()) {
    if (!s->contains(p)) return false;
    found.index = s->index_of(p);
    if (found.index >= s->capacity) return false;
    found.start = s->block_at(found.index);
  }
  found.facts = found.record().load();
  if (found.facts.site != observe::site_table::none)
    found.data = found.start +
                 shape_of(found.facts.size, found.facts.alignment(), found.header->is_slab()).data;
  return true;
}

// Large blocks are known by their first slice alone.
bool locate_around(const void* p, guarded_block& found) noexcept {
  constexpr std::size_t farthest = 1_GiB;
  for (std::size_t back = 0; back <= farthest && back <= address_of(p); back += slice_size) {
    const std::byte* const at = at_address(address_of(p) - back);
    const slab* const s = process_page_map.header_of(at);
    if (s == nullptr) continue;
    if (!s->watched || !locate(s->is_slab() ? p : s->start, found)) return false;
    const std::size_t size =
        s->kind == slab_kind::direct ? s->reserved_size : std::size_t{s->slices} * slice_size;
    return static_cast<std::size_t>(static_cast<const std::byte*>(p) - s->start) < size;
  }
  return false;
}

void* guarded_pop(local_heap& h, const observe::origin& made) noexcept {
  const debug_settings& settings = guard_settings;
  const std::size_t front = front_of(default_alignment);
  const std::size_t total = front + made.size + settings.guard;
  if (total > small_limit || !settings.is_plain) return nullptr;
  auto* const start = static_cast<std::byte*>(pop_block(h, bin_offset_of(class_of(total))));
  if (start == nullptr) return nullptr;
  std::byte* const data = start + front;
  if (front != 0) write_guard({data - settings.guard, data});
  write_guard({data + made.size, data + made.size + settings.guard});
  fill_block({data, data + made.size}, settings.fill, fresh_byte);
  slab& s = *process_page_map.header_of(start);
  observe::process_tracker().note_birth(s.record_at(s.index_of(start)), data, made);
  return data;
}

namespace {

// Lets the page map lead from the program's bytes to the block, where these begin in another slice.
// Errors: false if there is no memory.
bool mark_slice(const std::byte* start, const std::byte* data) noexcept {
  if (static_cast<std::size_t>(data - start) < slice_size) return true;
  if (!process_page_map.prepare(data, 1).ok()) return false;
  process_page_map.set_header(data, process_page_map.header_of(start));
  return true;
}

// Takes back a block that nobody has got.
void give_back_unused(std::byte* start) noexcept {
  slab* const s = process_page_map.header_of(start);
  const bool paged = guard_settings.protect != page_protection::off && !s->is_slab();
  if (paged && !open_page_block(*s)) return;  // lost: better than a block that faults
  heap::deallocate_from(watched_heap.local(), start);
}

}  // namespace

void unmark_slice(const std::byte* start, const std::byte* data) noexcept {
  if (static_cast<std::size_t>(data - start) >= slice_size)
    process_page_map.set_header(data, nullptr);
}

namespace {

allocation place_block(layout request, bool zero, const observe::origin& made,
                       std::size_t kept) noexcept {
  observe::tracker& tracker = observe::process_tracker();
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  if (request.size > max_size - 4 * most_guard - request.alignment)
    return allocation::failed(status::too_large);
  if (request.alignment < default_alignment) request.alignment = default_alignment;
  if (!tracker.admits(made.size)) return allocation::failed(status::over_budget);
  shape where = {};
  const allocation a = take_block(request, zero, where);
  if (!a) return a;
  std::byte* const data = static_cast<std::byte*>(a.data()) + where.data;
  if (!mark_slice(static_cast<std::byte*>(a.data()), data)) [[unlikely]] {
    give_back_unused(static_cast<std::byte*>(a.data()));
    return allocation::failed(status::no_memory);
  }
  write_guard({data - where.front, data});
  write_guard({data + request.size, data + request.size + where.back});
  if (!zero) fill_block({data + kept, data + request.size}, guard_settings.fill, fresh_byte);
  guarded_block b;
  (void)locate(a.data(), b);
  if (has_header(request.alignment) && !b.is_paged()) clear_header(data);
  observe::origin known = made;
  known.alignment_shift = static_cast<std::uint8_t>(log2_floor(request.alignment));
  tracker.note_birth(b.record(), data, known);
  b.facts = b.record().load();
  if (has_header(b)) write_live_header(data, b.facts);
  if (guard_settings.log)
    log_event({logged::allocated, request.size, request.alignment, data, b.facts.site});
  return allocation::of(data, request.size);
}

}  // namespace

allocation guarded_allocate(layout request, bool zero, const observe::origin& made,
                            std::size_t kept) noexcept {
  check_now_and_then();
  const allocation a = place_block(request, zero, made, kept);
  if (!a && guard_settings.log) {
    observe::tracker& tracker = observe::process_tracker();
    log_event({logged::refused, request.size, request.alignment, nullptr,
               tracker.site_of(made, observe::this_thread().tag), to_string(a.reason())});
  }
  return a;
}

}  // namespace ashlar::replace
