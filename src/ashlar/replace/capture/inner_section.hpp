// SPDX-License-Identifier: MIT
// The section of a capture that tells what containers took from managers.
#pragma once

#include "ashlar/observe/table/inner_table.hpp"
#include "ashlar/replace/capture/capture_output.hpp"
#include "ashlar/replace/capture/capture_texts.hpp"

namespace ashlar::replace {

/// What of it was there when the capture began.
struct inner_extent {
  std::uint32_t group_end;
  std::uint32_t site_count;
};

/// Writes its entries. Returns how many.
std::uint64_t write_inner_section(const observe::inner_table& known, const inner_extent& extent,
                                  capture_texts& texts, capture_output& out) noexcept;

}  // namespace ashlar::replace
