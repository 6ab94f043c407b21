// SPDX-License-Identifier: MIT
// What an arena does while it is watched, by a watcher or by a tool: the window is closed, and each
// push and rewind is told of.
//
// To a tool each chunk is a pool, named by its record or, where it has none, by its first byte:
// that stays when another arena adopts it.
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/arena/arena.hpp"
#include "ashlar/manager/source/told_pool.hpp"

namespace ashlar {

arena_watcher* arena::exchange_watcher(arena_watcher* watcher) noexcept {
  arena_watcher* const before = watcher_;
  watcher_ = watcher;
  if (current_->data != nullptr) open_window();
  return before;
}

// Requires: the alignment is one, the size is sane.
allocation arena::allocate_shut(layout request, fit wanted, bool zeroed) noexcept {
  const std::size_t size = at_least_one(request.size);
  const std::size_t guard = watcher_ != nullptr ? watcher_->guard : 0;
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  if (request.size > max_size - guard - 1) return allocation::failed(status::too_large);
  if (watcher_ != nullptr) {
    const std::size_t gaps = request.alignment - 1 + (aligned_to_ - 1);
    watcher_->about_to_push(*watcher_, *this, size + guard + gaps);
  }
  allocation a;
  {
    const opened now(*this);
    a = allocate_slow({size + guard, request.alignment}, fit::get_exact);
  }
  if (!a) {
    const std::size_t fits = a.would_fit() > guard ? a.would_fit() - guard : 0;
    return a.reason() == status::not_enough_memory ? allocation::failed(a.reason(), fits) : a;
  }
  auto* const p = static_cast<std::byte*>(a.data());
  if (poison::is_watched()) {
    const void* const pool = pool_at(p);
    open_told_pool(pool, upstream());
    poison::lend(pool, p, size);
  }
  if (zeroed) {
    clear_used(p, size);
    poison::show_defined(p, size);
  }
  if (watcher_ != nullptr) watcher_->pushed(*watcher_, *this, p, size, zeroed);
  return allocation::of(p, wanted == fit::get_exact ? request.size : size);
}

// Behind a block with a guard nothing moves.
allocation arena::resize_shut(block b, std::size_t alignment, const resize& change) noexcept {
  const std::size_t size = at_least_one(change.size);
  b.size = at_least_one(b.size);
  bool is_done = size <= b.size;
  if (watcher_ == nullptr) {
    const opened now(*this);
    is_done = resize_last(b, size) || is_done;
  }
  if (is_done) {
    if (poison::is_watched())
      poison::resize(pool_at(static_cast<std::byte*>(b.data)), b.data, b.size, size);
    return allocation::of(b.data, change.wanted == fit::get_exact ? change.size : size);
  }
  if (!change.may_move) return allocation::failed(status::unsupported);
  const allocation moved = allocate_shut({change.size, alignment}, change.wanted, false);
  if (moved) std::memcpy(moved.data(), b.data, smaller(b.size, change.used));
  return moved;
}

const void* arena::pool_at(const std::byte* p) const noexcept {
  for (const chunk* list :
       {static_cast<const chunk*>(current_), static_cast<const chunk*>(beside_)})
    for (const chunk* c = list; c != nullptr; c = c->previous)
      if (p >= c->data && p < c->end) return pool_of(*c);
  return this;
}

// Nobody may touch what lies in a chunk from `from` on.
void arena::hide_rest(const chunk& c, const std::byte* from) noexcept {
  if (!poison::is_watched() || c.data == nullptr) return;
  if (c.holds_its_record() && c.size > poison::most_hidden) return;  // it never was hidden
  poison::keep_only(pool_of(c), c.data,
                    from > c.data ? static_cast<std::size_t>(from - c.data) : 0);
  poison::hide(from, static_cast<std::size_t>(c.end - from));
}

// Before the memory of a chunk goes back to where it came from.
void arena::show_all(const chunk& c) noexcept {
  if (c.data == nullptr) return;
  poison::close_pool(pool_of(c));
  poison::show_defined(c.data, static_cast<std::size_t>(c.end - c.data));
  if (c.memory != nullptr && c.size != 0) poison::show_defined(c.memory, c.size);
}

}  // namespace ashlar
