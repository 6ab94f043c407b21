// SPDX-License-Identifier: MIT
// The registry of managers as JSON and as text.
#pragma once

#include "ashlar/report/registry_report.hpp"  // IWYU pragma: export
