// SPDX-License-Identifier: MIT
// Reads the numbers that unwind tables are made of, never beyond an end.
//
// Tables are code's own, and may still be broken. A read that would leave the range fails, and so
// do all after it: the caller asks once, `ok()`, after it has read what it wanted.
#pragma once

#include <cstdint>
#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"

namespace ashlar::observe {

/// How a pointer is written (DW_EH_PE_*): the low half is the format, the next bits to what it is
/// relative.
enum pointer_encoding : std::uint8_t {
  encoding_absolute = 0x00,
  encoding_relative_to_itself = 0x10,
  encoding_relative_to_index = 0x30,
  encoding_indirect = 0x80,
  encoding_none = 0xff,
};

class table_reader {
 public:
  table_reader(std::uintptr_t at, std::uintptr_t end) : at_(at), end_(end), ok_(at <= end) {}

  bool ok() const { return ok_; }
  bool at_end() const { return !ok_ || at_ == end_; }
  std::uintptr_t at() const { return at_; }
  std::uintptr_t left() const { return ok_ ? end_ - at_ : 0; }

  template <class T>
  ASHLAR_NO_SANITIZE T read() {
    T value{};
    if (!take(sizeof value)) return value;
    std::memcpy(&value, at_address(at_ - sizeof value), sizeof value);
    return value;
  }

  void skip(std::uint64_t bytes) { (void)take(bytes); }

  /// Returns a reader of the next `bytes`, and goes on behind them.
  table_reader part(std::uint64_t bytes) {
    const std::uintptr_t begin = at_;
    return take(bytes) ? table_reader(begin, at_) : table_reader(1, 0);
  }

  /// Bits beyond the 64th are dropped.
  std::uint64_t unsigned_number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const auto byte = read<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fu} << shift;
      if ((byte & 0x80) == 0) return value;
    }
  }

  std::int64_t signed_number() {
    std::uint64_t value = 0;
    unsigned shift = 0;
    std::uint8_t byte = 0;
    do {
      byte = read<std::uint8_t>();
      if (shift < 64) value |= std::uint64_t{byte & 0x7fu} << shift;
      shift += 7;
    } while ((byte & 0x80) != 0);
    if ((byte & 0x40) != 0 && shift < 64) value |= ~std::uint64_t{0} << shift;
    return static_cast<std::int64_t>(value);
  }

  /// A pointer as written; fails where it is written in a way that code is never pointed to.
  std::uint64_t pointer(std::uint8_t encoding, std::uintptr_t index) {
    const std::uintptr_t itself = at_;
    const std::uint64_t value = pointer_value(encoding & 0x0f);
    switch (encoding & 0xf0) {
      case encoding_absolute: return value;
      case encoding_relative_to_itself: return value + itself;
      case encoding_relative_to_index: return value + index;
      default: ok_ = false; return 0;
    }
  }

  /// The same without what it is relative to: a size.
  std::uint64_t pointer_value(std::uint8_t format) {
    switch (format) {
      case 0x00: return read<std::uint64_t>();
      case 0x01: return unsigned_number();
      case 0x02: return read<std::uint16_t>();
      case 0x03: return read<std::uint32_t>();
      case 0x04: return read<std::uint64_t>();
      case 0x09: return static_cast<std::uint64_t>(signed_number());
      case 0x0a: return static_cast<std::uint64_t>(std::int64_t{read<std::int16_t>()});
      case 0x0b: return static_cast<std::uint64_t>(std::int64_t{read<std::int32_t>()});
      case 0x0c: return static_cast<std::uint64_t>(read<std::int64_t>());
      default: ok_ = false; return 0;
    }
  }

 private:
  bool take(std::uint64_t bytes) {
    if (bytes > left()) ok_ = false;
    if (ok_) at_ += bytes;
    return ok_;
  }

  std::uintptr_t at_;
  std::uintptr_t end_;
  bool ok_;
};

}  // namespace ashlar::observe
