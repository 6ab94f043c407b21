// SPDX-License-Identifier: MIT
// The manager as a whole: its table and options, the end of all blocks, what it says of itself. How
// one block is laid out, handed out and taken back: debug_blocks.cpp. What is found wrong:
// debug_checks.cpp.
#include "ashlar/manager/check/debug_manager.hpp"

#include <cstring>

#include "ashlar/base/poison.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/check/debug_report.hpp"
#include "ashlar/manager/composed.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/address_space.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar {

using detail::debug_state;

/// The entries of the table that must know who called them.
struct debug_tables {
  ASHLAR_NO_INLINE static allocation allocate(manager& m, layout request, fit) noexcept {
    return static_cast<debug_manager&>(m).allocate_from(request, observe::caller_of_this(),
                                                        nullptr);
  }
  ASHLAR_NO_INLINE static void deallocate(manager& m, block b, std::size_t alignment) noexcept {
    static_cast<debug_manager&>(m).free_from(&b, b.data, alignment, observe::caller_of_this());
  }
  ASHLAR_NO_INLINE static void deallocate_unsized(manager& m, void* p) noexcept {
    static_cast<debug_manager&>(m).free_from(nullptr, p, 0, observe::caller_of_this());
  }

  static constexpr manager_ops make() {
    manager_ops t = make_ops<debug_manager>();
    t.allocate = allocate;
    t.deallocate = deallocate;
    t.deallocate_unsized = deallocate_unsized;
    return t;
  }
};

namespace {

constexpr manager_ops full_table = debug_tables::make();

capability can_over(capability inner) {
  capability now = capability::own | capability::size | capability::walk | (inner & all_promises);
  if (!has(inner, capability::lifo_only)) now = now | capability::trim;
  if (!has(inner, capability::no_op_deallocate) || has(inner, capability::free_all))
    now = now | capability::free_all;
  if (has(inner, capability::rewind)) now = now | capability::rewind;
  return now;
}

}  // namespace

debug_manager::debug_manager(memory inner, const debug_options& options) noexcept
    : manager(table_, inner.get()),
      inner_(inner),
      table_(reduced(full_table, can_over(inner.get()->ops().can))),
      options_(options) {
  if (inner_.can(capability::lifo_only)) options_.quarantine = 0;
  join_registry(options.name);
}

debug_manager::~debug_manager() {
  leave_registry(parting::silent);
  (void)check();
  const bool leaks_mean_something = !inner_.can(capability::no_op_deallocate);
  if (options_.leaks && leaks_mean_something) (void)report_live("ends with");
  end_all();
  marks_.release();
  poison::close_pool(this);
}

void debug_manager::set_options(const debug_options& options) noexcept {
  const lock_guard guard(mutex_);
  const debug_options before = options_;
  options_ = options;
  // What lies in blocks already stays readable.
  options_.fresh_byte = before.fresh_byte;
  options_.freed_byte = before.freed_byte;
  options_.guard_byte = before.guard_byte;
  options_.name = before.name;
  if (inner_.can(capability::lifo_only)) options_.quarantine = 0;
  drain(options_.quarantine);
}

// --- the end of all blocks -----------------------------------------------------------------------

// The newest first: so it must be where the inner manager is a stack.
void debug_manager::end_all() noexcept {
  drain(0);
  while (record* const r = book_.newest(debug_state::live)) release(*r, true);
  mark_count_ = 0;
}

// One mark serves until a block comes or goes: a loop of scopes takes no more and no more of them.
// (A block that goes may take the place of an earlier mark with it, where the inner one is a
// stack.)
mark debug_manager::here() const noexcept {
  const lock_guard guard(mutex_);
  if (mark_count_ == 0 || marks_[mark_count_ - 1].sequence != sequence_ ||
      marks_[mark_count_ - 1].frees != frees_) {
    if (!marks_.ensure(mark_count_ + 1)) return {};  // a stale one
    marks_[mark_count_++] = {inner_.here(), sequence_, frees_, ++mark_ids_};
  }
  return {at_address(marks_[mark_count_ - 1].id), mark_count_};
}

void debug_manager::rewind(mark place) noexcept {
  const lock_guard guard(mutex_);
  const std::size_t at = place.position - 1;
  if (at >= mark_count_ || marks_[at].id != address_of(place.place))
    return report_fault(fault_kind::stale_mark, this);
  mark_count_ = at + 1;
  drain(0);
  while (record* const r = book_.newest(debug_state::live)) {
    if (r->sequence <= marks_[at].sequence) break;
    inner_block_ended(r->data);
    release(*r, true);
  }
  inner_.rewind(marks_[at].inner);
}

void debug_manager::free_all() noexcept {
  inner_blocks_ended();
  const lock_guard guard(mutex_);
  end_all();
  if (inner_.can(capability::no_op_deallocate)) inner_.free_all();
}

std::size_t debug_manager::trim(std::size_t keep) noexcept {
  const lock_guard guard(mutex_);
  const std::size_t before = held_;
  drain(keep);
  return before - held_;
}

// --- what it says of itself ----------------------------------------------------------------------

bool debug_manager::owns(const void* p) const noexcept {
  const lock_guard guard(mutex_);
  const record* const r = book_.containing(p);
  return r != nullptr && r->state == debug_state::live &&
         address_of(p) - address_of(r->data) < at_least_one(r->size);
}

std::size_t debug_manager::usable_size(const void* p) const noexcept {
  const lock_guard guard(mutex_);
  const record* const r = book_.find(p);
  if (r != nullptr && r->state == debug_state::live) return r->size;
  report_fault(fault_kind::invalid_query, p);
  return 0;
}

void debug_manager::walk(block_visitor visitor) noexcept {
  const lock_guard guard(mutex_);
  for (const record* r = book_.oldest(debug_state::live); r != nullptr; r = r->next)
    if (!visitor({r->data, r->size})) return;
}

manager_usage debug_manager::usage() const noexcept {
  return {.used = use_.used(),
          .held = load_relaxed(held_),
          .peak_used = use_.peak(),
          .live_blocks = book_.count(debug_state::live)};
}

const debug_header* debug_manager::header_of(const void* data) const noexcept {
  const lock_guard guard(mutex_);
  const record* const r = book_.find(data);
  if (r == nullptr || r->state != debug_state::live || !r->has_header) return nullptr;
  const auto* const h = reinterpret_cast<const debug_header*>(r->data - r->guard) - 1;
  poison::show_defined(h, sizeof *h);
  return h;
}

void debug_manager::note(debug_event_kind kind, const record& r, observe::site_id site) noexcept {
  note({.kind = kind,
        .thread = static_cast<std::uint32_t>(kind == debug_event_kind::allocated ? r.born_by
                                                                                 : r.freed_by),
        .sequence = r.sequence,
        .data = r.data,
        .size = r.size,
        .alignment = r.alignment,
        .site = site});
}

void debug_manager::note(const debug_event& event) noexcept {
  events_[event_count_++ % most_events] = event;
  if (options_.log != nullptr) options_.log(options_.log_context, event);
}

std::size_t debug_manager::events(debug_event* to, std::size_t most) const noexcept {
  const lock_guard guard(mutex_);
  std::size_t count = event_count_ < most_events ? event_count_ : most_events;
  if (count > most) count = most;
  for (std::size_t i = 0; i < count; ++i) to[i] = events_[(event_count_ - count + i) % most_events];
  return count;
}

}  // namespace ashlar
