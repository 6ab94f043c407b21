// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/block_check.h"

#include "ashlar/base/macros.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"

extern "C" ASHLAR_EXPORT std::size_t ashlar_check_blocks() {
  return ashlar::replace::check_all_blocks();
}
