// SPDX-License-Identifier: MIT
// The version of the tool, as CMake knows it.
#pragma once

namespace ashlar::tool {

extern const char* const tool_version;

/// The path from the folder of the executable to that of the libraries, as installed.
extern const char* const installed_library_folder;

}  // namespace ashlar::tool
