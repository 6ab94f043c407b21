// SPDX-License-Identifier: MIT
// How guarded blocks are freed and resized: the checks, the quarantine, and what comes after it.
#include <cstring>

#include "ashlar/os/diagnostic.hpp"
#include "ashlar/replace/debug/debug_report.hpp"
#include "ashlar/replace/debug/page_guard.hpp"

namespace ashlar::replace {

namespace {

bool is_paged(const guarded_block& b) {
  return current_debug_settings().protect != page_protection::off && !b.header->is_slab();
}

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
    std::byte* const damage = find_damage(guard);
    if (damage == nullptr) continue;
    report_damage(b, guard, damage, from);
    whole = false;
  }
  return whole;
}

// Gives a block that leaves the quarantine, or never was in it, back to the heap.
void drop(dead_block& dead) {
  guarded_block b;
  if (!locate(dead.data, b)) return;
  (void)check_dead(dead);
  if (is_paged(b) && !open_page_block(*b.header)) return;  // lost: better than a block that faults
  heap::deallocate_from(watched_heap.local(), b.start);
}

void retire(const guarded_block& b, const caller& from) {
  const debug_settings& settings = current_debug_settings();
  const observe::thread_state& thread = observe::this_thread();
  dead_block dead = {
      .data = b.data,
      .facts = b.facts,
      .cost = b.facts.size + 2 * settings.guard + sizeof(dead_block),
      .freed_at = observe::process_tracker().site_of({.from = from, .is_end = true}, 0),
      .freed_by = thread.tally != nullptr ? thread.tally->number : std::uint16_t{0},
      .sealed = is_paged(b) && seal_page_block(*b.header),
      .told = false};
  if (is_paged(b)) dead.cost += os::page_size();
  if (!dead.sealed && settings.fill) fill_block(b.bytes(), freed_byte);
  const bool fits = settings.quarantine == 0 || dead.cost <= settings.quarantine;
  if (!fits || !freed_blocks.put(dead)) drop(dead);
  for (dead_block oldest; freed_blocks.take_excess(settings.quarantine, oldest);) drop(oldest);
}

// `p` is no live block: says what it is instead.
void report_stray(fault_kind if_foreign, void* p, const caller& from, const char* words) {
  const bool frees = if_foreign == fault_kind::invalid_free;
  debug_report what = {.pointer = p, .from = from, .from_words = words};
  guarded_block b;
  if (!locate(p, b) && !locate_around(p, b)) return report(if_foreign, what);
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
  if (freed_blocks.find(p, true, what.dead)) {
    if (frees) what.detail = {address_of(what.dead.data), what.dead.facts.size};
    return report(frees ? fault_kind::interior_free : if_foreign, what);
  }
  report(if_foreign, what);
}

}  // namespace

bool check_dead(dead_block& dead) noexcept {
  guarded_block b;
  if (dead.sealed || dead.told || !locate(dead.data, b)) return false;
  b.data = dead.data;
  b.facts = dead.facts;
  debug_report what = {.pointer = dead.data, .dead = dead};
  if (current_debug_settings().fill) {
    what.area = b.bytes();
    what.damage = find_write(what.area, freed_byte);
  }
  for (const byte_range guard : {b.front_guard(), b.back_guard()}) {
    if (what.damage != nullptr) break;
    what.area = guard;
    what.damage = find_damage(guard);
  }
  if (what.damage == nullptr) return false;
  dead.told = true;
  report(fault_kind::write_after_free, what);
  return true;
}

void guarded_deallocate(void* p, const freeing& how) noexcept {
  check_now_and_then();
  const slab* const s = process_page_map.header_of(p);
  if (s != nullptr && !s->watched) return heap::deallocate_from(bound_local(), p);
  guarded_block b;
  if (!locate(p, b) || b.data != p)
    return report_stray(fault_kind::invalid_free, p, how.from, "  freed at");
  check_claims(b, how);
  (void)check_guards(b, how.from);
  const observe::block_facts facts = b.record().take();
  if (facts.site == observe::site_table::none)  // another thread was quicker
    return report_stray(fault_kind::invalid_free, p, how.from, "  freed at");
  observe::process_tracker().note_death(facts, p);
  retire(b, how.from);
}

allocation guarded_reallocate(void* p, std::size_t size, const observe::origin& made) noexcept {
  check_now_and_then();
  guarded_block b;
  if (!locate(p, b) || b.data != p) {
    report_stray(fault_kind::invalid_resize, p, made.from, "  resized at");
    return allocation::failed(status::unsupported);
  }
  check_claims(b, {.by = family::malloc, .from = made.from});
  (void)check_guards(b, made.from);
  const allocation a = is_watched()
                           ? guarded_allocate({size}, false, made)
                           : process_heap.allocate_from(process_heap.local(), {size}, false);
  if (!a) return a;
  std::memcpy(a.data(), p, size < b.facts.size ? size : b.facts.size);
  const observe::block_facts facts = b.record().take();
  if (facts.site == observe::site_table::none) return a;  // freed meanwhile: reported there
  observe::process_tracker().note_death(facts, p);
  retire(b, made.from);
  return a;
}

}  // namespace ashlar::replace
