// SPDX-License-Identifier: MIT
// The arena's table, its making and ending, and the slow halves of allocate and reallocate.
#include "ashlar/manager/arena/arena.hpp"

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

/// Makes the tables: what the class declares, with the slow halves where it has fast ones in front.
struct arena_tables {
  static constexpr manager_ops make(capability more) {
    manager_ops t = make_ops<arena>();
    t.can = t.can | more;
    t.allocate = [](manager& m, layout request, fit wanted) noexcept {
      return static_cast<arena&>(m).allocate_slow(request, wanted);
    };
    t.allocate_zeroed = [](manager& m, layout request, fit wanted) noexcept {
      return static_cast<arena&>(m).allocate_zeroed_slow(request, wanted);
    };
    t.deallocate = [](manager&, block, std::size_t) noexcept {};
    t.reallocate = [](manager& m, block b, std::size_t alignment, const resize& change) noexcept {
      return static_cast<arena&>(m).resize_block(b, alignment, change);
    };
    return t;
  }
};

namespace detail {
constinit const manager_ops arena_ops = arena_tables::make(capability::none);
constinit const manager_ops fixed_arena_ops = arena_tables::make(capability::bounded);
}  // namespace detail

namespace {

bool has_buffer(backing kind) {
  return kind == backing::fixed || kind == backing::inline_then_chained;
}

arena_options as_child_of(arena& parent, const arena_options& options) {
  arena_options child = options;
  if (child.kind != backing::inline_then_chained) child.kind = backing::chained;
  child.upstream = parent;
  return child;
}

}  // namespace

// Who gives the memory, as far as that is a manager.
manager* arena::upstream_of(const arena_options& options) noexcept {
  if (options.kind == backing::fixed) return nullptr;
  if (options.kind != backing::reserved && options.upstream) return options.upstream.get();
  return &os_of(options);
}

arena::arena(const arena_options& options) noexcept
    : manager(options.kind == backing::fixed ? detail::fixed_arena_ops : detail::arena_ops,
              upstream_of(options)),
      auto_align_(at_least_one(options.auto_align)),
      limit_(options.limit),
      options_(options) {
  set_up();
  join_registry(options.name);
}

arena::arena(const arena_options& options, os::range range, std::size_t committed,
             std::size_t used) noexcept
    : arena(options) {
  range_ = range;
  is_guest_ = true;
  first_ = {.data = range.data + used, .end = range.data + committed, .size = committed};
  first_.dirty = os_of_range().zeroed() ? first_.data : first_.end;
  store_relaxed(held_, committed);
  attach(first_);
  hide_rest(first_, first_.data);
}

arena::arena(arena& parent, const arena_options& options) noexcept
    : arena(as_child_of(parent, options)) {
  parent_ = &parent;
  opened_at_ = needs_ = parent.pos();
  sibling_ = parent.child_;
  parent.child_ = this;
}

arena::~arena() {
  leave_registry();
  if (child_ != nullptr) {
    report_fault(fault_kind::still_in_use, this);
    hand_children_on();
    if (parent_ != nullptr) leave_parent();
    return;
  }
  run_finalizers(0);
  rewind_to(0);
  release_all();
  if (poison::is_watched()) [[unlikely]]
    show_all(first_);
  close_as_child();
}

// The buffer is there from the start; everything else comes with the first request.
void arena::set_up() noexcept {
  const std::span<std::byte> buffer = options_.buffer;
  if (has_buffer(options_.kind) && !buffer.empty()) {
    first_ = {.data = buffer.data(), .end = buffer.data() + buffer.size()};
    first_.memory = first_.data;
    // The buffer of one that has no upstream is all that it holds; else it holds what it took.
    if (options_.kind == backing::fixed) first_.size = buffer.size();
    first_.dirty = options_.buffer_zeroed ? first_.data : first_.end;
    store_relaxed(held_, first_.size);
    hide_rest(first_, first_.data);
  }
  attach(first_);
}

// Begins at position 0 of a chunk.
void arena::attach(chunk& c) noexcept {
  dirty_ = c.dirty;
  store_relaxed(origin_, address_of(c.data));
  store_relaxed(cur_, c.data);
  open_window();
}

// --- the slow halves -----------------------------------------------------------------------------

allocation arena::allocate_slow(layout request, fit wanted) noexcept {
  if (const status why = fault_of(request); why != status::success) return allocation::failed(why);
  if (is_shut()) [[unlikely]]
    return allocate_shut(request, wanted, false);
  layout needed{at_least_one(request.size), request.alignment};
  // Where a push_aligner was just before, its alignment holds in whatever chunk comes.
  if (pos() == aligned_at_ && aligned_to_ > needed.alignment) needed.alignment = aligned_to_;
  std::byte* p = nullptr;
  if (!take(needed, p)) {
    const allocation grown = grow(needed);
    if (!grown) return grown;
    p = static_cast<std::byte*>(grown.data());
  }
  return allocation::of(p, wanted == fit::get_exact ? request.size : needed.size);
}

allocation arena::allocate_zeroed_slow(layout request, fit wanted) noexcept {
  if (is_shut()) [[unlikely]]
    return allocate_shut(request, wanted, true);
  const allocation fresh = allocate_slow(request, wanted);
  if (fresh) clear_used(static_cast<std::byte*>(fresh.data()), at_least_one(request.size));
  return fresh;
}

