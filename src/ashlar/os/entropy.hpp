// SPDX-License-Identifier: MIT
// Random bytes from the OS, for secrets: canaries, keys of free lists, random placement.
#pragma once

#include <cstddef>

#include "ashlar/base/result.hpp"

namespace ashlar::os {

/// Fills `size` bytes at `data`, always, without waiting. Errors: the OS had no randomness to give
/// (early boot, a sandbox); the bytes then grow from the 16 that the kernel gives each process at
/// its start, and the clock: unpredictable from outside, but no more than 16 bytes of secret.
/// Threads: thread-safe. errno stays as it was. May be called before main.
os_error fill_random(void* data, std::size_t size) noexcept;

}  // namespace ashlar::os
