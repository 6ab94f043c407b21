// SPDX-License-Identifier: MIT
// Reads small text files, such as those of /proc, without stdio and without allocating.
//
// Threads: thread-safe. errno stays as it was. May be called before main.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/result.hpp"

namespace ashlar::os {

/// Reads up to `capacity - 1` bytes of the file at `path` and ends them with a zero byte. Returns
/// how many were read. Errors: the OS error; `text` is empty then. Precondition: capacity > 0.
os_result<std::size_t> read_text_file(const char* path, char* text, std::size_t capacity) noexcept;

/// Reads the decimal digits at `text` into `value` (the largest value if they overflow). Returns
/// where they end: `text` itself, with `value` zero, if there are none.
const char* parse_decimal(const char* text, std::uint64_t& value) noexcept;

/// Reads hexadecimal digits, likewise.
const char* parse_hex(const char* text, std::uint64_t& value) noexcept;

/// Reads a text file line by line through a fixed buffer. Lines that are longer than the buffer
/// are cut. Descriptor open from construction to destruction.
class line_reader {
 public:
  explicit line_reader(const char* path) noexcept;
  ~line_reader();
  line_reader(const line_reader&) = delete;
  line_reader& operator=(const line_reader&) = delete;

  /// Returns the next line, without its end, valid until the next call; null after the last.
  const char* next() noexcept;

 private:
  bool refill() noexcept;

  int file_;
  std::size_t begin_ = 0;  // first byte not yet returned
  std::size_t end_ = 0;    // end of what has been read
  bool skipping_ = false;  // the rest of a cut line is still to come
  char buffer_[1024];
};

}  // namespace ashlar::os
