// SPDX-License-Identifier: MIT
// How one arena takes over what another one holds.
//
// All chunks of the other come to lie beside the current one. How positions run through them is not
// known here any more, so one of them, the newest, takes all positions: it ends first, and the
// others, which take none, with it. A record that lies in the other arena (of its buffer or its
// reservation) is copied into a block of this one, below the positions of what it describes.
#include "ashlar/manager/arena/arena.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

status arena::adopt(arena& other) noexcept {
  const std::size_t size = other.pos();
  if (&other == this || size == 0) return status::success;
  if (other.child_ != nullptr || other.parent_ != nullptr || other.is_guest_ ||
      other.watcher_ != nullptr)
    return status::unsupported;
  const std::size_t before = pos();
  void* record = nullptr;
  if (other.first_.data != nullptr) {
    const allocation a = allocate({sizeof(chunk), alignof(chunk)});
    if (!a) return a.reason();
    record = a.data();
  }
  if (size > limit_left()) {
    rewind_to(before);
    return status::over_budget;
  }
  adopt_owned(other);
  other.current_->top = other.cur_;
  other.current_->dirty = other.dirty_;
  if (record != nullptr) adopt_first(other, *::new (record) chunk{});
  adopt_chunks(other.current_, other.first_);
  adopt_chunks(other.beside_, other.first_);
  beside_->used = size;
  beside_->is_adopted = true;
  store_relaxed(origin_, origin_ - size);
  open_window();
  other.forget_everything();
  return status::success;
}

// Links a list beside the current chunk. None of it takes positions yet.
void arena::adopt_chunks(chunk* list, const chunk& but) noexcept {
  while (list != nullptr) {
    chunk& c = *list;
    list = c.previous;
    if (&c == &but) continue;
    c.position = pos();
    c.used = 0;
    c.previous = beside_;
    beside_ = &c;
    store_relaxed(held_, held_ + c.size);
  }
}

void arena::adopt_first(arena& other, chunk& record) noexcept {
  record = other.first_;
  if (other.range_) {
    record.source = &other.os_of_range();
    record.memory = other.range_.data;
    record.reserved = other.range_.size;
  }
  record.position = pos();
  record.previous = beside_;
  beside_ = &record;
  store_relaxed(held_, held_ + record.size);
}

void arena::adopt_owned(arena& other) noexcept {
  finalizer* oldest = nullptr;
  for (finalizer* f = other.last_owned_; f != nullptr; f = f->previous) {
    f->end += pos();
    oldest = f;
  }
  if (oldest == nullptr) return;
  oldest->previous = last_owned_;
  last_owned_ = other.last_owned_;
}

// What was in use belongs to somebody else now; idle chunks stay.
void arena::forget_everything() noexcept {
  note_peak();
  current_ = &first_;
  beside_ = nullptr;
  last_owned_ = nullptr;
  range_ = {};
  first_ = {};
  next_size_ = 0;
  history_.rewound(0);
  store_relaxed(held_, kept_size_);
  attach(first_);
}

}  // namespace ashlar
