// SPDX-License-Identifier: MIT
// How a block is laid out, handed out and taken back. What is found wrong: debug_checks.cpp.
#include <cstring>

#include "ashlar/base/poison.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/manager/check/debug_manager.hpp"
#include "ashlar/manager/check/debug_report.hpp"
#include "ashlar/manager/source/told_pool.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/address_space.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar {

using detail::debug_state;

namespace {

std::uint16_t rounded_guard(std::uint16_t guard) {
  return static_cast<std::uint16_t>(align_up(guard < 32768 ? guard : 32768, 8));
}

}  // namespace

// --- where a block lies --------------------------------------------------------------------------

// Returns false if the whole would be too large.
bool debug_manager::plan_for(layout request, const dressing& wanted, plan& p) noexcept {
  const std::size_t size = at_least_one(request.size);
  if (size > max_size / 4 || request.alignment > max_size / 4) return false;
  p = {};
  p.guard = wanted.guard;
  if (wanted.pages != debug_pages::none) {
    const std::size_t page = os::page_size();
    p.whole.alignment = larger(request.alignment, page);
    p.pages_at = p.whole.alignment;
    p.pages_size = align_up(size, page);
    p.whole.size = p.pages_at + p.pages_size + page;
    p.offset = p.pages_at;
    if (wanted.pages == debug_pages::back)
      p.offset += align_down(p.pages_size - request.size, request.alignment);
    return true;
  }
  p.has_header = wanted.headers;
  p.whole.alignment = request.alignment;
  if (p.has_header) p.whole.alignment = larger(request.alignment, alignof(debug_header));
  p.offset = p.guard + (p.has_header ? sizeof(debug_header) : 0);
  p.offset = align_up(p.offset, p.whole.alignment);
  // A block of no bytes has one that is its own.
  const std::size_t least = request.size + p.guard;
  p.whole.size = p.offset + at_least_one(least);
  return true;
}

// Takes away what needs the most room. Returns false if there is nothing left to take.
bool debug_manager::dressing::reduce() noexcept {
  if (pages != debug_pages::none) {
    pages = debug_pages::none;
  } else if (headers) {
    headers = false;
  } else if (guard != 0) {
    guard = 0;
  } else {
    return false;
  }
  return true;
}

debug_manager::dressing debug_manager::dressing_of(const debug_options& options) noexcept {
  return {options.pages, options.headers, rounded_guard(options.guard)};
}

layout debug_manager::whole_of(layout block, const debug_options& options) noexcept {
  plan p;
  if (block.size == 0 || fault_of(block) != status::success) return block;
  // The blocks of a pool are rounded up: what it would serve without us it shall serve with us.
  block.size = align_up(block.size, larger(block.alignment, sizeof(void*)));
  return plan_for(block, dressing_of(options), p) ? p.whole : block;
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
  if (!plan_for(request, dressing_of(options_), p)) return allocation::failed(status::too_large);
  const observe::site_id site = site_of(from, where);
  record* const r = book_.take();
  const allocation a = r != nullptr ? obtain(request, p) : allocation::failed(status::no_memory);
  if (!a) {
    if (r != nullptr) book_.give_back(*r);
    note({.kind = debug_event_kind::refused,
          .thread = static_cast<std::uint32_t>(os::current_thread_id()),
          .size = request.size,
          .alignment = request.alignment,
          .site = site});
    return refusal_of(a, request, p);
  }
  fill_in(*r, static_cast<std::byte*>(a.data()), request, p);
  r->born_at = site;
  book_.enter(*r);
  dress(*r);
  store_relaxed(held_, held_ + r->taken);
  use_.add(request.size);
  note(debug_event_kind::allocated, *r, site);
  return allocation::of(r->data, request.size);
}

// The quarantine must not be the reason why a request fails, and neither must what we put around
// the block: a manager of small blocks, a pool, refuses what is larger for ever.
allocation debug_manager::obtain(layout request, plan& p) noexcept {
  const allocation a = obtain_reduced(request, p);
  if (a || kept_ == 0) return a;
  if (a.reason() == status::too_large || a.reason() == status::bad_alignment) return a;
  drain(0);
  return obtain_reduced(request, p);
}

allocation debug_manager::obtain_reduced(layout request, plan& p) noexcept {
  dressing wanted = dressing_of(options_);
  bool is_reduced = false;
  while (true) {
    (void)plan_for(request, wanted, p);  // it did for all of them
    const allocation a = inner_.allocate(p.whole);
    if (a && is_reduced) tell_of_reduced(request, p);
    const bool never_fits =
        !a && (a.reason() == status::too_large || a.reason() == status::bad_alignment);
    if (!never_fits || !wanted.reduce()) return a;
    is_reduced = true;
  }
}

// Once: who looks for overruns must know that they are not looked for.
void debug_manager::tell_of_reduced(layout request, const plan& p) noexcept {
  if (has_told_of_reduced_) return;
  has_told_of_reduced_ = true;
  os::line line;
  line.text("ashlar: debug manager");
  if (options_.name != nullptr) line.text(" '").text(options_.name).text("'");
  line.text(": ").text(inner_.get()->kind()).text(" has no room around blocks of ");
  line.decimal(request.size).text(" bytes: they have ");
  line.text(p.guard != 0 ? "guards, and not all else" : "no guards").text(" (whole_of)");
  detail::debug_report(options_.sink).put(line);
}

void debug_manager::fill_in(record& r, std::byte* memory, layout request, const plan& p) noexcept {
  r.memory = memory;
  r.taken = p.whole.size;
  r.memory_alignment = p.whole.alignment;
  r.data = memory + p.offset;
  r.size = request.size;
  r.alignment = request.alignment;
  r.pages = p.pages_at != 0 ? memory + p.pages_at : nullptr;
  r.pages_size = p.pages_size;
  r.guard = p.guard;
  r.has_header = p.has_header;
  r.sequence = ++sequence_;
  r.frame = frame_;
  r.born_by = static_cast<std::uint32_t>(os::current_thread_id());
  r.tag = observe::this_thread().tag != 0 ? observe::this_thread().tag : tag();
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
    open_told_pool(this, inner_.get());
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
  use_.remove(r->size);
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
    use_.remove(r.size);
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

}  // namespace ashlar
