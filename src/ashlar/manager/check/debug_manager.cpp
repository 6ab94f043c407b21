// SPDX-License-Identifier: MIT
// How a block is laid out, handed out and taken back. What is found wrong: debug_checks.cpp.
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

std::size_t at_least_one(std::size_t n) { return n + (n == 0); }
std::size_t larger(std::size_t a, std::size_t b) { return a > b ? a : b; }

std::uint16_t rounded_guard(std::uint16_t guard) {
  return static_cast<std::uint16_t>(align_up(guard < 32768 ? guard : 32768, 8));
}

}  // namespace

debug_manager::debug_manager(memory inner, const debug_options& options) noexcept
    : manager(table_, inner.get()),
      inner_(inner),
      table_(reduced(full_table, can_over(inner.get()->ops().can))),
      options_(options) {
  options_.guard = rounded_guard(options.guard);
  if (inner_.can(capability::lifo_only)) options_.quarantine = 0;
  join_registry(options.name);
}

debug_manager::~debug_manager() {
  leave_registry();
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
  options_.guard = rounded_guard(options.guard);
  // What lies in blocks already stays readable.
  options_.fresh_byte = before.fresh_byte;
  options_.freed_byte = before.freed_byte;
  options_.guard_byte = before.guard_byte;
  options_.name = before.name;
  if (inner_.can(capability::lifo_only)) options_.quarantine = 0;
  drain(options_.quarantine);
}

// --- where a block lies --------------------------------------------------------------------------

// Returns false if the whole would be too large.
bool debug_manager::plan_for(layout request, plan& p) const noexcept {
  const std::size_t size = at_least_one(request.size);
  if (size > max_size / 4 || request.alignment > max_size / 4) return false;
  p = {};
  p.guard = options_.guard;
  if (options_.pages != debug_pages::none) {
    const std::size_t page = os::page_size();
    p.whole.alignment = larger(request.alignment, page);
    p.pages_at = p.whole.alignment;
    p.pages_size = align_up(size, page);
    p.whole.size = p.pages_at + p.pages_size + page;
    p.offset = p.pages_at;
    if (options_.pages == debug_pages::back)
      p.offset += align_down(p.pages_size - request.size, request.alignment);
    return true;
  }
  p.has_header = options_.headers;
  p.whole.alignment = request.alignment;
  if (p.has_header) p.whole.alignment = larger(request.alignment, alignof(debug_header));
  p.offset = p.guard + (p.has_header ? sizeof(debug_header) : 0);
  p.offset = align_up(p.offset, p.whole.alignment);
  // A block of no bytes has one that is its own.
  const std::size_t least = request.size + p.guard;
  p.whole.size = p.offset + at_least_one(least);
  return true;
}

allocation debug_manager::refusal_of(const allocation& refused, layout request,
                                     const plan& p) const noexcept {
  if (refused.reason() != status::not_enough_memory) return refused;
  std::size_t overhead = p.offset + p.guard;
  if (p.pages_at != 0) overhead = p.pages_at + os::page_size();
  std::size_t fits = refused.would_fit() > overhead ? refused.would_fit() - overhead : 0;
  if (p.pages_at != 0) fits = align_down(fits, os::page_size());
  // The inner manager may have been given back memory since; never say that the request fits.
  if (fits >= at_least_one(request.size)) fits = at_least_one(request.size) - 1;
  return allocation::failed(status::not_enough_memory, fits);
}

observe::site_id debug_manager::site_of(const observe::caller& from,
                                        const std::source_location* where) const noexcept {
  observe::tracker& tracker = observe::process_tracker();
  if (tracker.sites.size() == 0 && !tracker.sites.start()) return observe::site_table::none;
  observe::thread_state& thread = observe::this_thread();
  std::uintptr_t frames[observe::stack_frames_limit];
  observe::site_key key = {.frames = frames};
  key.tag = thread.tag != 0 ? thread.tag : tag();
  if (where != nullptr) key.set_place(*where);
  const std::uint32_t most =
      options_.depth < observe::stack_frames_limit ? options_.depth : observe::stack_frames_limit;
  if (most > 1) {
    key.frame_count = observe::walk_stack(from, thread.stack, frames, most);
  } else {
    frames[0] = address_of(from.return_address);
    key.frame_count = 1;
  }
  return tracker.sites.intern(key);
}

