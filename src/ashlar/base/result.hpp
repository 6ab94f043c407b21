// SPDX-License-Identifier: MIT
// Outcomes: an allocation with its reason, and an OS call with its error.
//
// No memory is a normal result, so it has a type and never an exception. A broken rule (a double
// free, a foreign pointer) is a fault instead: hardening/fault.hpp.
#pragma once

#include <cstddef>

#include "ashlar/base/block.hpp"

namespace ashlar {

/// Why an allocation was refused.
enum class status : unsigned char {
  success,
  no_memory,          ///< The OS, or the topmost source, refused.
  not_enough_memory,  ///< This manager is bounded; `would_fit` tells what it could have served.
  over_budget,        ///< A limit set by the user would have been exceeded.
  too_large,          ///< No manager can serve this size (above `max_size`, or it overflows).
  bad_alignment,      ///< The alignment is no power of two, or too large for this manager.
  unsupported,        ///< This manager or platform cannot do that at all.
};

/// Returns a short fixed text for messages.
constexpr const char* to_string(status s) {
  switch (s) {
    case status::success: return "success";
    case status::no_memory: return "no memory";
    case status::not_enough_memory: return "not enough memory";
    case status::over_budget: return "over budget";
    case status::too_large: return "too large";
    case status::bad_alignment: return "bad alignment";
    case status::unsupported: return "unsupported";
  }
  return "unknown";
}

/// The outcome of an allocation: a block, or the reason why there is none.
struct [[nodiscard]] allocation {
  block memory;
  status reason = status::success;
  std::size_t would_fit = 0;  ///< With `not_enough_memory`: the largest size that fits now.

  constexpr explicit operator bool() const { return memory.data != nullptr; }
  constexpr void* data() const { return memory.data; }
  constexpr std::size_t size() const { return memory.size; }

  static constexpr allocation of(void* data, std::size_t size) { return {{data, size}}; }
  static constexpr allocation failed(status why, std::size_t would_fit = 0) {
    return {{}, why, would_fit};
  }
};

/// The outcome of an OS call: success, or the error number of the platform.
struct [[nodiscard]] os_error {
  int code = 0;

  constexpr bool ok() const { return code == 0; }
};

/// A value, or the OS error that prevented it. `value` is meaningful only if `ok()`.
template <class T>
struct [[nodiscard]] os_result {
  T value{};
  os_error error{};

  constexpr bool ok() const { return error.ok(); }
};

}  // namespace ashlar
