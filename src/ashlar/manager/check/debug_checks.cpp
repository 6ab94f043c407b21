// SPDX-License-Identifier: MIT
// What a debug manager finds wrong, and how it tells.
#include <cstring>

#include "ashlar/base/poison.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/check/debug_manager.hpp"
#include "ashlar/manager/check/debug_report.hpp"
#include "ashlar/observe/site_sums.hpp"

namespace ashlar {

using detail::debug_report;
using detail::debug_state;

namespace {

// Returns the first byte that is not `expected`, or `end`.
const std::byte* first_other(const std::byte* begin, const std::byte* end, std::uint8_t expected) {
  const std::byte* p = begin;
  const auto byte = static_cast<std::byte>(expected);
  while (p != end && (address_of(p) & 7) != 0) {
    if (*p != byte) return p;
    ++p;
  }
  const std::uint64_t pattern = expected * std::uint64_t{0x0101'0101'0101'0101};
  for (; end - p >= 8; p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    if (word != pattern) break;
  }
  while (p != end && *p == byte) ++p;
  return p;
}

bool is_silent(const debug_options& options) {
  return options.sink.write == nullptr && current_fault_policy() == fault_policy::ignore;
}

}  // namespace

void debug_manager::write_header(record& r, std::uint64_t mark) noexcept {
  auto* const h = reinterpret_cast<debug_header*>(r.data - r.guard) - 1;
  *h = {.mark = mark,
        .size = r.size,
        .sequence = r.sequence,
        .alignment = r.alignment,
        .site = mark == debug_header::live_mark ? r.born_at : r.freed_at,
        .thread = mark == debug_header::live_mark ? r.born_by : r.freed_by,
        .tag = r.tag,
        .guard = r.guard,
        .checksum = 0};
  h->checksum = h->checksum_at(h);
}

// --- stomps --------------------------------------------------------------------------------------

// Returns whether a block, live or in quarantine, is as it should be. Tells of damage once.
bool debug_manager::check_block(record& r) noexcept {
  if (!poison::is_watched()) return find_damage(r);
  reveal(r);
  const bool is_well = find_damage(r);
  conceal(r);
  return is_well;
}

bool debug_manager::find_damage(record& r) noexcept {
  const std::byte* const behind = r.data + r.size;
  const std::byte* begin = r.data - r.guard;
  const std::byte* end = behind + r.guard;
  if (r.pages != nullptr) {
    if (r.state != debug_state::live) return true;  // nobody could write to it
    begin = r.pages;
    end = r.pages + r.pages_size;
  }
  if (const std::byte* const bad = first_other(begin, r.data, options_.guard_byte); bad != r.data) {
    report_stomp(r, false, begin, r.data, bad);
    return false;
  }
  if (const std::byte* const bad = first_other(behind, end, options_.guard_byte); bad != end) {
    report_stomp(r, true, behind, end, bad);
    return false;
  }
  return check_header(r) && check_filling(r);
}

bool debug_manager::check_filling(record& r) noexcept {
  if (r.state == debug_state::live || !r.is_filled) return true;
  const std::byte* const behind = r.data + r.size;
  const std::byte* const bad = first_other(r.data, behind, options_.freed_byte);
  if (bad == behind) return true;
  if (r.is_reported) return false;
  r.is_reported = true;
  if (!is_silent(options_)) {
    const debug_report report(options_.sink);
    os::line head;
    report.put(head.text("ashlar: write after free of ").pointer(r.data));
    report.put_bytes(r.data, behind, bad, options_.freed_byte);
    report.put_life(r);
  }
  note(debug_event_kind::faulted, r, r.born_at);
  report_fault(fault_kind::write_after_free, r.data);
  return false;
}

bool debug_manager::check_header(record& r) noexcept {
  if (!r.has_header) return true;
  const auto* const h = reinterpret_cast<const debug_header*>(r.data - r.guard) - 1;
  const bool is_well = h->is_whole() && h->sequence == r.sequence;
  if (!is_well)
    report_stomp(r, false, reinterpret_cast<const std::byte*>(h), r.data - r.guard, nullptr);
  return is_well;
}

// `first`: the first byte that is wrong; null: the header is, and nobody knows where.
void debug_manager::report_stomp(record& r, bool behind, const std::byte* begin,
                                 const std::byte* end, const std::byte* first) noexcept {
  if (r.is_reported) return;
  r.is_reported = true;
  const fault_kind kind = behind ? fault_kind::overrun : fault_kind::underrun;
  if (!is_silent(options_)) {
    const debug_report report(options_.sink);
    os::line head;
    report.put(head.text("ashlar: ").text(fault_name(kind)).text(" of ").pointer(r.data));
    if (first != nullptr)
      report.put_bytes(begin, end, first, options_.guard_byte);
    else
      report.put("  the header in front of the block does not fit its checksum");
    report.put_life(r);
    // Whoever wrote there may have meant the neighbour.
    if (const record* const other = book_.neighbour(r, behind)) {
      const bool is_near = (behind ? other->memory - (r.memory + r.taken)
                                   : r.memory - (other->memory + other->taken)) < 4096;
      if (is_near) {
        report.put(behind ? "  the next block:" : "  the block before:");
        report.put_life(*other);
      }
    }
  }
  note(debug_event_kind::faulted, r, r.born_at);
  report_fault(kind, r.data);
}

std::size_t debug_manager::check() noexcept {
  const lock_guard guard(mutex_);
  std::size_t damaged = 0;
  for (const debug_state state : {debug_state::live, debug_state::quarantined})
    for (record* r = book_.oldest(state); r != nullptr; r = r->next) damaged += !check_block(*r);
  return damaged;
}

// --- wrong frees ---------------------------------------------------------------------------------

// What is wrong with a free of the block at `data`, of which `r` is the record.
bool debug_manager::find_wrong_free(const record* r, const block* b, void* data,
                                    std::size_t alignment, wrong_free& found) const noexcept {
  const auto is_size_of = [](std::size_t given, std::size_t size) {
    return given == size || (size == 0 && given == 1);
  };
  found.block = r;
  if (r == nullptr) {
    const record* const around = book_.containing(data);
    found.kind = fault_kind::invalid_free;
    if (around != nullptr && around->state == debug_state::live)
      found = {fault_kind::interior_free, {address_of(around->data), around->size}, around};
  } else if (r->state != debug_state::live) {
    found.kind = fault_kind::double_free;
  } else if (b != nullptr && !is_size_of(b->size, r->size)) {
    found = {fault_kind::size_mismatch, {r->size, b->size}, r};
  } else if (b != nullptr && alignment != r->alignment) {
    found = {fault_kind::alignment_mismatch, {r->alignment, alignment}, r};
  } else if (inner_.can(capability::lifo_only) && r != book_.newest(debug_state::live)) {
    found.kind = fault_kind::out_of_order_free;
  } else {
    return false;
  }
  return true;
}

// Returns whether this is no free that can be done, and tells why. `r`: the record at `data`.
bool debug_manager::report_wrong_free(record* r, const block* b, void* data, std::size_t alignment,
                                      observe::site_id site) noexcept {
  wrong_free wrong;
  if (!find_wrong_free(r, b, data, alignment, wrong)) return false;
  if (!is_silent(options_)) {
    const debug_report report(options_.sink);
    os::line head;
    report.put(head.text("ashlar: ").text(fault_name(wrong.kind)).text(" of ").pointer(data));
    if (wrong.block != nullptr) report.put_life(*wrong.block);
    report.put_site(wrong.kind == fault_kind::double_free ? "freed again" : "this free", site);
  }
  note({.kind = debug_event_kind::faulted,
        .sequence = wrong.block != nullptr ? wrong.block->sequence : 0,
        .data = data,
        .site = site});
  report_fault(wrong.kind, data, wrong.detail);
  return true;
}

// --- blocks that live too long -------------------------------------------------------------------

std::size_t debug_manager::report_leaks() noexcept {
  const lock_guard guard(mutex_);
  return report_live("has");
}

std::size_t debug_manager::report_live(const char* why) noexcept {
  const std::size_t blocks = book_.count(debug_state::live);
  if (blocks == 0) return 0;
  observe::site_sums<const record*> sums;
  for (const record* r = book_.oldest(debug_state::live); r != nullptr; r = r->next)
    sums.add(r->born_at, r->size, r);
  const debug_report report(options_.sink);
  os::line head;
  head.text("ashlar: ").text(options_.name != nullptr ? options_.name : kind_name);
  head.text(" ").text(why).text(" ").decimal(blocks).text(blocks == 1 ? " live block, "
                                                                      : " live blocks, ");
  report.put(head.bytes(use_.used()));
  while (!sums.empty()) {
    const auto s = sums.take_largest();
    os::line line;
    line.text("  ").decimal(s.blocks).text(s.blocks == 1 ? " block, " : " blocks, ");
    line.bytes(s.bytes).text(s.blocks == 1 ? ":" : ", the oldest:");
    report.put(line);
    report.put_life(*s.first);
  }
  if (sums.others() != 0) {
    os::line line;
    report.put(line.text("  ").decimal(sums.others()).text(" blocks of other sites"));
  }
  return blocks;
}

std::size_t debug_manager::next_frame() noexcept {
  const lock_guard guard(mutex_);
  ++frame_;
  if (options_.most_frames == 0) return 0;
  std::size_t count = 0;
  const debug_report report(options_.sink);
  for (record* r = book_.oldest(debug_state::live);
       r != nullptr && frame_ - r->frame > options_.most_frames; r = r->next) {
    if (r->is_old) continue;
    r->is_old = true;
    ++count;
    os::line head;
    head.text("ashlar: block ").pointer(r->data).text(" is ").decimal(frame_ - r->frame);
    report.put(head.text(" frames old, the limit is ").decimal(options_.most_frames));
    report.put_life(*r);
  }
  return count;
}

bool debug_manager::describe(const void* address) noexcept {
  if (!mutex_.try_acquire()) return false;
  const record* const r = book_.containing(address);
  if (r != nullptr) {
    const debug_report report(options_.sink);
    os::line head;
    head.text("ashlar: ").pointer(address).text(" lies ");
    const auto at = address_of(address);
    const auto start = address_of(r->data);
    if (at < start)
      head.decimal(start - at).text(" bytes before ");
    else if (at >= start + r->size)
      head.decimal(at - start - r->size).text(" bytes behind ");
    else
      head.decimal(at - start).text(" bytes into ");
    report.put(head.text(r->state == debug_state::live ? "a block" : "a freed block"));
    report.put_life(*r);
  }
  mutex_.release();
  return r != nullptr;
}

}  // namespace ashlar
