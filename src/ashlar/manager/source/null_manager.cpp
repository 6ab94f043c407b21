// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/null_manager.hpp"

#include "ashlar/base/bits.hpp"
#include "ashlar/hardening/fault.hpp"

namespace ashlar {

allocation null_manager::allocate(layout request, fit) noexcept {
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  if (request.size > max_size) return allocation::failed(status::too_large);
  return allocation::failed(status::not_enough_memory, 0);
}

void null_manager::deallocate(block b, std::size_t) noexcept {
  if (b.data != nullptr) report_fault(fault_kind::invalid_free, b.data);
}

}  // namespace ashlar
