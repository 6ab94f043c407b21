// SPDX-License-Identifier: MIT
// How an arena lets go: rewinds, pops, trims, ends.
#include "ashlar/base/bits.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/arena/arena.hpp"
#include "ashlar/manager/arena/ended_range.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

using detail::inner_blocks_ended_in;

void arena::rewind(mark place) noexcept {
  if (place.position > pos() || history_.is_stale(this, place))
    return report_fault(fault_kind::stale_mark, this);
  if (may_rewind_to(place.position)) rewind_to(place.position);
}

void arena::pop_to(std::size_t position) noexcept {
  if (position > pos()) return report_fault(fault_kind::stale_mark, this);
  if (may_rewind_to(position)) rewind_to(position);
}

void arena::pop(std::size_t size) noexcept {
  if (size > pos()) return report_fault(fault_kind::pop_beyond_start, this);
  pop_to(pos() - size);
}

void arena::clear() noexcept { pop_to(0); }

void arena::free_all() noexcept {
  if (!may_rewind_to(0)) return;
  rewind_to(0);
  release_all();
  (void)trim_range(0);
}

// Reports a child whose memory lies above.
bool arena::may_rewind_to(std::size_t position) noexcept {
  for (const arena* c = child_; c != nullptr; c = c->sibling_) {
    if (c->needs_ <= position) continue;
    report_fault(fault_kind::still_in_use, this);
    return false;
  }
  return true;
}

void arena::rewind_to(std::size_t position) noexcept {
  note_peak();
  run_finalizers(position);
  if (watcher_ != nullptr) [[unlikely]]
    watcher_->about_to_rewind(*watcher_, *this, position);
  if (cur_ > dirty_) dirty_ = cur_;
  while (true) {
    if (is_beside_newer()) {
      if (rewind_beside(position)) break;
    } else {
      if (!is_below_current(position)) break;
      leave_current();
    }
  }
  inner_blocks_ended_in(at_address(origin_ + position), cur_);
  store_relaxed(cur_, at_address(origin_ + position));
  history_.rewound(position);
  open_window();
  if (is_watched()) [[unlikely]] {
    hide_rest(*current_, cur_);
    if (watcher_ != nullptr) watcher_->rewound(*watcher_, *this);
  }
  if (options_.keep != arena_options::unlimited) (void)trim(options_.keep);
}

// At the start of the current chunk, the one before goes on if it has room left.
bool arena::is_below_current(std::size_t position) const noexcept {
  if (current_ == &first_ || position > current_->position) return false;
  return position < current_->position || current_->previous->top != current_->previous->end;
}

// Ends the newest chunk beside the current one, or a part of it. Returns whether the position lies
// in or above it. One that takes no positions ends with those that do.
bool arena::rewind_beside(std::size_t position) noexcept {
  chunk& c = *beside_;
  if (position >= c.position + c.used + (c.used == 0)) return true;
  store_relaxed(origin_, origin_ + c.used);
  c.dirty = c.top > c.dirty ? c.top : c.dirty;
  if (position > c.position) {
    const std::size_t ended = c.used - (position - c.position);
    c.used -= ended;
    store_relaxed(origin_, origin_ - c.used);
    // Of adopted contents nobody knows which of them these positions were.
    if (!c.is_adopted) {
      inner_blocks_ended_in(c.top - ended, c.top);
      store_relaxed(c.top, c.top - ended);
    }
    hide_rest(c, c.top);
    return true;
  }
  beside_ = c.previous;
  retire(c);
  return false;
}

// Goes back to the chunk before, to where it was left.
void arena::leave_current() noexcept {
  chunk& c = *current_;
  c.dirty = dirty_;
  current_ = c.previous;
  dirty_ = current_->dirty > current_->top ? current_->dirty : current_->top;
  store_relaxed(cur_, current_->top);
  store_relaxed(origin_, current_->origin);
  retire(c);
}

void arena::run_finalizers(std::size_t position) noexcept {
  while (last_owned_ != nullptr && last_owned_->end > position) {
    finalizer& f = *last_owned_;
    last_owned_ = f.previous;
    f.destroy(f);
  }
}

void arena::note_peak() noexcept {
  if (pos() > peak_) store_relaxed(peak_, pos());
}

// --- where chunks go -----------------------------------------------------------------------------

