// SPDX-License-Identifier: MIT
// What a manager that takes address space asks the OS for: pages of the usual size, or huge ones,
// of 2 MiB on most machines. A manager's option; the OS may not follow it.
#pragma once

namespace ashlar {

enum class huge_pages : unsigned char {
  as_system,  ///< whatever the system does on its own
  wanted,
  unwanted,
};

}  // namespace ashlar
