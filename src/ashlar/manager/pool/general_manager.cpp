// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/general_manager.hpp"

#include <cstring>

#include "ashlar/base/poison.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/backing_scope.hpp"
#include "ashlar/manager/part.hpp"

namespace ashlar {

namespace {

allocation sized(const allocation& got, std::size_t size, fit wanted) {
  return got && wanted == fit::get_exact ? allocation::of(got.data(), size) : got;
}

}  // namespace

allocation general_manager::allocate_large(std::size_t size, std::size_t alignment) noexcept {
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  const backing_scope counted(*this);
  const allocation got = large_.allocate({size, alignment});
  // What the classes keep for themselves is given back before a request fails.
  const bool may_help = !got && got.reason() != status::too_large;
  return may_help && set_.trim(0) != 0 ? large_.allocate({size, alignment}) : got;
}

allocation general_manager::allocate_zeroed(layout request, fit wanted) noexcept {
  const allocation got = allocate(request, wanted);
  const bool is_large = set_.class_of(request) == class_table::none;
  if (got && is_large && large_.os().zeroed())
    poison::show_defined(got.data(), got.size());
  else if (got)
    std::memset(got.data(), 0, got.size());
  return got;
}

void general_manager::deallocate(block b, std::size_t alignment) noexcept {
  if (b.data == nullptr) return;
  const std::size_t c = set_.class_of({b.size, alignment});
  if (c != class_table::none) [[likely]]
    set_.put(c, b.data);
  else if (set_.find(b.data) != nullptr)
    report_fault(fault_kind::size_mismatch, b.data, {usable_size(b.data), b.size});
  else
    end_large(b.data);
}

void general_manager::deallocate(void* p) noexcept {
  if (p == nullptr || set_.find(p) != nullptr)
    set_.put_unknown(p);
  else
    end_large(p);
}

void general_manager::end_large(void* p) noexcept {
  if (!large_.deallocate(p))
    report_fault(large_.owns(p) ? fault_kind::interior_free : fault_kind::invalid_free, p);
}

std::size_t general_manager::usable_size(const void* p) const noexcept {
  const std::size_t size = set_.usable_size(p);
  return size != 0 ? size : large_.usable_size(p);
}

allocation general_manager::reallocate(block b, std::size_t alignment,
                                       const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  if (!set_.is_block(b.data) && large_.usable_size(b.data) == 0) {
    report_fault(fault_kind::invalid_resize, b.data);
    return allocation::failed(status::unsupported);
  }
  const allocation in_place = resize_in_place(b, alignment, change);
  return in_place || !change.may_move ? in_place : moved_by(*this, b, alignment, change);
}

// A block stays only where a free with its new size looks for it.
allocation general_manager::resize_in_place(block b, std::size_t alignment,
                                            const resize& change) noexcept {
  const std::size_t c = set_.class_of({change.size, alignment});
  if (c != set_.class_of({b.size, alignment})) return allocation::failed(status::unsupported);
  if (c == class_table::none)
    return sized(large_.resize(b.data, change.size), change.size, change.wanted);
  const std::size_t whole = set_.classes().size_of(c);
  set_.note_resized(b.data, b.size, change.wanted == fit::get_exact ? change.size : whole);
  return sized(allocation::of(b.data, whole), change.size, change.wanted);
}

void general_manager::free_all() noexcept {
  inner_blocks_ended();
  set_.free_all();
  large_.free_all();
}

void general_manager::walk(block_visitor visitor) const noexcept {
  if (set_.walk(visitor)) (void)large_.walk(visitor);
}

manager_usage general_manager::usage() const noexcept {
  manager_usage sum = set_.usage();
  sum.used += large_.used();
  sum.held += large_.held();
  sum.live_blocks += large_.count();
  return sum;
}

}  // namespace ashlar
