// SPDX-License-Identifier: MIT
// How to step from a function to its caller, in 30 bits.
//
// The CFA is the value of the stack pointer before the function was called; the return address
// lies right below it. What else must be found again for the next step is the frame pointer, since
// some rules begin at it. Everything is a multiple of a word away.
//
//   29                               8 7           3 2     0
//   | CFA: words from where it begins | frame pointer | kind |
//
// frame pointer: in how many words below the CFA the caller's is saved; 0: it is the same.
// A rule of zero bits is `unknown`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::observe {

enum class rule_kind : std::uint8_t {
  unknown,     ///< no table says anything
  end,         ///< the first function of the thread
  from_stack,  ///< CFA = stack pointer + n
  from_frame,  ///< CFA = frame pointer + n
  realigned,   ///< CFA is read n below the frame pointer, the caller's frame pointer right at it
  signal,      ///< the kernel's frame below a signal handler: registers lie there as saved
};

class frame_rule {
 public:
  static constexpr unsigned bits = 30;

  constexpr frame_rule() = default;
  constexpr explicit frame_rule(rule_kind kind) : packed_(static_cast<std::uint32_t>(kind)) {}

  /// Units: bytes. Returns an unknown rule where it cannot be packed: frames of 32 MiB and more, a
  /// frame pointer far from where functions save it; and where it makes no sense: no room for the
  /// return address, or for what is saved.
  static constexpr frame_rule of(rule_kind kind, std::int64_t cfa, std::int64_t saved_below) {
    const bool goes_up = kind != rule_kind::from_stack || (cfa >= word && saved_below <= cfa);
    const bool fits = goes_up && cfa >= 0 && cfa % word == 0 && cfa / word < cfa_limit &&
                      saved_below >= 0 && saved_below % word == 0 &&
                      saved_below / word < saved_limit;
    frame_rule r;
    if (fits) {
      r.packed_ = static_cast<std::uint32_t>(cfa / word << 8) |
                  static_cast<std::uint32_t>(saved_below / word << 3) |
                  static_cast<std::uint32_t>(kind);
    }
    return r;
  }
  static constexpr frame_rule of_packed(std::uint32_t packed) {
    frame_rule r;
    r.packed_ = packed;
    return r;
  }

  constexpr std::uint32_t packed() const { return packed_; }
  constexpr rule_kind kind() const { return static_cast<rule_kind>(packed_ & 7); }
  /// Bytes between where the CFA begins and the CFA.
  constexpr std::uintptr_t cfa_offset() const { return (packed_ >> 8) * std::uintptr_t{word}; }
  /// Bytes from where the caller's frame pointer is saved up to the CFA; 0: it is not.
  constexpr std::uintptr_t saved_below() const { return packed_ & (saved_limit - 1) << 3; }

  constexpr bool operator==(const frame_rule&) const = default;

 private:
  static constexpr std::int64_t word = 8;
  static constexpr std::int64_t cfa_limit = 1 << 22;
  static constexpr std::int64_t saved_limit = 1 << 5;

  std::uint32_t packed_ = 0;
};

}  // namespace ashlar::observe