// Keeps a chunk for later, unless its record lies in memory that is about to be used again.
void arena::retire(chunk& c) noexcept {
  inner_blocks_ended_in(c.data, c.end);
  if (!c.holds_its_record()) return give_back(c);
  if (poison::is_watched()) [[unlikely]] {
    poison::close_pool(pool_of(c));
    hide_rest(c, c.memory + sizeof(chunk));
  }
  c.previous = kept_;
  kept_ = &c;
  kept_size_ += c.size;
}

void arena::give_back(chunk& c) noexcept {
  store_relaxed(held_, held_ - c.size);
  if (poison::is_watched()) [[unlikely]]
    show_all(c);
  if (c.source == nullptr) return;
  if (c.reserved != 0)
    static_cast<os_manager*>(c.source)->release({c.memory, c.reserved}, c.size);
  else
    memory(*c.source).deallocate({c.memory, c.size}, c.alignment);
}

std::size_t arena::trim(std::size_t keep) noexcept {
  if (watcher_ != nullptr) [[unlikely]]
    watcher_->about_to_rewind(*watcher_, *this, pos());
  if (options_.kind != backing::reserved) return trim_kept(keep);
  const std::size_t of_range = trim_range(keep);
  return of_range + trim_kept(keep);
}

std::size_t arena::trim_kept(std::size_t keep) noexcept {
  std::size_t given_back = 0;
  for (chunk** link = &kept_; *link != nullptr && kept_size_ > keep;) {
    chunk& c = **link;
    // Whoever frees all at once would not have it back.
    if (c.source == nullptr || c.source->can(capability::no_op_deallocate)) {
      link = &c.previous;
      continue;
    }
    *link = c.previous;
    kept_size_ -= c.size;
    given_back += c.size;
    give_back(c);
  }
  return given_back;
}

// Decommits the end of the range, but for `keep` bytes behind the last block.
std::size_t arena::trim_range(std::size_t keep) noexcept {
  const auto idle = static_cast<std::size_t>(first_.end - cur_);
  if (!range_ || idle <= keep) return 0;
  const std::size_t step = granule();
  const auto kept = align_up(static_cast<std::size_t>(cur_ - range_.data) + keep, step);
  const auto committed = static_cast<std::size_t>(first_.end - range_.data);
  if (kept >= committed) return 0;
  const std::size_t size = committed - kept;
  poison::show(range_.data + kept, size);
  if (!os_of_range().decommit({range_.data + kept, size})) return 0;
  first_.end -= size;
  first_.size -= size;
  store_relaxed(held_, held_ - size);
  if (dirty_ > first_.end) dirty_ = first_.end;
  open_window();
  return size;
}

// Requires: the position is 0.
void arena::release_all() noexcept {
  if (watcher_ != nullptr) [[unlikely]]
    watcher_->about_to_rewind(*watcher_, *this, 0);
  while (current_ != &first_) leave_current();
  (void)trim_kept(0);
  next_size_ = 0;
  open_window();
  if (!range_ || is_guest_) return;
  if (poison::is_watched()) [[unlikely]]
    show_all(first_);
  os_of_range().release(range_, first_.size);
  store_relaxed(held_, held_ - first_.size);
  range_ = {};
  first_ = {};
  attach(first_);
}

// --- children ------------------------------------------------------------------------------------

void arena::leave_parent() noexcept {
  arena** link = &parent_->child_;
  while (*link != this) link = &(*link)->sibling_;
  *link = sibling_;
}

// Leaves the parent, and gives the memory back to it if nobody else pushed onto it meanwhile.
void arena::close_as_child() noexcept {
  if (parent_ == nullptr) return;
  leave_parent();
  if (!is_alone_ || parent_->pos() != needs_ || needs_ == opened_at_) return;
  if (parent_->may_give_tail_back(opened_at_)) parent_->rewind_to(opened_at_);
}

// The memory of this arena stays where it is: children go on using it. They become children of the
// parent, in whose memory that lies; where there is none, they lose their upstream.
void arena::hand_children_on() noexcept {
  while (child_ != nullptr) {
    arena& c = *child_;
    child_ = c.sibling_;
    c.parent_ = parent_;
    c.set_upstream(parent_);
    if (parent_ != nullptr) {
      c.sibling_ = parent_->child_;
      parent_->child_ = &c;
      c.needs_ = needs_;
      c.is_alone_ = false;
    }
    for (chunk* list : {c.current_, c.beside_, c.kept_})
      for (; list != nullptr; list = list->previous)
        if (list->source == this) list->source = nullptr;
  }
}

}  // namespace ashlar
