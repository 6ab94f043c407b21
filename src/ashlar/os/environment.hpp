// SPDX-License-Identifier: MIT
// The process's environment variables and privileges.
#pragma once

namespace ashlar::os {

/// Returns the value of an environment variable as it is now; null if it is not set, or if libc
/// has not been told the environment yet, as it may be while the loader itself allocates. In the
/// constructor of a library that depends on libc, and ever after, it has.
/// Threads: safe unless another thread changes the environment meanwhile (as with getenv).
const char* environment_variable(const char* name) noexcept;

/// Says whether the program has more rights than the one who started it (setuid, capabilities), so
/// that the environment must not be trusted.
bool is_privileged() noexcept;

}  // namespace ashlar::os
