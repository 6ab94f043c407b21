// SPDX-License-Identifier: MIT
// How guarded blocks are looked at when nobody frees them: all at once, or as they leave the
// quarantine.
#include <atomic>

#include "ashlar/replace/debug/block_header.hpp"
#include "ashlar/replace/debug/debug_report.hpp"
#include "ashlar/replace/debug/page_guard.hpp"

namespace ashlar::replace {

namespace {

constinit std::atomic<std::uint64_t> operations{0};

}  // namespace

void count_towards_check() noexcept {
  const std::uint64_t count = operations.fetch_add(1, std::memory_order_relaxed) + 1;
  if (count % guard_settings.check_every == 0) (void)check_all_blocks();
}

namespace {

// Whether it is the block that it was when it was located.
bool is_still(const guarded_block& b) {
  observe::block_facts now = b.record().load();
  now.standing = b.facts.standing;
  return now == b.facts;
}

// Looks at a block that others may free meanwhile: damage counts if it was the block's throughout.
// The heap is locked, so the memory stays; but pages of a block's own may be sealed.
bool check_live(slab* s, std::byte* start) {
  guarded_block b;
  if (!locate(start, b) || b.data == nullptr || b.header != s) return false;
  for (const byte_range guard : {b.front_guard(), b.back_guard()}) {
    if (b.is_paged() ? is_whole_or_sealed(guard) : is_whole(guard)) continue;
    if (!is_still(b)) return false;
    std::byte* const damage = find_damage(guard);
    if (damage == nullptr) continue;  // another thread has reported it
    report_damage(b, guard, damage, {});
    return true;
  }
  if (!has_header(b) || may_be_whole(b.data) || !is_still(b)) return false;
  report_header(b, {});
  return true;
}

}  // namespace

std::size_t check_all_blocks() noexcept {
  if (!load_relaxed(guarding) || locks_of_this_thread != 0) return 0;
  std::size_t found = 0;
  // What is guarded lies in the watched heap: there are no samples at the debug level.
  watched_heap.lock_all();
  watched_heap.walk_records({&found, [](void* count, const walked_record& block) {
                               auto* const start = static_cast<std::byte*>(block.data);
                               if (check_live(process_page_map.header_of(start), start))
                                 ++*static_cast<std::size_t*>(count);
                             }});
  watched_heap.unlock_all();
  freed_blocks.for_each([&found](dead_block& dead) {
    if (check_dead(dead)) ++found;
  });
  return found;
}

bool check_dead(dead_block& dead) noexcept {
  guarded_block b;
  if (dead.sealed || dead.told || !locate(dead.data, b)) return false;
  b.data = dead.data;
  b.facts = dead.facts();
  debug_report what = {.pointer = dead.data, .dead = dead};
  what.area = b.bytes();
  what.damage = find_write(what.area, guard_settings.fill, freed_byte);
  for (const byte_range guard : {b.front_guard(), b.back_guard()}) {
    if (what.damage != nullptr) break;
    what.area = guard;
    what.damage = find_damage(guard);
  }
  if (what.damage == nullptr) {
    if (!has_header(b) || is_header_whole(b.data, debug_header::freed_mark)) return false;
    what.note = header_note;
  }
  dead.told = true;
  report(fault_kind::write_after_free, what);
  return true;
}

}  // namespace ashlar::replace
