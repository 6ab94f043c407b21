// SPDX-License-Identifier: MIT
// One line on stderr, built without stdio and without allocating.
//
// The library is silent by rule; what it must say (a fault, an unknown option) it says here, in
// one write, so that lines of several threads do not mix. A line that is too long is cut.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::os {

/// Text that grows at its end, in a buffer of its own.
class line {
 public:
  static constexpr std::size_t capacity = 512;

  line& text(const char* words) noexcept;
  line& text(const char* words, std::size_t size) noexcept;
  line& decimal(std::uint64_t number) noexcept;
  line& hex(std::uint64_t number) noexcept;     ///< With 0x in front.
  line& pointer(const void* address) noexcept;  ///< As hex; null is 0x0.
  line& bytes(std::uint64_t size) noexcept;  ///< "4096 B", "64 KiB", "1.5 GiB": cut, not rounded.

  /// The text so far, ended with a zero byte.
  const char* c_str() const { return buffer_; }
  std::size_t size() const { return size_; }

 private:
  void digits(std::uint64_t number, unsigned base) noexcept;

  std::size_t size_ = 0;
  char buffer_[capacity] = {};
};

/// Writes the line and a newline to stderr in one system call. Errors of writing are ignored.
/// Threads: thread-safe. errno stays as it was. May be called in a signal handler.
void write_line(const line& what) noexcept;

/// Is called with the text of each line that is written, by the thread that writes it, in a signal
/// handler, too.
using line_listener = void (*)(const char* text, std::size_t size);

/// Installs a listener; null: none. It hears all copies of this library in the process: that of the
/// drop-in, and that of the program.
void listen_to_lines(line_listener listener) noexcept;

}  // namespace ashlar::os
