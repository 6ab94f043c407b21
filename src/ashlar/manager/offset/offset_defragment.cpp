// SPDX-License-Identifier: MIT
// How an offset manager proposes moves, and what comes of them.
//
// A round has one or two sweeps. Where old and new place may overlap, the first one slides: from
// the lowest range up, each is moved down over the free range in front of it, which leaves one free
// range at the end if nothing is in the way. The second one hops: from the highest range down, each
// is moved into a lower free range that it fits in whole, the lowest of the first few that the bins
// offer.
//
// It ends: each move that is made lowers the sum of all offsets, and a round in which none was made
// and nothing was freed is the last.
//
// A range that moves keeps its record, so its handle keeps naming it. The new place is held by a
// record of its own, the target; when the contents are there, the two change places.
#include <algorithm>
#include <bit>
#include <utility>

#include "ashlar/base/bits.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/offset/offset_manager.hpp"

namespace ashlar {

using namespace offset_bins;
using sweep_kind = offset_image::sweep_kind;

namespace {

// Free ranges that are looked at for one hop, and ranges for one move of a pass. More find more
// moves in one pass and make the longest pass longer.
constexpr int hop_looks = 32;
constexpr std::uint64_t looks_per_move = 16;
constexpr std::uint64_t looks_per_pass = 64;

constexpr std::uint64_t round_up(std::uint64_t n, unsigned alignment_bits) {
  const std::uint64_t alignment = std::uint64_t{1} << alignment_bits;
  return (n + alignment - 1) & ~(alignment - 1);
}

}  // namespace

// --- Where to ------------------------------------------------------------------------------------

// The lowest place in the free range in front, whether the old place begins inside it or not.
offset_manager::place offset_manager::slide_target(std::uint32_t index) const noexcept {
  const offset_record& r = at(index);
  if (r.left == no_record || at(r.left).kind != range_kind::free) return {no_record, 0};
  const std::uint64_t to = round_up(at(r.left).offset, r.alignment_bits);
  return to < r.offset ? place{r.left, to} : place{no_record, 0};
}

offset_manager::place offset_manager::hop_target(std::uint32_t index) const noexcept {
  const offset_record& r = at(index);
  place best{no_record, r.offset};
  int looks = hop_looks;
  std::uint32_t bin = image_->filled.first_from(bin_of(r.units));
  for (; bin != bin_set::none && looks > 0; bin = image_->filled.first_from(bin + 1)) {
    for (std::uint32_t i = image_->bins[bin]; i != no_record && looks > 0; i = at(i).bin.next) {
      --looks;
      const offset_record& hole = at(i);
      const std::uint64_t to = round_up(hole.offset, r.alignment_bits);
      if (to < best.offset && to + r.units <= hole.offset + hole.units) best = {i, to};
    }
  }
  return best;
}

// --- The round -----------------------------------------------------------------------------------

// Starts the next sweep when one is over. Returns false if that was the last.
bool offset_manager::begin_sweep(pass& p) noexcept {
  offset_image& s = *image_;
  if (s.sweep == sweep_kind::slide) {
    s.sweep = sweep_kind::hop;
    s.cursor = s.tail;
    return true;
  }
  if (s.sweep == sweep_kind::hop && !s.has_changed) {
    s.sweep = sweep_kind::none;
    p.done = true;
    return false;
  }
  s.has_changed = false;
  s.sweep = p.limits.may_overlap ? sweep_kind::slide : sweep_kind::hop;
  s.cursor = p.limits.may_overlap ? s.head : s.tail;
  return true;
}

// Opens the next move that is worth it. Returns false when the pass is over.
bool offset_manager::next_move(pass& p, offset_move& out) noexcept {
  while (p.work_left-- != 0) {
    const std::uint32_t index = image_->cursor;
    if (index == no_record) {
      if (!begin_sweep(p)) return false;
      continue;
    }
    const offset_record& r = at(index);
    const bool is_sliding = image_->sweep == sweep_kind::slide;
    const bool is_candidate = r.kind == range_kind::used && r.units <= p.limits.max_units;
    if (is_candidate && r.units > p.units_left) return false;
    image_->cursor = is_sliding ? r.right : r.left;
    if (!is_candidate) continue;
    const place to = is_sliding ? slide_target(index) : hop_target(index);
    if (to.record != no_record && open_move(index, to, out)) return true;
  }
  return false;
}

bool offset_manager::open_move(std::uint32_t index, place to, offset_move& out) noexcept {
  const std::uint64_t units = std::min(at(index).units, at(index).offset - to.offset);
  if (!provide_for(to, units)) return false;
  const std::uint32_t target = carve(to, units);
  offset_record& r = at(index);
  at(target).kind = range_kind::target;
  at(target).user = index;
  at(target).alignment_bits = 0;
  r.kind = range_kind::moving;
  image_->held += units;
  ++image_->open_moves;
  out = {{index, r.generation},          r.user, r.offset, to.offset, r.units,
         {target, at(target).generation}};
  return true;
}

// Goes on where the last pass ended; a round that may not slide any more begins anew.
offset_manager::pass offset_manager::begin_pass(const defragment_limits& limits) noexcept {
  if (!limits.may_overlap && image_->sweep == sweep_kind::slide) {
    image_->sweep = sweep_kind::none;
    image_->cursor = no_record;
  }
  return {limits, limits.max_units, looks_per_pass + looks_per_move * limits.max_moves, false};
}

defragment_outcome offset_manager::begin_moves(std::span<offset_move> moves,
                                               const defragment_limits& limits) noexcept {
  if (image_ == nullptr || image_->used_ranges == 0) return {.done = true};
  const std::size_t most = std::min<std::size_t>(limits.max_moves, moves.size());
  pass p = begin_pass(limits);
  defragment_outcome outcome;
  while (outcome.moves < most && next_move(p, moves[outcome.moves])) {
    p.units_left -= moves[outcome.moves].units;
    outcome.units += moves[outcome.moves++].units;
  }
  outcome.done = p.done && outcome.moves == 0 && image_->open_moves == 0;
  return outcome;
}

defragment_outcome offset_manager::defragment_with(
    const defragment_limits& limits, void* context,
    move_answer (*answer)(void*, const offset_move&)) noexcept {
  if (image_ == nullptr || image_->used_ranges == 0) return {.done = true};
  pass p = begin_pass(limits);
  defragment_outcome outcome;
  offset_move move;
  while (outcome.moves < limits.max_moves && next_move(p, move)) {
    p.units_left -= move.units;
    outcome.units += move.units;
    ++outcome.moves;
    end_move(move, answer(context, move));
  }
  outcome.done = p.done;
  return outcome;
}

// --- The end of a move ---------------------------------------------------------------------------

// Lets two records change places in the order of ranges.
void offset_manager::swap_order(std::uint32_t a, std::uint32_t b) noexcept {
  if (at(b).right == a) std::swap(a, b);
  if (at(a).right == b) {
    at(b).left = std::exchange(at(a).left, b);
    at(a).right = std::exchange(at(b).right, a);
  } else {
    std::swap(at(a).left, at(b).left);
    std::swap(at(a).right, at(b).right);
  }
  relink(a);
  relink(b);
}

// The target is shorter than the range only if it lies right in front of it: the range slides over
// it, and what it leaves free lies behind.
void offset_manager::move_to_target(std::uint32_t index, std::uint32_t target) noexcept {
  offset_record& r = at(index);
  offset_record& t = at(target);
  const bool is_slide = r.left == target;
  const std::uint64_t old = r.offset;
  swap_order(target, index);
  r.offset = t.offset;
  t.offset = is_slide ? r.offset + r.units : old;
}

void offset_manager::end_move(const offset_move& move, move_answer answer) noexcept {
  const std::uint32_t index = move.handle.index;
  const std::uint32_t target = move.target.index;
  const bool is_open = live(move.handle) != nullptr && at(index).kind == range_kind::moving &&
                       target < image_->made && at(target).kind == range_kind::target &&
                       at(target).generation == move.target.generation && at(target).user == index;
  if (!is_open) return report_fault(fault_kind::stale_handle, this);
  if (answer == move_answer::copied) move_to_target(index, target);
  at(index).kind = range_kind::used;
  --image_->open_moves;
  image_->held -= at(target).units;
  const bool has_changed = image_->has_changed || answer != move_answer::ignored;
  end_range(target);
  image_->has_changed = has_changed;
  if (answer == move_answer::destroyed) deallocate(move.handle);
}

void offset_manager::close_all_moves() noexcept {
  for (std::uint32_t i = 0; i < image_->made && image_->open_moves != 0; ++i) {
    if (at(i).kind != range_kind::target) continue;
    const auto moving = static_cast<std::uint32_t>(at(i).user);
    end_move({.handle = {moving, at(moving).generation}, .target = {i, at(i).generation}},
             move_answer::ignored);
  }
}

}  // namespace ashlar
