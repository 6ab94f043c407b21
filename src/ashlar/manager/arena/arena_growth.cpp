// SPDX-License-Identifier: MIT
// How an arena gets more memory. The one place that knows what lies behind the window.
#include "ashlar/base/bits.hpp"
#include "ashlar/manager/arena/arena.hpp"
#include "ashlar/manager/backing_scope.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

namespace {

// Of reserved arenas: enough that a system call is rare beside the page faults that follow it, and
// little enough that an arena of a few KiB is charged little. Afterwards an eighth of what there
// is.
constexpr std::size_t default_commit_step = 64_KiB;

// Below this a chunk is mostly its own record.
constexpr std::size_t least_chunk = 512;

std::size_t gap_at(const std::byte* p, std::size_t alignment) {
  return (0 - address_of(p)) & (alignment - 1);
}

// The most that fits from `p` to `end` at an alignment.
std::size_t room_at(const std::byte* p, const std::byte* end, std::size_t alignment) {
  const auto room = static_cast<std::size_t>(end - p);
  const std::size_t gap = gap_at(p, alignment);
  return gap < room ? room - gap : 0;
}

// What the user wants memory to be taken in multiples of.
std::size_t rounding(const arena_options& options) {
  return std::bit_ceil(smaller(larger(options.page_size, 1), 1_GiB));
}

using chunk = detail::arena_chunk;

// How far the blocks begin behind the start of a chunk that is aligned to `alignment`.
std::size_t offset_of_data(std::size_t alignment) { return align_up(sizeof(chunk), alignment); }

std::byte* data_of(chunk& c, std::size_t alignment) {
  std::byte* const after = c.memory + sizeof(chunk);
  return after + gap_at(after, alignment);
}

}  // namespace

// Requires: the window does not have it. Returns the block, which is in use then.
allocation arena::grow(layout needed) noexcept {
  switch (options_.kind) {
    case backing::reserved: return grow_reserved(needed);
    case backing::fixed: return refuse(needed, current_->end);
    case backing::chained:
    case backing::inline_then_chained: break;
  }
  if (needed.size > limit_left()) return allocation::failed(status::over_budget);
  return grow_chained(needed);
}

// Says why a request does not fit between the window's start and `end`, which cannot move.
allocation arena::refuse(layout needed, const std::byte* end) const noexcept {
  const std::size_t room = room_at(cur_, end, needed.alignment);
  if (needed.size <= room) return allocation::failed(status::over_budget);
  const std::size_t gap = gap_at(cur_, needed.alignment);
  const std::size_t allowed = gap < limit_left() ? limit_left() - gap : 0;
  return allocation::failed(status::not_enough_memory, smaller(room, allowed));
}

void arena::open_window() noexcept {
  const auto room = static_cast<std::size_t>(current_->end - cur_);
  end_ = is_shut() ? cur_ : cur_ + smaller(room, limit_left());
}

// --- reserved ------------------------------------------------------------------------------------

os_manager& arena::os_of(const arena_options& options) noexcept {
  if (options.os != nullptr) return *options.os;
  return options.upstream ? options.upstream.os() : system_os();
}

std::size_t arena::granule_of(const arena_options& options, const os_manager& os) noexcept {
  const std::size_t huge = options.huge == huge_pages::wanted ? os::huge_page_size() : 1;
  return larger(os.page_size(), larger(rounding(options), huge));
}

std::size_t arena::commit_step_of(const arena_options& options) noexcept {
  return options.commit_step != 0 ? options.commit_step : default_commit_step;
}

allocation arena::grow_reserved(layout needed) noexcept {
  if (!range_ && !reserve_range()) {
    const bool has_none = os_of_range().available(granule()) < granule();
    return allocation::failed(has_none ? status::not_enough_memory : status::no_memory);
  }
  const std::size_t room = room_at(cur_, range_.end(), needed.alignment);
  if (needed.size > room) return refuse(needed, range_.end());
  const std::size_t size = gap_at(cur_, needed.alignment) + needed.size;
  if (size > limit_left()) return allocation::failed(status::over_budget);
  if (const status why = commit_to(cur_ + size); why != status::success)
    return allocation::failed(why);
  open_window();
  std::byte* p = nullptr;
  (void)take(needed, p);
  return allocation::of(p, needed.size);
}

