// SPDX-License-Identifier: MIT
#include "ashlar/manager/arena/stack_manager.hpp"

#include <cstring>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/backing_scope.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

namespace {

// The arena under a stack stays out of the registry: the stack stands there.
arena_options without_name(arena_options options) {
  options.name = nullptr;
  return options;
}

}  // namespace

stack_manager::stack_manager(const arena_options& options) noexcept
    : manager(ops_for<stack_manager>, nullptr), arena_(without_name(options)) {
  set_upstream(arena_.upstream());
  join_registry(options.name);
}

allocation stack_manager::allocate(layout request, fit wanted) noexcept {
  return push(request, wanted, false);
}

allocation stack_manager::allocate_zeroed(layout request, fit wanted) noexcept {
  return push(request, wanted, true);
}

// The record and what aligns the block behind it lie in one block of the arena.
allocation stack_manager::push(layout request, fit wanted, bool zeroed) noexcept {
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  const std::size_t alignment =
      request.alignment < alignof(record) ? alignof(record) : request.alignment;
  const std::size_t offset = align_up(sizeof(record), alignment);
  if (offset > max_size || request.size > max_size - offset)
    return allocation::failed(status::too_large);
  const std::size_t size = at_least_one(request.size);
  const std::size_t position = arena_.pos();
  const layout needed{offset + size, alignment};
  const backing_scope counted(*this);  // the arena has no tag of its own
  const allocation a = zeroed ? arena_.allocate_zeroed(needed) : arena_.allocate(needed);
  if (!a) {
    if (a.reason() != status::not_enough_memory) return a;
    return allocation::failed(a.reason(), a.would_fit() > offset ? a.would_fit() - offset : 0);
  }
  auto* const data = static_cast<std::byte*>(a.data()) + offset;
  top_ = ::new (data - sizeof(record)) record{top_, position};
  store_relaxed(live_, live_ + 1);
  return allocation::of(data, wanted == fit::get_exact ? request.size : size);
}

void stack_manager::deallocate(block b, std::size_t) noexcept {
  if (b.data == nullptr) return;
  if (top_ == nullptr || b.data != top_->data())
    return report_fault(fault_kind::out_of_order_free, b.data);
  std::size_t position = top_->position;
  for (top_ = top_->below; top_ != nullptr && top_->is_dead(); top_ = top_->below)
    position = top_->start();
  arena_.pop_to(position);
  store_relaxed(live_, live_ - 1);
}

allocation stack_manager::reallocate(block b, std::size_t alignment,
                                     const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  if (change.size > max_size) return allocation::failed(status::too_large);
  const bool is_top = top_ != nullptr && b.data == top_->data();
  const std::size_t size = at_least_one(change.size);
  if (is_top) {
    const std::size_t whole_alignment = larger(alignment, alignof(record));
    const std::size_t offset = align_up(sizeof(record), whole_alignment);
    const block whole = {static_cast<std::byte*>(b.data) - offset, offset + at_least_one(b.size)};
    const std::size_t wanted = size <= max_size - offset ? offset + size : max_size;
    const allocation a =
        arena_.reallocate(whole, whole_alignment, {.size = wanted, .used = 0, .may_move = false});
    if (a) return allocation::of(b.data, change.wanted == fit::get_exact ? change.size : size);
  } else if (!arena_.owns(b.data)) {
    report_fault(fault_kind::invalid_resize, b.data);
  } else if (size <= at_least_one(b.size)) {
    return allocation::of(b.data, change.size);
  }
  if (!is_top || !change.may_move) return allocation::failed(status::unsupported);
  record* const old = top_;
  const allocation moved = allocate({change.size, alignment}, change.wanted);
  if (!moved) return moved;
  std::memcpy(moved.data(), b.data, smaller(smaller(b.size, change.used), size));
  old->position |= max_size + 1;
  store_relaxed(live_, live_ - 1);
  return moved;
}

// The blocks that end are counted first: afterwards their records are free memory. If the arena
// refuses the mark, nothing has changed.
void stack_manager::rewind(mark place) noexcept {
  record* top = top_;
  std::size_t ended = 0;
  for (; top != nullptr && (top->is_dead() || top->start() >= place.position); top = top->below)
    ended += !top->is_dead();
  const std::size_t before = arena_.pos();
  arena_.rewind(place);
  if (arena_.pos() == before) return;
  top_ = top;
  store_relaxed(live_, live_ - ended);
}

void stack_manager::free_all() noexcept {
  arena_.free_all();
  top_ = nullptr;
  store_relaxed(live_, std::size_t{0});
}

manager_usage stack_manager::usage() const noexcept {
  manager_usage now = arena_.usage();
  now.live_blocks = load_relaxed(live_);
  return now;
}

bool stack_manager::check_invariants() const noexcept {
  std::size_t count = 0;
  std::size_t above = arena_.pos();
  bool is_well = arena_.check_invariants();
  for (const record* r = top_; r != nullptr; r = r->below) {
    is_well = is_well && r->start() < above;
    above = r->start();
    count += !r->is_dead();
  }
  return is_well && count == live_;
}

}  // namespace ashlar
