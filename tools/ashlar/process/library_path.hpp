// SPDX-License-Identifier: MIT
// Finds libashlar-malloc.so: beside the tool in a build tree or an installation, or where told.
#pragma once

#include <filesystem>
#include <string>

namespace ashlar::tool {

/// Returns the absolute path of the library: `told` if it is not empty, else where it belongs.
/// Errors: throws `failure` with 125, naming the places that were looked in.
std::filesystem::path find_library(const std::string& told);

}  // namespace ashlar::tool
