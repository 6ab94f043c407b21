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

/// Returns why no manager could serve a request, or `success`.
constexpr status fault_of(layout request) {
  if (!is_power_of_two(request.alignment)) return status::bad_alignment;
  return request.size > max_size ? status::too_large : status::success;
}

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
///
/// Two words, so that it comes back in two registers: the pointer, and either the size or, of a
/// failure, the reason in the low byte and above it the largest size that would have fitted.
class [[nodiscard]] allocation {
 public:
  constexpr allocation() = default;

  static constexpr allocation of(void* data, std::size_t size) { return {data, size}; }
  /// `would_fit`, with `not_enough_memory`: the largest size that fits now. Below 2^56.
  static constexpr allocation failed(status why, std::size_t would_fit = 0) {
    return {nullptr, would_fit << 8 | static_cast<std::size_t>(why)};
  }

  constexpr explicit operator bool() const { return data_ != nullptr; }
  constexpr void* data() const { return data_; }
  /// Returns the bytes that the caller may use; 0 for a failure.
  constexpr std::size_t size() const { return data_ != nullptr ? word_ : 0; }
  constexpr block get() const { return {data_, size()}; }
  constexpr status reason() const {
    return data_ != nullptr ? status::success : static_cast<status>(word_ & 0xff);
  }
  constexpr std::size_t would_fit() const { return data_ != nullptr ? 0 : word_ >> 8; }

 private:
  constexpr allocation(void* data, std::size_t word) : data_(data), word_(word) {}

  void* data_ = nullptr;
  std::size_t word_ = static_cast<std::size_t>(status::no_memory);
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