bool arena::reserve_range() noexcept {
  os_manager& os = os_of_range();
  const std::size_t step = granule();
  const std::size_t most = align_down(os.available(step), step);
  const std::size_t wanted =
      options_.reserve > max_size - step ? options_.reserve : align_up(options_.reserve, step);
  range_ = os.reserve_for(backing_tag(), smaller(larger(wanted, step), most), step);
  if (!range_) return false;
  first_.data = first_.end = first_.dirty = range_.data;
  // Contents that were adopted before may have taken positions already.
  const std::size_t position = pos();
  attach(first_);
  store_relaxed(origin_, origin_ - position);
  open_window();
  return true;
}

// Commits so that `end` lies in committed memory: a good step if it is granted, else what is
// needed.
status arena::commit_to(const std::byte* end) noexcept {
  if (end <= first_.end) return status::success;
  const std::size_t step = granule();
  const auto left = static_cast<std::size_t>(range_.end() - first_.end);
  const std::size_t least =
      smaller(left, align_up(static_cast<std::size_t>(end - first_.end), step));
  const std::size_t wanted = commit_step_of(options_);
  const std::size_t good = align_up(smaller(left, larger(wanted, first_.size / 8)), step);
  // No more than the limit can ever use.
  const auto beyond = static_cast<std::size_t>(first_.end - cur_);
  const std::size_t useful = limit_left() > left + beyond
                                 ? left
                                 : align_up(limit_left() - smaller(limit_left(), beyond), step);
  const std::size_t best = larger(least, smaller(good, useful));
  const status outcome = commit(best);
  return outcome != status::success && best > least ? commit(least) : outcome;
}

status arena::commit(std::size_t size) noexcept {
  os_manager& os = os_of_range();
  const os::range part{first_.end, size};
  if (const status why = os.try_commit(part); why != status::success) return why;
  if (options_.huge != huge_pages::as_system)
    (void)os.advise_huge(part, options_.huge == huge_pages::wanted);
  poison::hide(first_.end, size);
  first_.end += size;
  first_.size += size;
  store_relaxed(held_, held_ + size);
  if (!os.zeroed()) dirty_ = first_.end;
  return status::success;
}

// --- chained -------------------------------------------------------------------------------------

allocation arena::grow_chained(layout needed) noexcept {
  const std::size_t total = total_for(needed);
  if (total > max_size) return allocation::failed(status::too_large);
  const bool is_large = total > larger(options_.growth.cap, options_.growth.first) / 4 ||
                        growth_size_for(total) < total;
  const allocation found = find_chunk(needed, is_large);
  if (!found) return found;
  chunk& c = *static_cast<chunk*>(found.data());
  std::byte* const data = data_of(c, needed.alignment);
  if (is_large) {
    put_beside(c, data, needed.size);
  } else {
    enter(c, data);
    store_relaxed(cur_, data + needed.size);
  }
  return allocation::of(data, needed.size);
}

// Goes on pushing at a multiple of `alignment`, whatever size of chunk that takes.
bool arena::enter_at(std::size_t alignment) noexcept {
  const layout least{1, alignment};
  const std::size_t total = total_for(least);
  if (total > max_size || limit_left() == 0) return false;
  const allocation found = find_chunk(least, growth_size_for(total) < total);
  if (!found) return false;
  chunk& c = *static_cast<chunk*>(found.data());
  enter(c, data_of(c, alignment));
  return true;
}

// Returns the record of an idle chunk or of a new one, or why there is none.
allocation arena::find_chunk(layout needed, bool is_large) noexcept {
  chunk* const idle = take_kept(needed, is_large ? total_for(needed) * 2 : max_size);
  if (idle == nullptr) return new_chunk(needed, is_large);
  return allocation::of(idle, idle->size);
}

// An idle chunk that has room. A large block takes none that it would use less than half of.
detail::arena_chunk* arena::take_kept(layout needed, std::size_t most) noexcept {
  for (chunk** link = &kept_; *link != nullptr; link = &(*link)->previous) {
    chunk* const c = *link;
    if (c->size > most ||
        room_at(c->memory + sizeof(chunk), c->end, needed.alignment) < needed.size)
      continue;
    *link = c->previous;
    kept_size_ -= c->size;
    return c;
  }
  return nullptr;
}

