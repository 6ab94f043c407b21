// SPDX-License-Identifier: MIT
// How an offset manager finds, cuts and joins ranges.
#include "ashlar/manager/offset/offset_manager.hpp"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

#include "ashlar/base/bits.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/offset/offset_arithmetic.hpp"

namespace ashlar {

using namespace offset_bins;
using namespace offset_arithmetic;

namespace {

// Candidates that are looked at before alignment is bought with units. More find closer fits and
// touch more lines.
constexpr int close_looks = 4;

constexpr std::uint8_t bits_of(std::uint64_t alignment) {
  return static_cast<std::uint8_t>(std::countr_zero(alignment));
}

// What a handle looks like in the report of a fault.
const void* printed(offset_handle h) {
  return at_address(static_cast<std::uintptr_t>(std::uint64_t{h.generation} << 32 | h.index));
}

}  // namespace

// --- Records -------------------------------------------------------------------------------------

std::uint32_t offset_manager::new_record() noexcept {
  std::uint32_t index = image_->first_unused;
  if (index != no_record) {
    image_->first_unused = at(index).right;
    --image_->unused;
    return index;
  }
  index = image_->made++;
  new (&at(index)) offset_record{};
  at(index).generation = 1;
  return index;
}

// Takes a record out of the order of ranges. A sweep that stands on it goes on to the next one.
void offset_manager::release_record(std::uint32_t index) noexcept {
  offset_record& r = at(index);
  if (image_->cursor == index)
    image_->cursor = image_->sweep == offset_image::sweep_kind::hop ? r.left : r.right;
  (r.left != no_record ? at(r.left).right : image_->head) = r.right;
  (r.right != no_record ? at(r.right).left : image_->tail) = r.left;
  r.kind = range_kind::unused;
  r.right = image_->first_unused;
  image_->first_unused = index;
  ++image_->unused;
}

// Puts a record in front of another, or last of all.
void offset_manager::insert_before(std::uint32_t index, std::uint32_t next) noexcept {
  at(index).right = next;
  at(index).left = next != no_record ? at(next).left : image_->tail;
  relink(index);
}

// Lets the neighbours of a record know it.
void offset_manager::relink(std::uint32_t index) noexcept {
  const offset_record& r = at(index);
  (r.left != no_record ? at(r.left).right : image_->head) = index;
  (r.right != no_record ? at(r.right).left : image_->tail) = index;
}

// --- Free ranges ---------------------------------------------------------------------------------

void offset_manager::file(std::uint32_t index) noexcept {
  offset_record& r = at(index);
  const std::uint32_t bin = bin_of(r.units);
  const std::uint32_t next = image_->filled.has(bin) ? image_->bins[bin] : no_record;
  r.kind = range_kind::free;
  r.bin = {next, no_record};
  if (next != no_record) at(next).bin.previous = index;
  image_->bins[bin] = index;
  image_->filled.insert(bin);
  ++image_->free_ranges;
}

void offset_manager::unfile(std::uint32_t index) noexcept {
  const offset_record& r = at(index);
  const std::uint32_t bin = bin_of(r.units);
  if (r.bin.next != no_record) at(r.bin.next).bin.previous = r.bin.previous;
  if (r.bin.previous != no_record)
    at(r.bin.previous).bin.next = r.bin.next;
  else if (r.bin.next != no_record)
    image_->bins[bin] = r.bin.next;
  else
    image_->filled.erase(bin);
  --image_->free_ranges;
}

// Changes a free range; it is filed anew only if its bin changes.
void offset_manager::set_free_range(std::uint32_t index, std::uint64_t offset,
                                    std::uint64_t units) noexcept {
  offset_record& r = at(index);
  const bool has_moved = bin_of(units) != bin_of(r.units);
  if (has_moved) unfile(index);
  r.offset = offset;
  r.units = units;
  if (has_moved) file(index);
}

offset_manager::place offset_manager::search(offset_layout request) const noexcept {
  const bin_set& filled = image_->filled;
  std::uint32_t bin = filled.first_from(bin_of(request.units));
  for (int looks = 0; looks < close_looks && bin != bin_set::none; ++looks) {
    const std::uint32_t index = image_->bins[bin];
    if (room_in(at(index), request.alignment) >= request.units)
      return {index, round_up(at(index).offset, request.alignment)};
    bin = filled.first_from(bin + 1);
  }
  bin = filled.first_from(bin_of_at_least(request.units + request.alignment - 1));
  if (bin == bin_set::none) return search_between(request);
  const std::uint32_t index = image_->bins[bin];
  return {index, round_up(at(index).offset, request.alignment)};
}

// Ranges that may fit, by luck of where they start or of where they are in their bin.
offset_manager::place offset_manager::search_between(offset_layout request) const noexcept {
  std::uint32_t looks = max_scanned_;
  std::uint32_t bin = image_->filled.first_from(bin_of(request.units));
  for (; bin != bin_set::none; bin = image_->filled.first_from(bin + 1)) {
    for (std::uint32_t i = image_->bins[bin]; i != no_record; i = at(i).bin.next) {
      if (looks-- == 0) return {no_record, 0};
      if (room_in(at(i), request.alignment) >= request.units)
        return {i, round_up(at(i).offset, request.alignment)};
    }
  }
  return {no_record, 0};
}

// Provides the records that `carve` will make.
bool offset_manager::provide_for(place from, std::uint64_t units) noexcept {
  const offset_record& r = at(from.record);
  const bool has_front = from.offset != r.offset;
  const bool has_back = from.offset + units != r.offset + r.units;
  return provide(static_cast<std::uint32_t>(has_front) + static_cast<std::uint32_t>(has_back));
}

// Cuts a range out of a free one and returns its record, which is in no bin. What is left in front
// and behind stays free.
std::uint32_t offset_manager::carve(place from, std::uint64_t units) noexcept {
  const std::uint64_t start = at(from.record).offset;
  const std::uint64_t front = from.offset - start;
  const std::uint64_t back = at(from.record).units - front - units;
  if (front == 0 && back == 0) {
    unfile(from.record);
    return from.record;
  }
  const std::uint32_t fresh = new_record();
  at(fresh).offset = from.offset;
  at(fresh).units = units;
  if (back == 0) {
    insert_before(fresh, at(from.record).right);
    set_free_range(from.record, start, front);
    return fresh;
  }
  insert_before(fresh, from.record);
  set_free_range(from.record, from.offset + units, back);
  if (front != 0) {
    const std::uint32_t gap = new_record();
    at(gap).offset = start;
    at(gap).units = front;
    insert_before(gap, fresh);
    file(gap);
  }
  return fresh;
}

// Makes a range that is in no bin free, and one with its free neighbours.
void offset_manager::make_free(std::uint32_t index) noexcept {
  const auto is_free = [this](std::uint32_t i) {
    return i != no_record && at(i).kind == range_kind::free;
  };
  const std::uint32_t left = at(index).left;
  const std::uint32_t right = at(index).right;
  std::uint64_t units = at(index).units;
  if (is_free(left)) {
    units += at(left).units;
    if (is_free(right)) {
      units += at(right).units;
      unfile(right);
      release_record(right);
    }
    release_record(index);
    set_free_range(left, at(left).offset, units);
  } else if (is_free(right)) {
    const std::uint64_t offset = at(index).offset;
    release_record(index);
    set_free_range(right, offset, units + at(right).units);
  } else {
    file(index);
  }
}

// Makes a range free that somebody has a handle of.
void offset_manager::end_range(std::uint32_t index) noexcept {
  at(index).generation += at(index).generation == ~std::uint32_t{0} ? 2 : 1;
  image_->has_changed = true;
  make_free(index);
}

void offset_manager::count_used(std::uint64_t units) noexcept {
  image_->used += units;
  image_->peak_used = std::max(image_->peak_used, image_->used);
}

// --- Requests ------------------------------------------------------------------------------------

// flatten, here and below: what it calls is small and called from several places, so the compiler
// would not inline it; 8 to 20 % of an allocate and deallocate (offset_bench).
__attribute__((flatten)) offset_allocation offset_manager::allocate(offset_layout request,
                                                                    std::uint64_t user) noexcept {
  request.units += static_cast<std::uint64_t>(request.units == 0);
  if (!is_valid(request.alignment)) return {{}, status::bad_alignment};
  if (request.units > max_units) return {{}, status::too_large};
  if (!make_image()) return {{}, status::no_memory};
  if (image_->used > image_->limit || request.units > image_->limit - image_->used)
    return {{}, status::over_budget};
  const place found = search(request);
  if (found.record == no_record)
    return {{}, status::not_enough_memory, largest_free(request.alignment)};
  if (!provide_for(found, request.units)) return {{}, status::no_memory};
  const std::uint32_t index = carve(found, request.units);
  offset_record& r = at(index);
  r.kind = range_kind::used;
  r.user = user;
  r.alignment_bits = bits_of(request.alignment);
  ++image_->used_ranges;
  count_used(r.units);
  return {{{index, r.generation}, r.offset, r.units}};
}

// The record of a handle that something is to be done with, or `no_record` after the fault.
std::uint32_t offset_manager::checked(offset_handle h) const noexcept {
  const offset_record* const r = live(h);
  if (r != nullptr && r->kind == range_kind::used) return h.index;
  report_fault(r == nullptr ? fault_kind::stale_handle : fault_kind::pin_mismatch, printed(h));
  return no_record;
}

__attribute__((flatten)) void offset_manager::deallocate(offset_handle h) noexcept {
  if (!h) return;
  const std::uint32_t index = checked(h);
  if (index == no_record) return;
  image_->used -= at(index).units;
  --image_->used_ranges;
  end_range(index);
}

void offset_manager::set_user(offset_handle h, std::uint64_t user) noexcept {
  if (live(h) == nullptr) return report_fault(fault_kind::stale_handle, printed(h));
  at(h.index).user = user;
}

status offset_manager::resize(offset_handle h, std::uint64_t units) noexcept {
  units += static_cast<std::uint64_t>(units == 0);
  const std::uint32_t index = checked(h);
  if (index == no_record) return status::unsupported;
  if (units > max_units) return status::too_large;
  const std::uint64_t now = at(index).units;
  return units >= now ? lengthen(index, units - now) : shorten(index, now - units);
}

status offset_manager::lengthen(std::uint32_t index, std::uint64_t extra) noexcept {
  if (extra == 0) return status::success;
  if (image_->used > image_->limit || extra > image_->limit - image_->used)
    return status::over_budget;
  const std::uint32_t right = at(index).right;
  if (right == no_record || at(right).kind != range_kind::free || at(right).units < extra)
    return status::not_enough_memory;
  if (at(right).units == extra) {
    unfile(right);
    release_record(right);
  } else {
    set_free_range(right, at(right).offset + extra, at(right).units - extra);
  }
  at(index).units += extra;
  count_used(extra);
  return status::success;
}

// A free range behind takes in what is left, and so needs no record: there may be room for none.
status offset_manager::shorten(std::uint32_t index, std::uint64_t less) noexcept {
  const std::uint32_t right = at(index).right;
  if (right != no_record && at(right).kind == range_kind::free) {
    set_free_range(right, at(right).offset - less, at(right).units + less);
  } else {
    if (!provide(1)) return status::no_memory;
    const std::uint32_t fresh = new_record();
    at(fresh).offset = at(index).offset + at(index).units - less;
    at(fresh).units = less;
    insert_before(fresh, at(index).right);
    file(fresh);
  }
  at(index).units -= less;
  image_->used -= less;
  image_->has_changed = true;
  return status::success;
}

void offset_manager::exchange(offset_handle a, offset_handle b) noexcept {
  const std::uint32_t i = checked(a);
  const std::uint32_t j = checked(b);
  if (i == no_record || j == no_record || i == j) return;
  swap_order(i, j);
  std::swap(at(i).offset, at(j).offset);
  std::swap(at(i).units, at(j).units);
  std::swap(at(i).alignment_bits, at(j).alignment_bits);
}

}  // namespace ashlar
