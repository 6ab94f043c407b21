// SPDX-License-Identifier: MIT
// Where memory comes from: the OS, operator new, a block or an interface of the user's, nowhere.
#pragma once

#include "ashlar/manager/source/current.hpp"          // IWYU pragma: export
#include "ashlar/manager/source/default_manager.hpp"  // IWYU pragma: export
#include "ashlar/manager/source/null_manager.hpp"     // IWYU pragma: export
#include "ashlar/manager/source/os_manager.hpp"       // IWYU pragma: export
#include "ashlar/manager/source/user_manager.hpp"     // IWYU pragma: export
#include "ashlar/manager/source/user_os.hpp"          // IWYU pragma: export