// Returns the record at its start, or why there is none. A good size if it is granted, else what is
// needed.
allocation arena::new_chunk(layout needed, bool is_large) noexcept {
  const memory upstream = upstream_handle();
  const std::size_t alignment = larger(needed.alignment, alignof(chunk));
  const std::size_t total = total_for(needed);
  // Bounded, so that rounding it up does not overflow.
  const std::size_t wanted = is_large ? total : smaller(growth_size_for(total), max_size);
  const std::size_t good = align_up(wanted, rounding(options_));
  const std::size_t before = parent_ != nullptr ? parent_->pos() : 0;
  const backing_scope counted(*this);
  allocation a = upstream.allocate({good, alignment}, fit::get_no_less);
  if (!a && good != total) a = upstream.allocate({total, alignment}, fit::get_no_less);
  if (!a) return refuse_chunk(needed, a);
  if (!is_large) next_size_ = grown(growth_size_for(total));
  if (parent_ != nullptr) note_in_parent(before);
  auto* const start = static_cast<std::byte*>(a.data());
  const bool is_zero = upstream.can(capability::is_os) && upstream.os().zeroed();
  chunk* const c = ::new (a.data()) chunk{};
  c->end = start + a.size();
  c->dirty = is_zero ? start + sizeof(chunk) : c->end;
  c->source = upstream.get();
  c->memory = start;
  c->size = a.size();
  c->alignment = alignment;
  poison::hide(start + sizeof(chunk), c->size - sizeof(chunk));
  store_relaxed(held_, held_ + c->size);
  return a;
}

// What the upstream would have given, less what it would cost; or what the window has.
allocation arena::refuse_chunk(layout needed, const allocation& refused) const noexcept {
  if (refused.reason() != status::not_enough_memory) return refused;
  const std::size_t cost = total_for(needed) - needed.size;
  const std::size_t there = refused.would_fit() > cost ? refused.would_fit() - cost : 0;
  const std::size_t here = room_at(cur_, end_, needed.alignment);
  return allocation::failed(status::not_enough_memory, larger(smaller(there, limit_left()), here));
}

memory arena::upstream_handle() const noexcept {
  return upstream() != nullptr ? *upstream() : static_cast<manager&>(system_os());
}

void arena::note_in_parent(std::size_t before) noexcept {
  is_alone_ = is_alone_ && before == needs_;
  needs_ = parent_->pos();
}

// Goes on pushing at `data`. The rest of the chunk that is left stays unused until a rewind.
void arena::enter(chunk& c, std::byte* data) noexcept {
  const std::size_t position = pos();
  current_->top = cur_;
  current_->origin = origin_;
  current_->dirty = dirty_;
  c.previous = current_;
  c.data = data;
  c.position = position;
  current_ = &c;
  dirty_ = c.dirty;
  store_relaxed(origin_, address_of(data) - position);
  store_relaxed(cur_, data);
  open_window();
}

// Puts `used` positions in front of what comes next in the window.
void arena::put_beside(chunk& c, std::byte* data, std::size_t used) noexcept {
  c.position = pos();
  c.data = data;
  c.top = data + used;
  c.used = used;
  c.is_adopted = false;
  c.previous = beside_;
  beside_ = &c;
  store_relaxed(origin_, origin_ - used);
  open_window();
}

// What a request takes of the upstream: its record and its alignment come on top.
std::size_t arena::total_for(layout needed) noexcept {
  const std::size_t offset = offset_of_data(larger(needed.alignment, alignof(chunk)));
  const bool is_sane = offset <= max_size / 8 && needed.size <= max_size / 8;
  return is_sane ? offset + needed.size : max_size + 1;
}

// The first size of the sequence, from the next one on, that has room for `total`; less if none.
std::size_t arena::growth_size_for(std::size_t total) const noexcept {
  const std::size_t first = smaller(larger(options_.growth.first, least_chunk), max_size / 2);
  std::size_t size = next_size_ != 0 ? next_size_ : first;
  while (size < total && grown(size) > size) size = grown(size);
  return size;
}

std::size_t arena::grown(std::size_t size) const noexcept {
  const std::size_t cap = larger(options_.growth.cap, size);
  std::size_t more = 0;
  if (!checked_multiply(size, options_.growth.percent, more)) return cap;
  return more / 100 > cap - size ? cap : size + more / 100;
}

}  // namespace ashlar
