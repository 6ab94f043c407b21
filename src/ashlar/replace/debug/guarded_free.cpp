// SPDX-License-Identifier: MIT
// How guarded blocks are freed and resized: the checks, the quarantine, and what comes after it.
#include <cstring>

#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/thread.hpp"
#include "ashlar/replace/debug/block_header.hpp"
#include "ashlar/replace/debug/debug_report.hpp"
#include "ashlar/replace/debug/event_log.hpp"
#include "ashlar/replace/debug/page_guard.hpp"
#include "ashlar/replace/debug/program_new.hpp"

namespace ashlar::replace {

namespace {

const char* freeing_function(family by) {
  switch (by) {
    case family::new_object: return "operator delete";
    case family::new_array: return "operator delete[]";
    default: return "free or realloc";
  }
}

// What the caller says about the block, against what is known.
void check_claims(const guarded_block& b, const freeing& how) {
  debug_report what = {.pointer = b.data, .live = b, .from = how.from, .from_words = "  freed at"};
  if (b.facts.made_by != how.by) {
    if (program_replaces_new()) return;
    os::line note;
    note.text("  made by ").text(to_string(b.facts.made_by)).text(", freed by ");
    what.note = note.text(freeing_function(how.by)).c_str();
    return report(fault_kind::family_mismatch, what);
  }
  if (how.size != freeing::not_told && how.size != b.facts.size) {
    what.detail = {b.facts.size, how.size};
    return report(fault_kind::size_mismatch, what);
  }
  // A plain `delete` says that the alignment is the usual one; `free` says nothing.
  if (how.alignment == freeing::not_told && (how.by == family::malloc || how.is_aligned_form))
    return;
  const std::size_t told = how.alignment == freeing::not_told || how.alignment < default_alignment
                               ? default_alignment
                               : how.alignment;
  if (told == b.facts.alignment()) return;
  what.detail = {b.facts.alignment(), told};
  report(fault_kind::alignment_mismatch, what);
}

bool check_guards(const guarded_block& b, const caller& from) {
  bool whole = true;
  for (const byte_range guard : {b.front_guard(), b.back_guard()}) {
    if (is_whole(guard)) continue;
    report_damage(b, guard, find_damage(guard), from);
    whole = false;
  }
  if (has_header(b) && !is_header_whole(b.data, debug_header::live_mark)) report_header(b, from);
  return whole;
}

// Whether guards and filling of a block of a slab are as they were written.
bool is_intact(const dead_block& dead, const observe::block_facts& was) {
  const std::size_t guard = guard_settings.guard;
  std::byte* const end = dead.data + was.size;
  if (front_of(was.alignment()) != 0 && !is_whole({dead.data - guard, dead.data})) return false;
  if (has_header(was.alignment()) && !is_header_whole(dead.data, debug_header::freed_mark))
    return false;
  if (find_write({dead.data, end}, guard_settings.fill, freed_byte) != nullptr) return false;
  return is_whole({end, end + guard});
}

// Gives a block that leaves the quarantine, or never was in it, back to the heap.
void drop(dead_block& dead) {
  slab* const s = process_page_map.header_of(dead.data);
  if (s == nullptr) return;
  if (guard_settings.log)
    log_event({.what = logged::released, .size = dead.was.size(), .data = dead.data});
  if (s->is_slab()) {
    const observe::block_facts was = dead.facts();
    if (!is_intact(dead, was)) (void)check_dead(dead);
    return heap::put_back(watched_local(), *s, dead.data - front_of(was.alignment()));
  }
  guarded_block b;
  if (!locate(dead.data, b)) return;
  (void)check_dead(dead);
  if (b.is_paged() && !open_page_block(*s)) return;  // lost: better than a block that faults
  unmark_slice(b.start, dead.data);
  heap::put_back(watched_local(), *s, b.start);
}

// The blocks rest for so long that they are in no cache any more.
void drop_excess(std::uint32_t processor) {
  dead_block oldest[quarantine::most_taken];
  quarantine::excess leaving;
  bool any;
  do {
    leaving = freed_blocks.find_excess(processor);
    any = false;
    while (const std::uint32_t count = freed_blocks.take(leaving, oldest)) {
      for (std::uint32_t i = 0; i < count; ++i) {
        __builtin_prefetch(oldest[i].data - 1);
        __builtin_prefetch(oldest[i].data + 63);
      }
      for (std::uint32_t i = 0; i < count; ++i) drop(oldest[i]);
      any = true;
    }
  } while (leaving.is_part && any);
}

// `described`: it has a header.
void retire(std::byte* data, const observe::block_record& was, const caller& from, bool sealed,
            bool described) {
  // First, so that these stores have gone when `put` takes a lock, which waits for all of them.
  if (!sealed) fill_block({data, data + was.size()}, guard_settings.fill, freed_byte);
  observe::tracker& tracker = observe::process_tracker();
  tracker.note_death(was.site(), {1, was.size()}, data);
  const observe::thread_tally* const tally = observe::this_thread().tally;
  const std::uint16_t thread = tally != nullptr ? tally->number : std::uint16_t{0};
  dead_block dead = {.data = data,
                     .was = was,
                     .freed_at = tracker.site_of_death(from),
                     .freed_by = thread,
                     .freed_in = 0,
                     .sealed = sealed,
                     .told = false};
  if (described) write_freed_header(dead);
  if (guard_settings.log)
    log_event({.what = logged::freed, .size = was.size(), .data = data, .site = dead.freed_at});
  const std::uint32_t processor = os::current_processor();
  bool is_over = false;
  if (!freed_blocks.put(processor, dead, is_over)) {
    freed_blocks.remember(processor, dead);
    drop(dead);
  }
  if (is_over) drop_excess(processor);
}

// Enters the death of a block, whose record was taken.
void bury(const guarded_block& b, const observe::block_record& was, const caller& from) {
  retire(b.data, was, from, b.is_paged() && seal_page_block(*b.header), has_header(b));
}

// Frees a block of a slab if all is as it should be and simple, which nearly every free is. Returns
// false, having done nothing, if it is not.
bool free_simply(slab& s, std::byte* data, const freeing& how) {
  if (!s.is_slab() || how.is_aligned_form || how.alignment != freeing::not_told ||
      guard_settings.header)
    return false;
  const std::uint32_t index = s.index_of(data);
  if (index >= s.capacity) return false;
  observe::block_record& record = s.record_at(index);
  const observe::block_facts facts = record.load();
  if (facts.site == observe::site_table::none || facts.made_by != how.by ||
      (how.size != freeing::not_told && how.size != facts.size) ||
      (how.by != family::malloc && facts.alignment() != default_alignment))
    return false;
  const std::size_t front = front_of(facts.alignment());
  const std::size_t guard = guard_settings.guard;
  std::byte* const end = data + facts.size;
  if (data != s.block_at(index) + front || !is_whole({end, end + guard}) ||
      (front != 0 && !is_whole({data - guard, data})))
    return false;
  const observe::block_record was = record.take();
  if (!was.is_live()) return false;
  retire(data, was, how.from, false, false);
  return true;
}

// Whether `p`, which points into memory of a block that is not live and that no quarantine knows,
// is what the program would have known the block by: as while another thread is freeing it.
bool is_free_block(const guarded_block& b, const void* p) {
  return b.start != nullptr && (!b.header->is_slab() || p == b.start + front_of(default_alignment));
}

// `p` is no live block: says what it is instead.
void report_stray(fault_kind if_foreign, void* p, const caller& from, const char* words) {
  const bool frees = if_foreign == fault_kind::invalid_free;
  debug_report what = {.pointer = p, .from = from, .from_words = words};
  guarded_block b;
  if (!locate(p, b) && !locate_around(p, b)) b = {};
  what.around = b.start;
  if (b.data != nullptr) {
    what.live = b;
    if (frees) what.detail = {address_of(b.data), b.facts.size};
    return report(frees ? fault_kind::interior_free : if_foreign, what);
  }
  if (freed_blocks.find(p, false, what.dead)) {
    if (frees) what.from_words = "  and freed again at";
    return report(frees ? fault_kind::double_free : if_foreign, what);
  }
  if (b.start != nullptr && freed_blocks.find(p, true, what.dead)) {
    if (frees) what.detail = {address_of(what.dead.data), what.dead.facts().size};
    return report(frees ? fault_kind::interior_free : if_foreign, what);
  }
  report(frees && is_free_block(b, p) ? fault_kind::double_free : if_foreign, what);
}

}  // namespace

bool empty_quarantine() noexcept {
  if (!load_relaxed(guarding)) return false;
  dead_block oldest[quarantine::most_taken];
  bool any = false;
  while (const std::uint32_t count = freed_blocks.take_oldest(oldest)) {
    for (std::uint32_t i = 0; i < count; ++i) drop(oldest[i]);
    any = true;
  }
  return any;
}

void guarded_deallocate(void* p, const freeing& how) noexcept {
  check_now_and_then();
  slab* const s = process_page_map.header_of(p);
  if (s != nullptr) {
    if (!s->watched) return heap::deallocate_from(bound_local(), p);
    if (free_simply(*s, static_cast<std::byte*>(p), how)) [[likely]]
      return;
  }
  guarded_block b;
  if (!locate(p, b) || b.data != p)
    return report_stray(fault_kind::invalid_free, p, how.from, "  freed at");
  // Before its bytes are looked at: whoever frees it too may seal them.
  const observe::block_record was = b.record().take();
  if (!was.is_live()) return report_stray(fault_kind::invalid_free, p, how.from, "  freed at");
  check_claims(b, how);
  (void)check_guards(b, how.from);
  bury(b, was, how.from);
}

namespace {

// Small blocks always move, so that whoever keeps the old pointer is found. Blocks of this many
// bytes, old and new, go where the heap has them go: to copy them costs more than all the rest.
constexpr std::size_t stays_from = 256_KiB;

// Resizes a large block as the heap does. Returns `unsupported`, having done nothing, for others.
allocation resize_large(const guarded_block& b, std::size_t size, const observe::origin& made) {
  const std::size_t front = front_of(default_alignment);
  if (b.facts.size < stays_from || size < stays_from || b.header->is_slab() || b.is_paged() ||
      b.facts.alignment() != default_alignment || size > max_size - 4 * most_guard)
    return allocation::failed(status::unsupported);
  observe::tracker& tracker = observe::process_tracker();
  if (!tracker.admits_resized(b.facts, size)) return allocation::failed(status::over_budget);
  const observe::block_record was = b.record().take();
  if (!was.is_live()) return allocation::failed(status::unsupported);
  const allocation a = watched_heap.reallocate_from(watched_local(), b.start, default_alignment,
                                                    {front + size + guard_settings.guard});
  if (!a) {
    b.record().store(b.facts);
    return a;
  }
  tracker.note_death(b.facts, b.data);
  std::byte* const data = static_cast<std::byte*>(a.data()) + front;
  if (front != 0) write_guard({data - guard_settings.guard, data});  // other bytes elsewhere
  write_guard({data + size, data + size + guard_settings.guard});
  if (size > b.facts.size)
    fill_block({data + b.facts.size, data + size}, guard_settings.fill, fresh_byte);
  observe::origin known = made;
  known.alignment_shift = log2_floor(default_alignment);
  observe::block_record& record = *heap::record_of(a.data());
  if (has_header(default_alignment)) clear_header(data);
  tracker.note_birth(record, data, known);
  const observe::block_facts now = record.load();
  if (has_header(default_alignment)) write_live_header(data, now);
  if (guard_settings.log) {
    log_event({.what = logged::freed, .size = b.facts.size, .data = b.data, .site = now.site});
    log_event({.what = logged::allocated, .size = size, .data = data, .site = now.site});
  }
  return allocation::of(data, size);
}

}  // namespace

allocation guarded_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept {
  check_now_and_then();
  guarded_block b;
  if (!locate(p, b) || b.data != p) {
    report_stray(fault_kind::invalid_resize, p, made.from, "  resized at");
    return allocation::failed(status::unsupported);
  }
  check_claims(b, {.by = family::malloc, .from = made.from});
  (void)check_guards(b, made.from);
  if (is_watched()) {
    const allocation a = resize_large(b, size, made);
    if (a || a.reason() != status::unsupported) return a;
  }
  const std::size_t kept = size < b.facts.size ? size : b.facts.size;
  const allocation a = is_watched()
                           ? guarded_allocate({size}, false, made, kept)
                           : process_heap.allocate_from(process_heap.local(), {size}, false);
  if (!a) return a;
  std::memcpy(a.data(), p, kept);
  const observe::block_record was = b.record().take();
  if (was.is_live()) bury(b, was, made.from);  // or it was freed meanwhile: reported there
  return a;
}

}  // namespace ashlar::replace
