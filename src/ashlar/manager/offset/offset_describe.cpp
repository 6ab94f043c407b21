// SPDX-License-Identifier: MIT
// What an offset manager says of itself, and whether its state is sound.
//
// `broken_rule` also judges images that come from elsewhere, so it believes no index and no count
// before it has compared it with what there is.
#include <cstring>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/offset/offset_manager.hpp"

namespace ashlar {

using namespace offset_bins;

offset_report offset_manager::report() const noexcept {
  if (image_ == nullptr) {
    return {.units = units_,
            .free = units_,
            .largest_free = units_,
            .limit = limit_,
            .free_ranges = units_ != 0 ? 1u : 0u};
  }
  const offset_image& s = *image_;
  return {.units = s.units,
          .used = s.used,
          .peak_used = s.peak_used,
          .held_by_moves = s.held,
          .free = s.units - s.used - s.held,
          .largest_free = largest_free(),
          .limit = s.limit,
          .used_ranges = s.used_ranges,
          .free_ranges = s.free_ranges,
          .metadata_bytes = metadata_ ? metadata_block_.size : user_block_.size()};
}

void offset_manager::walk_with(void* context,
                               bool (*visit)(void*, const walked_range&)) const noexcept {
  if (image_ == nullptr) {
    if (units_ != 0) visit(context, {{{}, first_, units_}, range_kind::free, 0});
    return;
  }
  for (std::uint32_t i = image_->head; i != no_record; i = at(i).right) {
    const offset_record& r = at(i);
    const bool is_live = r.kind == range_kind::used || r.kind == range_kind::moving;
    const offset_handle handle = is_live ? offset_handle{i, r.generation} : offset_handle{};
    if (!visit(context, {{handle, r.offset, r.units}, r.kind, is_live ? r.user : 0})) return;
  }
}

void offset_manager::for_each_bin_with(void* context,
                                       bool (*visit)(void*, const offset_bin&)) const noexcept {
  if (image_ == nullptr) return;
  std::uint32_t bin = image_->filled.first_from(0);
  for (; bin != bin_set::none; bin = image_->filled.first_from(bin + 1)) {
    offset_bin found{.smallest = smallest_in(bin), .largest = smallest_in(bin + 1) - 1};
    for (std::uint32_t i = image_->bins[bin]; i != no_record; i = at(i).bin.next) {
      ++found.ranges;
      found.units += at(i).units;
    }
    if (!visit(context, found)) return;
  }
}

// --- Soundness -----------------------------------------------------------------------------------

const char* offset_manager::broken_rule() const noexcept {
  if (image_ == nullptr) return nullptr;
  if (const char* rule = broken_rule_of_header()) return rule;
  if (const char* rule = broken_rule_of_ranges()) return rule;
  if (const char* rule = broken_rule_of_bins()) return rule;
  return broken_rule_of_unused();
}

void offset_manager::check_invariants() const noexcept {
  const char* const rule = broken_rule();
  if (rule != nullptr) panic(rule, __FILE__, __LINE__);
}

const char* offset_manager::broken_rule_of_header() const noexcept {
  const offset_image& s = *image_;
  const auto is_record = [&s](std::uint32_t i) { return i == no_record || i < s.made; };
  if (s.magic != offset_image::current_magic) return "an image begins with its magic number";
  if (s.made > capacity()) return "there is room for all records";
  std::uint8_t flag = 0;
  std::memcpy(&flag, &s.has_changed, 1);  // of an image from elsewhere it may be any number
  if (s.sweep > offset_image::sweep_kind::hop || flag > 1) return "the state of the sweep is one";
  if (s.first > max_units || s.units > max_units - s.first) return "the space ends below 2^63";
  if (s.used > s.units || s.held > s.units - s.used) return "no more is used than there is";
  if (s.peak_used < s.used) return "the peak is not below what is used";
  if (!is_record(s.head) || !is_record(s.tail) || !is_record(s.first_unused) ||
      !is_record(s.cursor))
    return "indexes are those of records";
  if (s.cursor != no_record && at(s.cursor).kind == range_kind::unused)
    return "the sweep stands on a range";
  return nullptr;
}

const char* offset_manager::broken_rule_of_ranges() const noexcept {
  const offset_image& s = *image_;
  std::uint64_t end = s.first;
  std::uint64_t sums[5] = {};
  std::uint32_t counts[5] = {};
  std::uint32_t total = 0;
  std::uint32_t left = no_record;
  for (std::uint32_t i = s.head; i != no_record; left = i, i = at(i).right) {
    if (i >= s.made || total++ == s.made) return "the order of ranges ends";
    const offset_record& r = at(i);
    if (r.left != left) return "ranges know their neighbours";
    if (r.offset != end) return "ranges border on each other";
    if (r.units == 0 || r.units > s.first + s.units - end) return "ranges lie inside the space";
    if (const char* rule = broken_rule_of_range(i)) return rule;
    end += r.units;
    sums[static_cast<unsigned>(r.kind)] += r.units;
    ++counts[static_cast<unsigned>(r.kind)];
  }
  const auto sum = [&sums](range_kind k) { return sums[static_cast<unsigned>(k)]; };
  const auto count = [&counts](range_kind k) { return counts[static_cast<unsigned>(k)]; };
  if (s.tail != left) return "the tail is the last range";
  if (end != s.first + s.units) return "the ranges are the whole space";
  if (sum(range_kind::used) + sum(range_kind::moving) != s.used)
    return "the used units are counted";
  if (sum(range_kind::target) != s.held) return "the held units are counted";
  if (count(range_kind::used) + count(range_kind::moving) != s.used_ranges ||
      count(range_kind::free) != s.free_ranges || count(range_kind::moving) != s.open_moves ||
      count(range_kind::target) != s.open_moves)
    return "the ranges are counted";
  return total + s.unused == s.made ? nullptr : "each record is that of a range or unused";
}

// What one range must be like, its left neighbour known to be right.
const char* offset_manager::broken_rule_of_range(std::uint32_t index) const noexcept {
  const offset_record& r = at(index);
  if (r.generation == 0) return "ranges have a generation";
  switch (r.kind) {
    case range_kind::unused: return "no record in the order of ranges is unused";
    case range_kind::free:
      if (r.left != no_record && at(r.left).kind == range_kind::free)
        return "no two free ranges are neighbours";
      return nullptr;
    case range_kind::used:
    case range_kind::moving:
      if (r.alignment_bits > 62) return "alignments are below 2^63";
      if ((r.offset & ((std::uint64_t{1} << r.alignment_bits) - 1)) != 0)
        return "starts keep their alignment";
      return nullptr;
    case range_kind::target:
      if (r.user >= image_->made ||
          at(static_cast<std::uint32_t>(r.user)).kind != range_kind::moving)
        return "targets are held for what moves";
      for (std::uint32_t i = r.left; i != no_record; i = at(i).left)
        if (at(i).kind == range_kind::target && at(i).user == r.user)
          return "each target is held for another range";
      return nullptr;
  }
  return "ranges are of a known kind";
}

const char* offset_manager::broken_rule_of_bins() const noexcept {
  if (!image_->filled.is_tidy()) return "the summary of the bins is right";
  std::uint32_t filed = 0;
  for (std::uint32_t bin = 0; bin < bin_count; ++bin) {
    if (!image_->filled.has(bin)) continue;
    if (const char* rule = broken_rule_of_bin(bin, filed)) return rule;
  }
  return filed == image_->free_ranges ? nullptr : "each free range is in a bin";
}

const char* offset_manager::broken_rule_of_bin(std::uint32_t bin,
                                               std::uint32_t& filed) const noexcept {
  std::uint32_t previous = no_record;
  if (image_->bins[bin] == no_record) return "filled bins are not empty";
  for (std::uint32_t i = image_->bins[bin]; i != no_record; previous = i, i = at(i).bin.next) {
    if (i >= image_->made || filed++ == image_->free_ranges) return "bins end";
    const offset_record& r = at(i);
    if (r.kind != range_kind::free) return "ranges in bins are free";
    if (bin_of(r.units) != bin) return "ranges are in the bin of their size";
    if (r.bin.previous != previous) return "ranges in a bin know their neighbours";
  }
  return nullptr;
}

const char* offset_manager::broken_rule_of_unused() const noexcept {
  std::uint32_t count = 0;
  for (std::uint32_t i = image_->first_unused; i != no_record; i = at(i).right) {
    if (i >= image_->made || count++ == image_->unused) return "the unused records end";
    if (at(i).kind != range_kind::unused) return "unused records are not in use";
    if (at(i).generation == 0) return "unused records have a generation";
  }
  return count == image_->unused ? nullptr : "the unused records are counted";
}

}  // namespace ashlar
