// SPDX-License-Identifier: MIT
// What was tracked, as JSON. The keys are a contract: see docs/reference/tool.md.
//
// Threads: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "tools/ashlar/tracking/growth.hpp"
#include "tools/ashlar/tracking/tracking.hpp"

namespace ashlar::tool {

nlohmann::ordered_json json_of(const tracking& all);
nlohmann::ordered_json json_of(const shown_stack& where);
/// "growing" and what goes with it.
nlohmann::ordered_json json_of(const growth_findings& found);
nlohmann::ordered_json json_of(const leak_findings& leaks, const capture& source);

}  // namespace ashlar::tool
