// SPDX-License-Identifier: MIT
// Sleeping until a word changes, and waking who sleeps there: the ground of every lock.
//
// The words are private to the process. Threads: thread-safe. errno stays as it was. Nothing is
// allocated. `wake_one` and `wake_all` may be called in a signal handler.
#pragma once

#include <atomic>
#include <cstdint>

namespace ashlar::os {

using wait_word = std::atomic<std::uint32_t>;

inline constexpr std::uint64_t no_timeout = UINT64_MAX;

/// Sleeps while `word` holds `expected`, until woken or `timeout_ns` has passed. May return early
/// for no reason: test the word again. Returns false only if the time has passed.
bool wait(const wait_word& word, std::uint32_t expected,
          std::uint64_t timeout_ns = no_timeout) noexcept;

/// Wakes one thread, or all threads, that sleep on `word`.
void wake_one(const wait_word& word) noexcept;
void wake_all(const wait_word& word) noexcept;

}  // namespace ashlar::os
