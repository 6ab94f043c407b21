// SPDX-License-Identifier: MIT
#include "ashlar/container/pmr.hpp"

#include <algorithm>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/container/refusal.hpp"
#include "ashlar/manager/inner_blocks.hpp"
#include "ashlar/observe/stack_walk.hpp"

namespace ashlar {

namespace {

// Two live blocks never have the same address, so nothing is served as one byte.

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
  const observe::caller by = observe::caller_of_this();
  return detail::allocate_or_throw(memory_, {size, alignment}, fit::get_exact, by).data;
}

void memory_resource::do_deallocate(void* data, std::size_t size, std::size_t alignment) {
  inner_blocks::deallocate(memory_, {data, size}, alignment);
}

bool memory_resource::do_is_equal(const std::pmr::memory_resource& other) const noexcept {
  const auto* const same_kind = dynamic_cast<const memory_resource*>(&other);
  return same_kind != nullptr && same_kind->memory_ == memory_;
}

allocation pmr_manager::allocate(layout request, fit) noexcept {
  if (const status why = fault_of(request); why != status::success) return allocation::failed(why);
  const inner_blocks::scope within;  // what it asks of a resource over a manager is its own
  void* const data = try_allocate(*resource_, at_least_one(request.size), request.alignment);
  if (data == nullptr) return allocation::failed(status::no_memory);
  use_.add(at_least_one(request.size));
  return allocation::of(data, request.size);
}

void pmr_manager::deallocate(block b, std::size_t alignment) noexcept {
  if (!b) return;
  resource_->deallocate(b.data, at_least_one(b.size), alignment);
  use_.remove(at_least_one(b.size));
}

manager_usage pmr_manager::usage() const noexcept {
  const std::size_t used = use_.used();
  return {.used = used, .held = used, .peak_used = use_.peak(), .live_blocks = use_.live()};
}

}  // namespace ashlar
