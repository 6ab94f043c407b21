// SPDX-License-Identifier: MIT
// One frame of a stack as a line of text, which a person can read and a tool can name:
//
//     #0 0x55d0c0de12a4 /usr/bin/game+0x12a4 (_ZN5world4loadEv+0x34)
//
// Threads: thread-safe. Takes the loader's lock, as dladdr does; allocates nothing.
#pragma once

#include <cstdint>

#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/module.hpp"

namespace ashlar::observe {

inline os::line frame_line(std::uint32_t number, std::uintptr_t return_address) noexcept {
  os::line line;
  line.text("    #").decimal(number).text(" ").hex(return_address);
  // The call lies before the address that it returns to, perhaps in another function.
  const os::module_place place = os::find_module(return_address - 1);
  if (place.file == nullptr) return line;
  line.text(" ").text(place.file).text("+").hex(place.offset + 1);
  if (place.symbol != nullptr)
    line.text(" (").text(place.symbol).text("+").hex(place.symbol_offset + 1).text(")");
  return line;
}

}  // namespace ashlar::observe
