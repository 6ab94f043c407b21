// SPDX-License-Identifier: MIT
// The registry as text: which managers there are, who takes memory from whom, and how much.
//
//     char text[4096];
//     const std::size_t size = ashlar::write_tree(ashlar::system(), text);
//     std::fwrite(text, 1, std::min(size, sizeof text), stdout);
//
// Neither allocates: they may be called when memory has run out. Both return the size of the whole
// text in bytes, without a terminator; if it is larger than `out`, what is behind the end is
// missing. Threads: any, at any time; managers that come or go meanwhile wait. Each figure is true
// for its moment. Cost: O(n^2) in the number of managers.
#pragma once

#include <cstddef>
#include <span>

#include "ashlar/base/macros.hpp"
#include "ashlar/manager/memory_system.hpp"

namespace ashlar {

/// Writes one JSON object:
///
///     {"used":120,"held":4096,"managers":[
///       {"name":"level","kind":"arena","used":120,"held":4096,"peak":200,"limit":null,
///        "blocks":null,"managers":[...]}]}
///
/// Units: bytes; `used` and `held` as in manager_usage; null: not known, or no limit. `managers`
/// are the ones that take their memory from this one. Names are cut at 256 bytes.
ASHLAR_EXPORT std::size_t write_json(memory_system& from, std::span<char> out) noexcept;

/// Writes one line per manager, children below their parent and indented, for people to read.
ASHLAR_EXPORT std::size_t write_tree(memory_system& from, std::span<char> out) noexcept;

}  // namespace ashlar