// --- handing out ---------------------------------------------------------------------------------

ASHLAR_NO_INLINE allocation debug_manager::allocate(layout request, fit,
                                                    const std::source_location& where) noexcept {
  return allocate_from(request, observe::caller_of_this(), &where);
}

allocation debug_manager::allocate_from(layout request, const observe::caller& from,
                                        const std::source_location* where) noexcept {
  if (const status why = fault_of(request); why != status::success) return allocation::failed(why);
  const lock_guard guard(mutex_);
  plan p;
  if (!plan_for(request, p)) return allocation::failed(status::too_large);
  const observe::site_id site = site_of(from, where);
  record* const r = book_.take();
  allocation a = allocation::failed(status::no_memory);
  if (r != nullptr) {
    a = inner_.allocate(p.whole);
    if (!a && kept_ != 0) {
      drain(0);
      a = inner_.allocate(p.whole);
    }
  }
  if (!a) {
    if (r != nullptr) book_.give_back(*r);
    note({.kind = debug_event_kind::refused,
          .thread = static_cast<std::uint32_t>(os::current_thread_id()),
          .size = request.size,
          .alignment = request.alignment,
          .site = site});
    return refusal_of(a, request, p);
  }
  r->memory = static_cast<std::byte*>(a.data());
  r->taken = p.whole.size;
  r->memory_alignment = p.whole.alignment;
  r->data = r->memory + p.offset;
  r->size = request.size;
  r->alignment = request.alignment;
  r->pages = p.pages_at != 0 ? r->memory + p.pages_at : nullptr;
  r->pages_size = p.pages_size;
  r->guard = p.guard;
  r->has_header = p.has_header;
  r->sequence = ++sequence_;
  r->frame = frame_;
  r->born_at = site;
  r->born_by = static_cast<std::uint32_t>(os::current_thread_id());
  r->tag = observe::this_thread().tag != 0 ? observe::this_thread().tag : tag();
  book_.enter(*r);
  dress(*r);
  store_relaxed(used_, used_ + request.size);
  store_relaxed(held_, held_ + r->taken);
  if (used_ > peak_) store_relaxed(peak_, used_);
  note(debug_event_kind::allocated, *r, site);
  return allocation::of(r->data, request.size);
}

void debug_manager::dress(record& r) noexcept {
  std::byte* const behind = r.data + r.size;
  if (r.pages != nullptr) {
    std::memset(r.pages, options_.guard_byte, static_cast<std::size_t>(r.data - r.pages));
    std::memset(behind, options_.guard_byte,
                static_cast<std::size_t>(r.pages + r.pages_size - behind));
  } else {
    std::memset(r.data - r.guard, options_.guard_byte, r.guard);
    std::memset(behind, options_.guard_byte, r.guard);
  }
  if (options_.fill) std::memset(r.data, options_.fresh_byte, r.size);
  if (r.has_header) write_header(r, debug_header::live_mark);
  if (r.pages != nullptr) shut_pages(r);
  if (poison::is_watched()) {
    conceal(r);
    poison::open_pool(this);
    poison::lend(this, r.data, r.size);
  }
}

// To a tool: all of a block that is not the caller's, to be read by us.
void debug_manager::reveal(const record& r) const noexcept {
  const std::byte* const behind = r.data + r.size;
  poison::show_defined(r.memory, static_cast<std::size_t>(r.data - r.memory));
  poison::show_defined(behind, static_cast<std::size_t>(r.memory + r.taken - behind));
  if (r.state != debug_state::live) poison::show_defined(r.data, r.size);
}

void debug_manager::conceal(const record& r) const noexcept {
  const std::byte* const behind = r.data + r.size;
  poison::hide(r.memory, static_cast<std::size_t>(r.data - r.memory));
  poison::hide(behind, static_cast<std::size_t>(r.memory + r.taken - behind));
  if (r.state != debug_state::live) poison::hide(r.data, r.size);
}

