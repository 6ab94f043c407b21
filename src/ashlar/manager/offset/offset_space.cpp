// SPDX-License-Identifier: MIT
// What is done to the whole space of an offset manager: growing, trimming, emptying, bounding.
#include <algorithm>

#include "ashlar/manager/offset/offset_arithmetic.hpp"
#include "ashlar/manager/offset/offset_manager.hpp"

namespace ashlar {

using namespace offset_bins;
using namespace offset_arithmetic;

status offset_manager::grow(std::uint64_t units) noexcept {
  const std::uint64_t first = image_ != nullptr ? image_->first : first_;
  const std::uint64_t now = image_ != nullptr ? image_->units : units_;
  if (units > max_units - first - now) return status::too_large;
  if (image_ == nullptr) {
    units_ += units;
    return status::success;
  }
  if (units == 0) return status::success;
  const std::uint32_t last = image_->tail;
  if (last != no_record && at(last).kind == range_kind::free) {
    set_free_range(last, at(last).offset, at(last).units + units);
  } else {
    if (!provide(1)) return status::no_memory;
    const std::uint32_t fresh = new_record();
    at(fresh).offset = first + now;
    at(fresh).units = units;
    insert_before(fresh, no_record);
    file(fresh);
  }
  image_->units += units;
  return status::success;
}

std::uint64_t offset_manager::free_at_end() const noexcept {
  if (image_ == nullptr) return units_;
  const std::uint32_t last = image_->tail;
  return last != no_record && at(last).kind == range_kind::free ? at(last).units : 0;
}

std::uint64_t offset_manager::trim(std::uint64_t keep) noexcept {
  const std::uint64_t tail = free_at_end();
  if (tail <= keep) return 0;
  const std::uint64_t cut = tail - keep;
  if (image_ == nullptr) {
    units_ -= cut;
    return cut;
  }
  const std::uint32_t last = image_->tail;
  image_->units -= cut;
  if (keep != 0) {
    set_free_range(last, at(last).offset, keep);
  } else {
    unfile(last);
    release_record(last);
  }
  return cut;
}

void offset_manager::free_all() noexcept {
  if (image_ == nullptr) return;
  close_all_moves();
  for (std::uint32_t i = 0; i < image_->made; ++i)
    if (at(i).kind == range_kind::used) deallocate({i, at(i).generation});
}

void offset_manager::set_limit(std::uint64_t limit) noexcept {
  (image_ != nullptr ? image_->limit : limit_) = limit;
}

std::uint64_t offset_manager::largest_free(std::uint64_t alignment) const noexcept {
  if (!is_valid(alignment)) return 0;
  if (image_ == nullptr) return room_in(first_, units_, alignment);
  std::uint64_t best = 0;
  std::uint32_t looks = max_scanned_;
  std::uint32_t bin = image_->filled.last_below(bin_count);
  for (; bin != bin_set::none && smallest_in(bin + 1) - 1 > best;
       bin = image_->filled.last_below(bin)) {
    for (std::uint32_t i = image_->bins[bin]; i != no_record && looks != 0; i = at(i).bin.next) {
      best = std::max(best, room_in(at(i), alignment));
      --looks;
    }
  }
  return best;
}

}  // namespace ashlar
