// SPDX-License-Identifier: MIT
// How fit managers allocate. A part of fit_manager.cpp.
#pragma once

#include <cstring>

#include "ashlar/manager/fit/fit_manager.hpp"

namespace ashlar {

namespace fit_detail {

// How far behind the start of a block an aligned payload can begin: not at all, or with room for a
// free block in front.
inline std::size_t gap_to(fit_block* b, std::size_t alignment) {
  const std::uintptr_t payload = address_of(b->payload());
  const std::size_t gap = align_up(payload, alignment) - payload;
  return gap < fit_block::crumb && gap != 0 ? gap + alignment : gap;
}

// Of alignments up to 16.
inline bool is_aligned_for(fit_block* b, std::size_t alignment) {
  return is_aligned(address_of(b->payload()), alignment);
}

// Blocks of just the right size that are looked at for one that is aligned well by chance.
inline constexpr unsigned aligned_tries = 4;

// Of blocks that are large enough but for their alignment the first ones that an index has to
// offer, from `b` on.
template <class Index>
fit_block* aligned_from(const Index& index, fit_block* b, std::size_t need, std::size_t alignment) {
  for (unsigned i = 0; i < aligned_tries && b != nullptr; ++i, b = index.find_next(b))
    if (gap_to(b, alignment) + need <= b->size()) return b;
  return nullptr;
}

}  // namespace fit_detail

template <class Index>
allocation fit_manager<Index>::allocate(layout request, fit wanted) noexcept {
  finish_free();
  // What is wrong with a request is told apart in the slow path.
  if (request.alignment - 1 < fit_block::alignment && is_power_of_two(request.alignment) &&
      request.size < space_.quick_below()) [[likely]] {
    const std::size_t need = fit_block::size_for(request.size, request.alignment);
    if (fit_block* const b = index_.find(need)) [[likely]] {
      if (fit_detail::is_aligned_for(b, request.alignment)) [[likely]]
        return serve({b, 0}, need, request.size, wanted);
    } else if (need <= space_.room_now() &&
               fit_detail::is_aligned_for(space_.top(), request.alignment)) [[likely]] {
      return serve_top(0, need, request.size, wanted);
    }
  }
  return allocate_elsewhere(request, wanted);
}

template <class Index>
ASHLAR_FORCE_INLINE allocation fit_manager<Index>::serve(place where, std::size_t need,
                                                         std::size_t asked, fit wanted) {
  fit_block* const from = where.from;
  if (from->is_used()) [[unlikely]]
    return refuse_corrupt(from);
  const std::size_t available = from->size();
  const std::size_t size = fit_block::cut(available - where.gap, need);
  if (is_over_budget(size - fit_block::header)) [[unlikely]]
    return allocation::failed(status::over_budget);
  index_.remove(from);
  fit_block* const b = from->after(where.gap);
  fit_block* const behind = b->after(size);
  if (where.gap + size == available)
    behind->head |= fit_block::previous_used_bit;
  else
    insert_free(behind, available - where.gap - size);
  if (where.gap != 0) insert_free(from, where.gap);
  return finish(b, size, asked, wanted, where.gap == 0 ? fit_block::previous_used_bit : 0);
}

// Requires: gap + need <= space_.room_now().
template <class Index>
ASHLAR_FORCE_INLINE allocation fit_manager<Index>::serve_top(std::size_t gap, std::size_t need,
                                                             std::size_t asked, fit wanted) {
  if (is_over_budget(need - fit_block::header)) [[unlikely]]
    return allocation::failed(status::over_budget);
  fit_block* const top = space_.top();
  fit_block* const b = top->after(gap);
  space_.set_top(b->after(need));
  if (gap != 0) insert_free(top, gap);
  return finish(b, need, asked, wanted, gap == 0 ? fit_block::previous_used_bit : 0);
}

template <class Index>
ASHLAR_FORCE_INLINE allocation fit_manager<Index>::finish(fit_block* b, std::size_t size,
                                                          std::size_t asked, fit wanted,
                                                          std::uint64_t previous) {
  space_.lend(b, size, asked);
  const std::size_t usable = size - fit_block::header;
  const std::size_t given = wanted == fit::get_no_less ? usable : asked;
  // Of what was asked for, whatever the caller now knows: it may be freed with either size.
  b->set_used(size, usable - asked, tag(), previous);
  use_.add(usable);
  return allocation::of(b->payload(), given);
}

template <class Index>
ASHLAR_COLD allocation fit_manager<Index>::refuse_corrupt(fit_block* b) const {
  report_fault(fault_kind::corruption, b->payload());
  return allocation::failed(status::no_memory);
}

// The first request, alignments of more than 16, those of 16 where others lie between, the growing
// region, and everything that fails.
template <class Index>
ASHLAR_NO_INLINE allocation fit_manager<Index>::allocate_elsewhere(layout request, fit wanted) {
  if (!is_power_of_two(request.alignment) || request.alignment > fit_block::reach)
    return allocation::failed(status::bad_alignment);
  if (request.size > max_size) return allocation::failed(status::too_large);
  if (const status ready = prepare(); ready != status::success) return allocation::failed(ready);
  const std::size_t need = need_for(request);
  if (space_.is_watched()) wanted = fit::get_exact;  // the slack is not to be touched
  const place where = find_place(need, request.alignment);
  if (where.from == nullptr) return refusal(request);
  if (where.from != space_.top()) return serve(where, need, request.size, wanted);
  // Committing comes last: a refused request has not grown the region.
  if (is_over_budget(need - fit_block::header)) return allocation::failed(status::over_budget);
  if (const status why = space_.commit(where.gap + need); why != status::success)
    return allocation::failed(why);
  return serve_top(where.gap, need, request.size, wanted);
}

template <class Index>
status fit_manager<Index>::prepare() {
  if (space_.is_ready()) return status::success;
  const status outcome = space_.prepare(backing_tag());
  if (outcome != status::success) return outcome;
  index_ = Index(space_.links());
  if (upstream() == nullptr && space_.is_from_os()) set_upstream(space_.os());
  return outcome;
}

template <class Index>
auto fit_manager<Index>::find_place(std::size_t need, std::size_t alignment) const -> place {
  if (need > fit_block::reach) return {};
  fit_block* b = index_.find(need);
  if (alignment <= fit_block::granule) {
    if (b != nullptr) return {b, 0};
  } else {
    b = fit_detail::aligned_from(index_, b, need, alignment);
    // However a block lies, this much more is enough.
    if (b == nullptr) b = index_.find(need + alignment + fit_block::granule);
    if (b != nullptr) return {b, fit_detail::gap_to(b, alignment)};
  }
  const std::size_t gap =
      alignment > fit_block::granule ? fit_detail::gap_to(space_.top(), alignment) : 0;
  if (gap + need <= space_.room()) return {space_.top(), gap};
  return alignment > fit_block::granule ? find_place_by_chance(need, alignment) : place{};
}

// Before a request is refused: the first blocks of each size, or bin, that there is from `need` on.
// They are what a larger request would be served from, so none is served where a smaller one is
// refused, and the bisection of `refusal` finds the largest. Bins: four looks for each that is not
// empty; the tree: for each size up to the one that is surely enough.
template <class Index>
ASHLAR_COLD auto fit_manager<Index>::find_place_by_chance(std::size_t need,
                                                          std::size_t alignment) const -> place {
  for (fit_block* first = index_.find(need); first != nullptr; first = index_.find_larger(first)) {
    fit_block* const b = fit_detail::aligned_from(index_, first, need, alignment);
    if (b != nullptr) return {b, fit_detail::gap_to(b, alignment)};
  }
  return {};
}

template <class Index>
bool fit_manager<Index>::can_serve(layout request) const {
  const std::size_t need = need_for(request);
  const place where = find_place(need, request.alignment);
  if (where.from == nullptr) return false;
  const std::size_t size =
      where.from == space_.top() ? need : fit_block::cut(where.from->size() - where.gap, need);
  return !is_over_budget(size - fit_block::header);
}

template <class Index>
ASHLAR_COLD allocation fit_manager<Index>::refusal(layout request) const {
  const std::size_t least = need_for(request) - fit_block::header;
  if (is_over_budget(least)) return allocation::failed(status::over_budget);
  if (!can_serve({0, request.alignment})) return allocation::failed(status::not_enough_memory, 0);
  // The largest size that would be served, found by asking.
  std::size_t served = 0;
  std::size_t refused = request.size < fit_block::reach ? request.size : fit_block::reach;
  while (refused - served > 1) {
    const std::size_t middle = served + (refused - served) / 2;
    (can_serve({middle, request.alignment}) ? served : refused) = middle;
  }
  return allocation::failed(status::not_enough_memory, served);
}

template <class Index>
allocation fit_manager<Index>::allocate_zeroed(layout request, fit wanted) noexcept {
  if (const status ready = prepare(); ready != status::success) {
    return allocate(request, wanted);  // which says why
  }
  const std::byte* const fresh = space_.fresh();
  const allocation a = allocate(request, wanted);
  if (a) {
    auto* const data = static_cast<std::byte*>(a.data());
    std::memset(data, 0, space_.dirty_prefix(data, a.size(), fresh));
    if (space_.is_watched()) [[unlikely]]
      poison::show_defined(data, a.size());
  }
  return a;
}

}  // namespace ashlar
