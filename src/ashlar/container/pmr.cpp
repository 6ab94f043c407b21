// SPDX-License-Identifier: MIT
#include "ashlar/container/pmr.hpp"

#include <algorithm>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/container/refusal.hpp"

namespace ashlar {

namespace {

// Two live blocks never have the same address, so nothing is served as one byte.
std::size_t served(std::size_t size) { return size + (size == 0); }

void* try_allocate(std::pmr::memory_resource& from, std::size_t size,
                   std::size_t alignment) noexcept {
  try {
    return from.allocate(size, alignment);
  } catch (...) {  // whatever it is: there is no memory
    return nullptr;
  }
}

}  // namespace

void* memory_resource::do_allocate(std::size_t size, std::size_t alignment) {
  return allocate_or_throw(memory_, {size, alignment}).data;
}

void memory_resource::do_deallocate(void* data, std::size_t size, std::size_t alignment) {
  memory_.deallocate({data, size}, alignment);
}

bool memory_resource::do_is_equal(const std::pmr::memory_resource& other) const noexcept {
  const auto* const same_kind = dynamic_cast<const memory_resource*>(&other);
  return same_kind != nullptr && same_kind->memory_ == memory_;
}

allocation pmr_manager::allocate(layout request, fit) noexcept {
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  if (request.size > max_size) return allocation::failed(status::too_large);
  void* const data = try_allocate(*resource_, served(request.size), request.alignment);
  if (data == nullptr) return allocation::failed(status::no_memory);
  store_relaxed(used_, used_ + served(request.size));
  store_relaxed(peak_, std::max(peak_, used_));
  store_relaxed(live_, live_ + 1);
  return allocation::of(data, request.size);
}

void pmr_manager::deallocate(block b, std::size_t alignment) noexcept {
  if (!b) return;
  resource_->deallocate(b.data, served(b.size), alignment);
  store_relaxed(used_, used_ - served(b.size));
  store_relaxed(live_, live_ - 1);
}

manager_usage pmr_manager::usage() const noexcept {
  const std::size_t used = load_relaxed(used_);
  return {.used = used,
          .held = used,
          .peak_used = load_relaxed(peak_),
          .live_blocks = load_relaxed(live_)};
}

}  // namespace ashlar
