// SPDX-License-Identifier: MIT
// Where the records of an offset manager live, and how its state is taken out and put in.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include "ashlar/base/bits.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/offset/offset_manager.hpp"
#include "ashlar/manager/source/current.hpp"

namespace ashlar {

namespace {

constexpr std::size_t image_alignment = 64;  // the header starts a cache line
constexpr std::uint32_t first_capacity = 64;
constexpr std::uint32_t most_records = offset_image::no_record - 1;

constexpr std::size_t image_size(std::uint32_t records) {
  return sizeof(offset_image) + std::size_t{records} * sizeof(offset_record);
}

constexpr std::uint32_t records_in(std::size_t size) {
  const std::size_t records = (size - sizeof(offset_image)) / sizeof(offset_record);
  return static_cast<std::uint32_t>(std::min<std::size_t>(records, most_records));
}

// The part of a user's block from the first address at which an image may begin.
std::span<std::byte> aligned_part(std::span<std::byte> block) {
  const std::size_t gap = (0 - address_of(block.data())) & (alignof(offset_image) - 1);
  return gap < block.size() ? block.subspan(gap) : std::span<std::byte>{};
}

}  // namespace

offset_manager::offset_manager(const offset_options& options) noexcept
    : metadata_(options.metadata),
      user_block_(aligned_part(options.block)),
      first_(std::min(options.first, offset_bins::max_units)),
      units_(std::min(options.units, offset_bins::max_units - first_)),
      limit_(options.limit),
      max_scanned_(options.max_scanned) {
  if (options.block.empty() && !metadata_) metadata_ = current();
}

offset_manager::~offset_manager() { drop_metadata(); }

void offset_manager::drop_metadata() noexcept {
  if (metadata_block_) metadata_.deallocate(metadata_block_, image_alignment);
  metadata_block_ = {};
  image_ = nullptr;
}

// Returns `size` bytes at least for an image, or null. There is no image yet.
std::byte* offset_manager::obtain(std::size_t size) noexcept {
  if (!metadata_) return size <= user_block_.size() ? user_block_.data() : nullptr;
  metadata_block_ = metadata_.allocate({size, image_alignment}, fit::get_no_less).get();
  return static_cast<std::byte*>(metadata_block_.data);
}

std::uint32_t offset_manager::capacity() const noexcept {
  return records_in(metadata_ ? metadata_block_.size : user_block_.size());
}

bool offset_manager::make_image() noexcept {
  if (image_ != nullptr) return true;
  std::byte* const storage = obtain(image_size(metadata_ ? first_capacity : 1));
  if (storage == nullptr) return false;
  start_image(storage, capacity());
  return true;
}

void offset_manager::start_image(std::byte* storage, std::uint32_t capacity) noexcept {
  image_ = new (storage) offset_image();
  image_->magic = offset_image::current_magic;
  image_->first = first_;
  image_->units = units_;
  image_->limit = limit_;
  image_->capacity = capacity;
  image_->first_unused = image_->head = image_->tail = image_->cursor = no_record;
  if (units_ == 0) return;
  const std::uint32_t all = new_record();
  at(all).offset = first_;
  at(all).units = units_;
  insert_before(all, no_record);
  file(all);
}

// Moves the image to where there is more room.
ASHLAR_COLD bool offset_manager::provide_slow(std::uint32_t records) noexcept {
  if (!metadata_ || image_->capacity == most_records) return false;
  const std::uint32_t doubled =
      image_->capacity > most_records / 2 ? most_records : 2 * image_->capacity;
  const allocation larger = metadata_.reallocate(
      metadata_block_, image_alignment,
      {.size = image_size(doubled), .used = image_size(image_->made), .wanted = fit::get_no_less});
  if (!larger) return false;
  metadata_block_ = larger.get();
  image_ = static_cast<offset_image*>(larger.data());
  image_->capacity = capacity();
  return image_->capacity - image_->made + image_->unused >= records;
}

std::span<const std::byte> offset_manager::image() noexcept {
  if (!make_image()) return {};
  return {reinterpret_cast<const std::byte*>(image_), image_size(image_->made)};
}

bool offset_manager::restore(std::span<const std::byte> from) noexcept {
  if (image_ != nullptr && image_->used_ranges != 0) return false;
  std::uint32_t made = 0;
  if (from.size() < sizeof(offset_image)) return false;
  std::memcpy(&made, from.data() + offsetof(offset_image, made), sizeof made);
  if (made > most_records || from.size() < image_size(made)) return false;
  if (image_ != nullptr) {
    first_ = image_->first;
    units_ = image_->units;
    limit_ = image_->limit;
  }
  offset_image* const image_before = std::exchange(image_, nullptr);
  const block block_before = std::exchange(metadata_block_, {});
  if (take_image(from.first(image_size(made)), made)) {
    if (block_before) metadata_.deallocate(block_before, image_alignment);
    return true;
  }
  drop_metadata();
  metadata_block_ = block_before;
  // Over a block of the user's the one before may have been written over.
  if (metadata_) image_ = image_before;
  return false;
}

// Makes the image ours and judges it. Requires: there is none. False: what is there must go.
bool offset_manager::take_image(std::span<const std::byte> from, std::uint32_t made) noexcept {
  std::byte* const storage = obtain(image_size(metadata_ ? std::max(made, first_capacity) : made));
  if (storage == nullptr) return false;
  if (storage != from.data()) std::memmove(storage, from.data(), from.size());
  image_ = reinterpret_cast<offset_image*>(storage);
  if (broken_rule() != nullptr) return false;
  image_->capacity = capacity();
  close_all_moves();
  return true;
}

void offset_manager::adopt(offset_manager& other) noexcept {
  if (&other == this) return;
  if (image_ != nullptr && image_->used_ranges != 0)
    return report_fault(fault_kind::still_in_use, this);
  drop_metadata();
  metadata_ = other.metadata_;
  user_block_ = other.user_block_;
  metadata_block_ = other.metadata_block_;
  image_ = other.image_;
  first_ = other.first_;
  units_ = other.units_;
  limit_ = other.limit_;
  max_scanned_ = other.max_scanned_;
  other.metadata_block_ = {};
  other.user_block_ = {};
  other.image_ = nullptr;
  other.units_ = 0;
}

}  // namespace ashlar
