// SPDX-License-Identifier: MIT
#include "tools/ashlar/version.hpp"

namespace ashlar::tool {

const char* const tool_version = ASHLAR_TOOL_VERSION;
const char* const installed_library_folder = ASHLAR_TOOL_LIBRARY_FOLDER;

}  // namespace ashlar::tool
