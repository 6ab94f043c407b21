// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/debug_report.hpp"

#include <sched.h>

#include "ashlar/os/diagnostic.hpp"
#include "ashlar/replace/debug/event_log.hpp"
#include "ashlar/replace/debug/stack_printer.hpp"

namespace ashlar::replace {

namespace {

constinit lock mutex;                            // of reports
constinit stack_printer stacks{os::write_line};  // under it

// Waits for another thread's report to end, but not for ever: that thread may have died in it.
class report_turn {
 public:
  report_turn() {
    for (int i = 0; i < 100'000 && !mine_; ++i) {
      mine_ = mutex.try_acquire();
      if (!mine_) ::sched_yield();
    }
  }
  ~report_turn() {
    if (mine_) mutex.release();
  }
  report_turn(const report_turn&) = delete;
  report_turn& operator=(const report_turn&) = delete;

 private:
  bool mine_ = false;
};

void write_text(const char* words) {
  os::line l;
  l.text(words);
  os::write_line(l);
}

void add_thread(os::line& l, std::uint16_t number) {
  const observe::tracker& tracker = observe::process_tracker();
  l.text(" in thread ").decimal(number);
  if (number < tracker.thread_count())
    l.text(" (").decimal(tracker.thread_facts(number).system_id).text(")");
}

void add_block(os::line& l, const observe::block_facts& facts, const std::byte* data) {
  l.text("block of ").decimal(facts.size).text(" bytes at ").pointer(data);
  if (facts.alignment() > default_alignment) l.text(", alignment ").decimal(facts.alignment());
}

void describe_block(const observe::block_facts& facts, const std::byte* data) {
  os::line l;
  l.text("  ");
  add_block(l, facts, data);
  l.text(", made by ").text(to_string(facts.made_by));
  add_thread(l, facts.thread);
  l.text(" at");
  os::write_line(l);
  stacks.print_site(facts.site);
}

void describe_free(const dead_block& dead) {
  os::line l;
  l.text("  and freed");
  add_thread(l, dead.freed_by);
  l.text(" at");
  os::write_line(l);
  stacks.print_site(dead.freed_at);
}

// Sixteen bytes a line, the wrong ones marked: a few in front of the first, then what follows.
void dump(const debug_report& what) {
  constexpr std::size_t width = 16;
  constexpr std::size_t most_lines = 8;
  const auto is_wrong = [&what](const std::byte* at) {
    const bool in_block = what.dead.data != nullptr && at >= what.dead.data &&
                          at < what.dead.data + what.dead.facts().size;
    if (!in_block) return *at != std::byte{guard_byte(what.area, at)};
    return is_filled(what.area, guard_settings.fill, at) && *at != std::byte{freed_byte};
  };
  const auto before = static_cast<std::size_t>(what.damage - what.area.begin);
  const std::byte* at = what.damage - (before < width ? before : before % width);
  const std::byte* last = what.damage;
  for (const std::byte* p = at; p < what.area.end && p < at + width * most_lines; ++p)
    if (is_wrong(p)) last = p;
  while (at <= last) {
    os::line l;
    l.text("    ").pointer(at).text(":");
    for (std::size_t i = 0; i < width && at < what.area.end; ++i, ++at) {
      constexpr const char* digits = "0123456789abcdef";
      const auto value = static_cast<unsigned char>(*at);
      const char cell[] = {' ', digits[value / 16], digits[value % 16], is_wrong(at) ? '*' : ' '};
      l.text(cell, sizeof cell);
    }
    os::write_line(l);
  }
}

void describe_damage(const debug_report& what) {
  const bool freed = what.dead.data != nullptr;
  const std::byte* const data = freed ? what.dead.data : what.live.data;
  const std::size_t size = freed ? what.dead.facts().size : what.live.facts.size;
  os::line l;
  l.text("  first written to: ");
  if (what.damage < data)
    l.decimal(static_cast<std::size_t>(what.area.end - what.damage)).text(" bytes in front of it");
  else if (what.damage < data + size)
    l.text("byte ").decimal(static_cast<std::size_t>(what.damage - data)).text(" of it");
  else
    l.decimal(static_cast<std::size_t>(what.damage - data) - size).text(" bytes behind its end");
  os::write_line(l);
  dump(what);
}

void describe_neighbour(const char* words, const guarded_block& b) {
  os::line l;
  l.text("  ").text(words);
  if (b.data != nullptr) {
    add_block(l, b.facts, b.data);
    l.text(", live, made by ").text(to_string(b.facts.made_by));
    add_thread(l, b.facts.thread);
    l.text(" at");
    os::write_line(l);
    return stacks.print_site(b.facts.site);
  }
  dead_block dead = {};
  const bool known = freed_blocks.find_within(b.start, b.start + b.header->block_size, dead);
  if (!known) return os::write_line(l.text("no block"));
  add_block(l, dead.facts(), dead.data);
  l.text(", freed, made by ").text(to_string(dead.facts().made_by)).text(" at");
  os::write_line(l);
  stacks.print_site(dead.facts().site);
}

// The blocks beside the one at `data`, where they lie in the same slab.
void describe_neighbours(const std::byte* data) {
  guarded_block b;
  if (!locate(data, b) || !b.header->is_slab()) return;
  guarded_block beside;
  if (b.index != 0 && locate(b.header->block_at(b.index - 1), beside))
    describe_neighbour("in front of it: ", beside);
  if (b.index + 1 < b.header->capacity && locate(b.header->block_at(b.index + 1), beside))
    describe_neighbour("behind it: ", beside);
}

void write_annex(const void* context) {
  const auto& what = *static_cast<const debug_report*>(context);
  const report_turn turn;
  if (what.note != nullptr) write_text(what.note);
  if (what.damage != nullptr) describe_damage(what);
  if (what.live.data != nullptr) describe_block(what.live.facts, what.live.data);
  if (what.dead.data != nullptr) {
    describe_block(what.dead.facts(), what.dead.data);
    describe_free(what.dead);
  }
  if (what.from.return_address != nullptr) {
    write_text(what.from_words);
    stacks.print_from(what.from);
  }
  const std::byte* const data = what.live.data != nullptr   ? what.live.data
                                : what.dead.data != nullptr ? what.dead.data
                                                            : what.around;
  if (data != nullptr) describe_neighbours(data);
}

void log_fault(fault_kind kind, const debug_report& what) {
  const std::size_t size = what.live.data != nullptr   ? what.live.facts.size
                           : what.dead.data != nullptr ? what.dead.was.size()
                                                       : 0;
  log_event(
      {.what = logged::faulted, .size = size, .data = what.pointer, .words = fault_name(kind)});
}

}  // namespace

lock& report_lock() noexcept { return mutex; }

void report(fault_kind kind, const debug_report& what) noexcept {
  const observe::mute_scope quiet;
  if (guard_settings.log) log_fault(kind, what);
  report_fault(kind, what.pointer, what.detail, {write_annex, &what, what.ends_anyway});
}

void report_blocks(const os::line& head, observe::site_sums<known_block>& sums) noexcept {
  const observe::mute_scope quiet;
  const report_turn turn;
  os::write_line(head);
  while (!sums.empty()) {
    const auto s = sums.take_largest();
    os::line l;
    l.text("  ").decimal(s.blocks).text(s.blocks == 1 ? " block, " : " blocks, ").bytes(s.bytes);
    os::write_line(l.text(s.blocks == 1 ? ":" : ", the first:"));
    describe_block(s.first.facts, s.first.data);
  }
  if (sums.others() == 0) return;
  os::line l;
  os::write_line(l.text("  ").decimal(sums.others()).text(" blocks of other sites"));
}

void report_damage(const guarded_block& b, byte_range guard, std::byte* damage,
                   const caller& from) noexcept {
  const bool behind = damage >= b.data;
  report(behind ? fault_kind::overrun : fault_kind::underrun,
         {.pointer = b.data, .live = b, .area = guard, .damage = damage, .from = from});
  write_guard(guard);
}

}  // namespace ashlar::replace
