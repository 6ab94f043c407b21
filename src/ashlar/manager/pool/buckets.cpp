// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/buckets.hpp"

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/part.hpp"

namespace ashlar {

allocation buckets::refuse(std::size_t size, std::size_t alignment) const noexcept {
  const bool is_valid = is_power_of_two(alignment);
  const bool is_too_large = size > max_size || set_.class_of({size, 1}) == class_table::none;
  if (is_valid && is_too_large) return allocation::failed(status::too_large);
  return allocation::failed(status::bad_alignment);
}

void buckets::deallocate(block b, std::size_t alignment) noexcept {
  if (b.data == nullptr) return;
  const std::size_t c = set_.class_of({b.size, alignment});
  if (c == class_table::none) [[unlikely]]
    report_fault(owns(b.data) ? fault_kind::size_mismatch : fault_kind::invalid_free, b.data);
  else
    set_.put(c, b.data);
}

std::size_t buckets::usable_size(const void* p) const noexcept { return set_.usable_size(p); }

allocation buckets::reallocate(block b, std::size_t alignment, const resize& change) noexcept {
  const layout request{change.size, alignment};
  if (b.data == nullptr) return allocate(request, change.wanted);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  if (!set_.is_block(b.data)) {
    report_fault(fault_kind::invalid_resize, b.data);
    return allocation::failed(status::unsupported);
  }
  const std::size_t c = set_.class_of(request);
  if (c == class_table::none) return refuse(change.size, alignment);
  if (c == set_.class_of({b.size, alignment})) {
    const bool is_exact = change.wanted == fit::get_exact;
    const std::size_t size = is_exact ? change.size : set_.classes().size_of(c);
    set_.note_resized(b.data, b.size, size);
    return allocation::of(b.data, size);
  }
  return change.may_move ? moved_by(*this, b, alignment, change)
                         : allocation::failed(status::unsupported);
}

bool buckets::adopt(buckets& other) noexcept {
  if (&other == this || other.upstream() != upstream()) return false;
  return set_.adopt(other.set_);
}

}  // namespace ashlar
