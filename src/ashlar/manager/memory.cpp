// SPDX-License-Identifier: MIT
#include "ashlar/manager/memory.hpp"

#include <cstring>

#include "ashlar/manager/part.hpp"

namespace ashlar {

allocation memory::allocate_zeroed(layout request, fit wanted) const noexcept {
  if (can(capability::zero)) return manager_->ops_->allocate_zeroed(*manager_, request, wanted);
  const allocation fresh = allocate(request, wanted);
  if (fresh) std::memset(fresh.data(), 0, fresh.size());
  return fresh;
}

allocation memory::reallocate(block b, std::size_t alignment, const resize& change) const noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (can(capability::resize)) return manager_->ops_->reallocate(*manager_, b, alignment, change);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  // Where the last block must be freed first, the old one could not go after the new one came.
  if (!change.may_move || can(capability::lifo_only))
    return allocation::failed(status::unsupported);
  return moved_by(*this, b, alignment, change);
}

}  // namespace ashlar
