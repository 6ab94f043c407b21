// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/null_manager.hpp"

#include "ashlar/base/bits.hpp"
#include "ashlar/hardening/fault.hpp"

namespace ashlar {

allocation null_manager::allocate(layout request, fit) noexcept {
  if (const status why = fault_of(request); why != status::success) return allocation::failed(why);
  return allocation::failed(status::not_enough_memory, 0);
}

void null_manager::deallocate(block b, std::size_t) noexcept {
  if (b.data != nullptr) report_fault(fault_kind::invalid_free, b.data);
}

}  // namespace ashlar