// The pages on either side. A hint: where the OS has no more mappings to split, nothing is shut.
void debug_manager::shut_pages(record& r) noexcept {
  const std::size_t page = os::page_size();
  (void)os::protect({r.pages - page, page}, os::access::none);
  (void)os::protect({r.pages + r.pages_size, page}, os::access::none);
}

void debug_manager::open_pages(const record& r, bool with_guards) noexcept {
  const std::size_t page = with_guards ? os::page_size() : 0;
  (void)os::protect({r.pages - page, r.pages_size + 2 * page}, os::access::read_write);
}

// --- taking back ---------------------------------------------------------------------------------

ASHLAR_NO_INLINE void debug_manager::deallocate(block b, std::size_t alignment) noexcept {
  free_from(&b, b.data, alignment, observe::caller_of_this());
}

ASHLAR_NO_INLINE void debug_manager::deallocate(void* p) noexcept {
  free_from(nullptr, p, 0, observe::caller_of_this());
}

void debug_manager::free_from(const block* b, void* data, std::size_t alignment,
                              const observe::caller& from) noexcept {
  if (data == nullptr) return;
  const lock_guard guard(mutex_);
  const observe::site_id site = site_of(from, nullptr);
  record* const r = book_.find(data);
  if (report_wrong_free(r, b, data, alignment, site)) return;
  // What was trampled on is told, and the block ends all the same: its free is not what is wrong.
  (void)check_block(*r);
  ++frees_;
  r->freed_at = site;
  r->freed_by = static_cast<std::uint32_t>(os::current_thread_id());
  store_relaxed(used_, used_ - r->size);
  note(debug_event_kind::freed, *r, site);
  quarantine(*r);
}

void debug_manager::quarantine(record& r) noexcept {
  if (poison::is_watched()) reveal(r);
  if (options_.fill) {
    std::memset(r.data, options_.freed_byte, r.size);
    r.is_filled = true;
  }
  if (r.has_header) write_header(r, debug_header::freed_mark);
  book_.move(r, debug_state::quarantined);
  kept_ += r.taken;
  if (poison::is_watched()) {
    poison::take_back(this, r.data, r.size);
    conceal(r);
  }
  if (options_.quarantine == 0 || r.taken > options_.quarantine) return release(r, false);
  if (r.pages != nullptr) (void)os::protect({r.pages, r.pages_size}, os::access::none);
  drain(options_.quarantine);
}

void debug_manager::drain(std::size_t keep) noexcept {
  while (kept_ > keep) release(*book_.oldest(debug_state::quarantined), false);
}

// Gives the memory of a block back. `forget`: the block was not freed by anybody.
void debug_manager::release(record& r, bool forget) noexcept {
  if (r.state == debug_state::quarantined) {
    kept_ -= r.taken;
    if (r.pages == nullptr) (void)check_block(r);
  } else {
    (void)check_block(r);
    store_relaxed(used_, used_ - r.size);
    poison::take_back(this, r.data, r.size);
  }
  if (poison::is_watched()) poison::show_defined(r.memory, r.taken);
  if (r.pages != nullptr) open_pages(r, true);
  store_relaxed(held_, held_ - r.taken);
  const block whole{r.memory, r.taken};
  const std::size_t alignment = r.memory_alignment;
  note(debug_event_kind::released, r, r.freed_at);
  if (forget || options_.history == 0) {
    book_.erase(r);
  } else {
    book_.move(r, debug_state::gone);
    if (book_.count(debug_state::gone) > options_.history)
      book_.erase(*book_.oldest(debug_state::gone));
  }
  inner_.deallocate(whole, alignment);
}

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
    release(*r, true);
  }
  inner_.rewind(marks_[at].inner);
}

void debug_manager::free_all() noexcept {
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
  return {.used = load_relaxed(used_),
          .held = load_relaxed(held_),
          .peak_used = load_relaxed(peak_),
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