// Clears what was used before of a block that was just taken.
void arena::clear_used(std::byte* p, std::size_t size) noexcept {
  const bool is_beside = beside_ != nullptr && p == beside_->data;
  const std::byte* const dirty = is_beside ? beside_->dirty : dirty_;
  if (p < dirty) std::memset(p, 0, smaller(size, static_cast<std::size_t>(dirty - p)));
}

allocation arena::resize_block(block b, std::size_t alignment, const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  if (change.size > max_size) return allocation::failed(status::too_large);
  if (is_shut()) [[unlikely]]
    return resize_shut(b, alignment, change);
  const std::size_t size = at_least_one(change.size);
  b.size = at_least_one(b.size);
  if (resize_last(b, size) || size <= b.size)
    return allocation::of(b.data, change.wanted == fit::get_exact ? change.size : size);
  if (!change.may_move) return allocation::failed(status::unsupported);
  const allocation moved = allocate({change.size, alignment}, change.wanted);
  if (moved) std::memcpy(moved.data(), b.data, smaller(b.size, change.used));
  return moved;
}

// Returns whether the block has its new size, in place, and the position has followed.
bool arena::resize_last(block b, std::size_t size) noexcept {
  auto* const data = static_cast<std::byte*>(b.data);
  if (data + b.size != cur_ || data < current_->data) return false;
  if (size < b.size) {
    const std::size_t position = pos() - (b.size - size);
    const bool is_beside = is_beside_newer() && position < beside_->position + beside_->used;
    if (is_beside || !may_give_tail_back(position)) return false;
    note_peak();
    if (cur_ > dirty_) dirty_ = cur_;
    store_relaxed(cur_, data + size);
    return true;
  }
  const std::size_t more = size - b.size;
  if (more <= static_cast<std::size_t>(end_ - cur_)) {
    store_relaxed(cur_, cur_ + more);
    return true;
  }
  return options_.kind == backing::reserved && static_cast<bool>(grow({more, 1}));
}

// Not while a mark, an owned object or a child lies above.
bool arena::may_give_tail_back(std::size_t position) const noexcept {
  if (history_.has_marks_above(position)) return false;
  if (last_owned_ != nullptr && last_owned_->end > position) return false;
  for (const arena* c = child_; c != nullptr; c = c->sibling_)
    if (c->needs_ > position) return false;
  return true;
}

bool arena::push_aligner(std::size_t alignment) noexcept {
  if (!is_power_of_two(alignment)) return false;
  if (is_shut()) {
    if (watcher_ != nullptr) watcher_->about_to_push(*watcher_, *this, alignment);
    const opened now(*this);
    return push_aligner(alignment);
  }
  const std::size_t gap = (0 - address_of(cur_)) & (alignment - 1);
  if (gap < static_cast<std::size_t>(end_ - cur_)) {
    store_relaxed(cur_, cur_ + gap);
  } else if (options_.kind == backing::chained || options_.kind == backing::inline_then_chained) {
    if (!enter_at(alignment)) return false;
  } else {
    // A byte at such an address, which is given back at once.
    if (!allocate({1, alignment})) return false;
    store_relaxed(cur_, cur_ - 1);
  }
  aligned_at_ = pos();
  aligned_to_ = alignment;
  return true;
}

// --- what it says of itself ----------------------------------------------------------------------

bool arena::owns(const void* p) const noexcept {
  const auto* const byte = static_cast<const std::byte*>(p);
  bool found = false;
  for_each_chunk(
      [&](const chunk_view& c) { found = found || (byte >= c.data && byte < c.data + c.used); });
  return found;
}

// The words are read one by one: while the owner changes chunks, their difference may mean nothing.
manager_usage arena::usage() const noexcept {
  const std::size_t held = load_relaxed(held_);
  const std::size_t used = address_of(load_relaxed(cur_)) - load_relaxed(origin_);
  const std::size_t peak = load_relaxed(peak_);
  manager_usage now{.used = smaller(used, held + options_.buffer.size()), .held = held};
  now.peak_used = now.used > peak ? now.used : peak;
  if (limit_ != arena_options::unlimited) now.limit = limit_;
  return now;
}

std::size_t arena::page_size() const noexcept {
  return options_.page_size != 0 ? options_.page_size : granule();
}

bool arena::check_invariants() const noexcept {
  bool is_well = cur_ <= end_ && end_ <= current_->end && cur_ >= current_->data;
  is_well = is_well && pos() <= limit_ && static_cast<std::size_t>(end_ - cur_) <= limit_left();
  std::size_t held = kept_size_;
  std::size_t kept = 0;
  std::size_t above = pos();
  for (const chunk* c = current_; c != nullptr; c = c->previous) {
    is_well = is_well && c->position <= above;
    above = c->position;
    held += c->size;
  }
  above = pos();
  for (const chunk* c = beside_; c != nullptr; c = c->previous) {
    is_well = is_well && c->position + c->used <= above && c->data <= c->top && c->top <= c->end;
    above = c->position;
    held += c->size;
  }
  for (const chunk* c = kept_; c != nullptr; c = c->previous) kept += c->size;
  const bool owned_is_well = last_owned_ == nullptr || last_owned_->end <= pos();
  return is_well && held == held_ && kept == kept_size_ && owned_is_well;
}

}  // namespace ashlar
