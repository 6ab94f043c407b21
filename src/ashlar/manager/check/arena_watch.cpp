// SPDX-License-Identifier: MIT
#include "ashlar/manager/check/arena_watch.hpp"

#include <cstring>

#include "ashlar/base/poison.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/check/debug_report.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar {

using detail::debug_report;

arena_watch::arena_watch(arena& watched, const arena_watch_options& options) noexcept
    : arena_watcher{.guard = options.guard,
                    .about_to_push = on_about_to_push,
                    .pushed = on_pushed,
                    .about_to_rewind = on_about_to_rewind,
                    .rewound = on_rewound},
      arena_(&watched),
      options_(options) {
  before_ = watched.exchange_watcher(this);
  on_rewound(*this, watched);
}

arena_watch::~arena_watch() {
  (void)check();
  open_pages(static_cast<std::size_t>(-1));
  (void)arena_->exchange_watcher(before_);
  pushes_.release();
}

void arena_watch::on_about_to_push(arena_watcher& self, arena& a, std::size_t size) {
  (void)a;
  static_cast<arena_watch&>(self).open_pages(size);
}

void arena_watch::on_pushed(arena_watcher& self, arena& a, std::byte* data, std::size_t size,
                            bool zeroed) {
  auto& w = static_cast<arena_watch&>(self);
  if (w.options_.fill && !zeroed) {
    std::memset(data, w.options_.fresh_byte, size);
    if (poison::is_watched()) poison::show(data, size);  // to memcheck it holds nothing
  }
  // A tool sees to what it is shown; it is not shown the guard.
  if (!poison::is_watched()) std::memset(data + size, w.options_.guard_byte, w.guard);
  if (!w.pushes_.ensure(w.count_ + 1)) {
    ++w.missed_;
    return;
  }
  push& p = w.pushes_[w.count_++];
  p = {data, size, a.pos(), ++w.sequence_, w.site_here(), false};
  w.note(debug_event_kind::allocated, p);
}

void arena_watch::on_about_to_rewind(arena_watcher& self, arena& a, std::size_t position) {
  (void)a;
  auto& w = static_cast<arena_watch&>(self);
  w.open_pages(static_cast<std::size_t>(-1));
  while (w.count_ != 0 && w.pushes_[w.count_ - 1].end > position) {
    push& p = w.pushes_[--w.count_];
    (void)w.check_push(p);
    if (w.options_.fill && !poison::is_watched())
      std::memset(p.data, w.options_.popped_byte, p.size + w.guard);
    w.note(debug_event_kind::freed, p);
  }
}

void arena_watch::on_rewound(arena_watcher& self, arena& a) {
  auto& w = static_cast<arena_watch&>(self);
  if (!w.options_.protect) return;
  const os::range idle = a.idle_part();
  const std::size_t page = os::page_size();
  const std::uintptr_t begin = align_up(address_of(idle.data), page);
  const std::uintptr_t end = align_down(address_of(idle.data) + idle.size, page);
  if (begin >= end) return;
  const os::range pages{at_address(begin), end - begin};
  if (os::protect(pages, os::access::none).ok()) w.shut_ = pages;
}

// Lets the first `size` bytes of what is idle be used, gaps included; or all of them.
void arena_watch::open_pages(std::size_t size) noexcept {
  if (!shut_) return;
  os::range part = shut_;
  // The bytes that are pushed begin within the page before.
  const std::size_t page = os::page_size();
  if (size < shut_.size - page) part.size = align_up(size, page) + page;
  if (part.size > shut_.size) part.size = shut_.size;
  (void)os::protect(part, os::access::read_write);
  shut_ = {shut_.data + part.size, shut_.size - part.size};
  if (shut_.size == 0) shut_ = {};
}

std::size_t arena_watch::check() noexcept {
  std::size_t damaged = 0;
  for (std::size_t i = 0; i < count_; ++i) damaged += !check_push(pushes_[i]);
  return damaged;
}

bool arena_watch::check_push(push& p) noexcept {
  if (poison::is_watched()) return true;
  const std::byte* const behind = p.data + p.size;
  const std::byte* const end = behind + guard;
  const std::byte* bad = behind;
  while (bad != end && *bad == static_cast<std::byte>(options_.guard_byte)) ++bad;
  if (bad == end) return true;
  if (p.is_reported) return false;
  p.is_reported = true;
  if (options_.sink.write != nullptr || current_fault_policy() != fault_policy::ignore) {
    const debug_report report(options_.sink);
    os::line head;
    report.put(head.text("ashlar: overrun of ").pointer(p.data));
    os::line line;
    line.text("  push of ").decimal(p.size).text(" bytes, number ").decimal(p.sequence);
    report.put(line.text(", position ").decimal(p.end - p.size - guard));
    report.put_bytes(behind, end, bad, options_.guard_byte);
    report.put_site("pushed", p.site);
  }
  report_fault(fault_kind::overrun, p.data);
  return false;
}

// The frames of the arena and of this file come first: their number depends on what was inlined.
ASHLAR_NO_INLINE observe::site_id arena_watch::site_here() noexcept {
  observe::tracker& tracker = observe::process_tracker();
  if (tracker.sites.size() == 0 && !tracker.sites.start()) return observe::site_table::none;
  observe::thread_state& thread = observe::this_thread();
  std::uintptr_t frames[observe::stack_frames_limit];
  observe::site_key key = {.frames = frames};
  key.tag = thread.tag != 0 ? thread.tag : arena_->tag();
  const std::uint32_t most =
      options_.depth < observe::stack_frames_limit ? options_.depth : observe::stack_frames_limit;
  key.frame_count = observe::walk_stack(observe::caller_of_this(), thread.stack, frames, most);
  return tracker.sites.intern(key);
}

void arena_watch::note(debug_event_kind kind, const push& p) noexcept {
  if (options_.log == nullptr) return;
  options_.log(options_.log_context, {.kind = kind,
                                      .thread = static_cast<std::uint32_t>(os::current_thread_id()),
                                      .sequence = p.sequence,
                                      .data = p.data,
                                      .size = p.size,
                                      .site = p.site});
}

}  // namespace ashlar
