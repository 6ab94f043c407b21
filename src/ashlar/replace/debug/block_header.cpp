// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/block_header.hpp"

#include <atomic>

#include "ashlar/replace/debug/debug_report.hpp"

namespace ashlar::replace {

namespace {

constinit std::atomic<std::uint64_t> last_sequence{0};

// The mark last: who looks at all blocks meanwhile takes none that is half written for damaged.
void write(debug_header& h, debug_header values) noexcept {
  const std::uint64_t mark = values.mark;
  values.checksum = values.checksum_at(&h);
  values.mark = debug_header::busy_mark;
  store_relaxed(h.mark, debug_header::busy_mark);
  h = values;
  store_release(h.mark, mark);
}

debug_header described(const observe::block_facts& facts) noexcept {
  return {.mark = debug_header::live_mark,
          .size = facts.size,
          .sequence = 0,
          .alignment = facts.alignment(),
          .site = facts.site,
          .thread = 0,
          .tag = observe::process_tracker().sites.tag_of(facts.site),
          .guard = static_cast<std::uint16_t>(guard_settings.guard),
          .checksum = 0};
}

std::uint32_t system_id_of(std::uint16_t thread) noexcept {
  const observe::tracker& tracker = observe::process_tracker();
  return thread < tracker.thread_count() ? tracker.thread_facts(thread).system_id : 0;
}

}  // namespace

void write_live_header(std::byte* data, const observe::block_facts& facts) noexcept {
  debug_header h = described(facts);
  h.sequence = last_sequence.fetch_add(1, std::memory_order_relaxed) + 1;
  h.thread = system_id_of(facts.thread);
  write(*header_in_front(data), h);
}

void report_header(const guarded_block& b, const caller& from) noexcept {
  report(fault_kind::underrun, {.pointer = b.data, .live = b, .from = from, .note = header_note});
  write_live_header(b.data, b.facts);
}

void write_freed_header(const dead_block& dead) noexcept {
  debug_header& old = *header_in_front(dead.data);
  debug_header h = described(dead.facts());
  h.mark = debug_header::freed_mark;
  h.sequence = old.sequence;
  h.site = dead.freed_at;
  h.thread = system_id_of(dead.freed_by);
  write(old, h);
}

}  // namespace ashlar::replace
