// SPDX-License-Identifier: MIT
// Who runs and where, letting others run, and not being cancelled.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::os {

/// Returns the OS's number of the calling thread. One system call: keep the result.
std::uint64_t current_thread_id() noexcept;

/// Writes the name of the calling thread, cut and null-terminated. Empty where unknown.
void thread_name(char* text, std::size_t capacity) noexcept;

/// Returns the number of the processor that the calling thread runs on, or ran on a moment ago; 0
/// where unknown. A few instructions where the C library has restartable sequences.
std::uint32_t current_processor() noexcept;

/// Lets another thread have this processor.
void yield() noexcept;

/// Keeps pthread_cancel from ending the calling thread for a scope. malloc and free are no
/// cancellation points, but open, read and write are: around them, or a thread would end while it
/// holds a lock of ours. May be used in a signal handler.
class [[nodiscard]] cancellation_hold {
 public:
  cancellation_hold() noexcept;
  ~cancellation_hold();
  cancellation_hold(const cancellation_hold&) = delete;
  cancellation_hold& operator=(const cancellation_hold&) = delete;

 private:
  int before_;
};

}  // namespace ashlar::os
