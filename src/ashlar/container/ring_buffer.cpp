// SPDX-License-Identifier: MIT
#include "ashlar/container/ring_buffer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ashlar/base/bits.hpp"
#include "ashlar/container/refusal.hpp"

namespace ashlar {

namespace {

os::range map_plain(os_manager& os, std::size_t size) noexcept {
  const os::range memory = os.reserve(size);
  if (!memory || os.commit(memory)) return memory;
  os.release(memory, 0);
  return {};
}

}  // namespace

ring_buffer::ring_buffer(std::size_t capacity, os_manager& os) {
  insist(capacity, [&] { return try_open(capacity, os); });
}

ring_buffer& ring_buffer::operator=(ring_buffer&& other) noexcept {
  ring_buffer taken(std::move(other));
  swap(*this, taken);
  return *this;
}

status ring_buffer::try_open(std::size_t capacity, os_manager& os) noexcept {
  if (capacity > max_size / 2 - os.page_size()) return status::too_large;
  const std::size_t rounded = align_up(std::max(capacity, std::size_t{1}), os.page_size());
  os::range memory = os.mirror(rounded);
  const bool is_mirrored = static_cast<bool>(memory);
  if (!is_mirrored) memory = map_plain(os, 2 * rounded);
  if (!memory) return status::no_memory;
  close();
  data_ = memory.data;
  capacity_ = memory.size / 2;
  os_ = &os;
  mirrored_ = is_mirrored;
  return status::success;
}

void ring_buffer::close() noexcept {
  const os::range memory = {data_, 2 * capacity_};
  if (memory && mirrored_) os_->release_mirrored(memory);
  if (memory && !mirrored_) os_->release(memory, memory.size);
  data_ = nullptr;
  capacity_ = first_ = size_ = 0;
  mirrored_ = false;
}

void ring_buffer::wrap() noexcept {
  if (mirrored_) {
    first_ -= capacity_;
    return;
  }
  if (size_ != 0) std::memcpy(data_, data_ + first_, size_);  // a capacity apart at least
  first_ = 0;
}

// In this order: wrapping may move what is unread to where the bytes come from.
std::size_t ring_buffer::copy_and_wrap(std::byte* to, const std::byte* from,
                                       std::size_t count) noexcept {
  if (count != 0) std::memcpy(to, from, count);
  wrap();
  return count;
}

void swap(ring_buffer& a, ring_buffer& b) noexcept {
  std::swap(a.data_, b.data_);
  std::swap(a.capacity_, b.capacity_);
  std::swap(a.first_, b.first_);
  std::swap(a.size_, b.size_);
  std::swap(a.os_, b.os_);
  std::swap(a.mirrored_, b.mirrored_);
}

}  // namespace ashlar
