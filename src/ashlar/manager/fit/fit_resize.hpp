// SPDX-License-Identifier: MIT
// How fit managers resize: in place, else by sliding down over a free block in front, else by
// moving. A part of fit_manager.cpp.
#pragma once

#include <cstring>

#include "ashlar/manager/fit/fit_free.hpp"

namespace ashlar {

template <class Index>
allocation fit_manager<Index>::reallocate(block b, std::size_t alignment,
                                          const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  finish_free();
  fit_block* const old = space_.live(b.data);
  if (old == nullptr || old->usable() - b.size > old->slack() ||
      !space_.are_neighbours_whole(old)) {
    report_fault(fault_kind::invalid_resize, b.data);
    return allocation::failed(status::unsupported);
  }
  if (change.size > max_size) return allocation::failed(status::too_large);
  const std::size_t need = need_for({change.size, alignment});
  const std::size_t most = change.most < max_size ? change.most + space_.red_zone() : change.most;
  const std::size_t held = space_.lent(old);
  if (resize_in_place(old, need, most)) return resized(old, change, held);
  if (!change.may_move) {
    const bool is_beyond = need > old->size() && need - fit_block::header > most;
    return allocation::failed(is_beyond ? status::over_budget : status::unsupported);
  }
  // It grows: all of the old size fits.
  const std::size_t keep = smaller(smaller(change.used, b.size), held);
  if (fit_block* const moved = slide_down(old, need, alignment, keep))
    return resized(moved, change, keep);
  const allocation fresh = allocate({change.size, alignment}, change.wanted);
  if (!fresh) return fresh;
  std::memcpy(fresh.data(), b.data, keep);
  release(old);
  return fresh;
}

template <class Index>
bool fit_manager<Index>::resize_in_place(fit_block* b, std::size_t need, std::size_t most) {
  if (need > b->size()) return grow(b, need, most);
  shrink(b, need);
  return true;
}

template <class Index>
void fit_manager<Index>::set_size(fit_block* b, std::size_t size) {
  use_.change(b->size(), size);
  b->head = (b->head & ~fit_block::size_mask) | size;
}

template <class Index>
void fit_manager<Index>::shrink(fit_block* b, std::size_t need) {
  const std::size_t rest = b->size() - need;
  fit_block* const next = b->next();
  // A rest too small to be a block can still join a free neighbour.
  const bool joins = !next->is_used() || next == space_.top();
  if (rest == 0 || (rest < fit_block::crumb && !joins)) return;
  set_size(b, need);
  fit_block* const tail = b->next();
  space_.open(tail, fit_block::header);
  tail->head = fit_block::previous_used_bit;
  join_and_insert(tail, rest);
}

template <class Index>
bool fit_manager<Index>::grow(fit_block* b, std::size_t need, std::size_t most) {
  const std::size_t size = b->size();
  if (need - fit_block::header > most) return false;
  fit_block* const next = b->next();
  if (next == space_.top()) {
    const std::size_t more = need - size;
    if (more > space_.room() || is_over_budget(more) || space_.commit(more) != status::success)
      return false;
    space_.set_top(b->after(need));
    space_.open(next, more);
    set_size(b, need);
    return true;
  }
  if (next->is_used() || size + next->size() < need) return false;
  const std::size_t total = size + next->size();
  const std::size_t grown = fit_block::cut(total, need);
  if (grown - fit_block::header > most || is_over_budget(grown - size)) return false;
  index_.remove(next);
  space_.open(next, grown - size);
  if (grown == total)
    b->after(total)->head |= fit_block::previous_used_bit;
  else
    insert_free(b->after(grown), total - grown);
  set_size(b, grown);
  return true;
}

// The block takes the place of the free one before it, and of the one behind it if that is free.
// Nothing is searched, and what moves stays in its neighbourhood.
template <class Index>
fit_block* fit_manager<Index>::slide_down(fit_block* b, std::size_t need, std::size_t alignment,
                                          std::size_t keep) {
  if (b->is_previous_used()) return nullptr;
  fit_block* const first = b->previous();
  fit_block* const next = b->next();
  const bool is_last = next == space_.top();
  const std::size_t total = first->size() + b->size() + (next->is_used() ? 0 : next->size());
  if (total < need || !is_aligned(address_of(first->payload()), alignment)) return nullptr;
  const std::size_t size = is_last ? need : fit_block::cut(total, need);
  const std::size_t old_size = b->size();
  if (size > old_size && is_over_budget(size - old_size)) return nullptr;
  index_.remove(first);
  space_.open(first, first->size());
  if (!next->is_used()) {
    index_.remove(next);
    space_.open(next, next->size());
  }
  const tag_id tag = b->tag();
  std::memmove(first->payload(), b->payload(), keep);
  first->set_used(old_size, 0, tag, fit_block::previous_used_bit);
  set_size(first, size);
  fit_block* const behind = first->after(total);
  if (is_last) {
    space_.set_top(first->after(size));
  } else if (size == total) {
    behind->head |= fit_block::previous_used_bit;
  } else {
    behind->head &= ~fit_block::previous_used_bit;
    insert_free(first->after(size), total - size);
  }
  return first;
}

template <class Index>
allocation fit_manager<Index>::resized(fit_block* b, const resize& change, std::size_t kept) {
  b->set_used(b->size(), b->usable() - change.size, b->tag(),
              b->head & fit_block::previous_used_bit);
  space_.lend_again(b, kept);
  const std::size_t given = change.wanted == fit::get_no_less ? space_.lent(b) : change.size;
  return allocation::of(b->payload(), given);
}

}  // namespace ashlar
