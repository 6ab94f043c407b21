// SPDX-License-Identifier: MIT
// The process's environment variables and privileges.
#pragma once

namespace ashlar::os {

/// Returns the value of an environment variable as it is now; null if it is not set, or if libc
/// has not been told the environment yet: see `environment_is_ready`.
/// Threads: safe unless another thread changes the environment meanwhile (as with getenv).
const char* environment_variable(const char* name) noexcept;

/// Says whether libc knows the environment. It does in every constructor of a library that depends
/// on libc, and ever after; it may not while the dynamic loader itself allocates before that.
bool environment_is_ready() noexcept;

/// Says whether the program has more rights than the one who started it (setuid, capabilities), so
/// that the environment must not be trusted.
bool is_privileged() noexcept;

}  // namespace ashlar::os
