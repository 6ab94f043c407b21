// SPDX-License-Identifier: MIT
// A table whose columns are as wide as their widest cell, and of which some may be left out.
//
// Threads: values; thread-compatible.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

struct column {
  std::string name;
  style look = style::plain;
  bool can_go = false;        // where the width does not suffice for all
  bool left_aligned = false;  // for names; numbers stand to the right
  std::vector<std::string> cells = {};

  std::size_t width() const;  // with the blanks before it
};

using columns = std::vector<column>;

std::size_t width_of(const columns& all);

/// Leaves out columns from the right, of those that can go, until the rest fits.
void fit_columns(columns& all, std::size_t width);

line header_line(const columns& all);

/// Returns row `index`, which every column must have.
line row_line(const columns& all, std::size_t index);

}  // namespace ashlar::tool
