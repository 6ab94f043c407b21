// SPDX-License-Identifier: MIT
// Formatting by hand, and write(2).
#include "ashlar/os/diagnostic.hpp"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/os/posix/errno_guard.hpp"
#include "ashlar/os/thread.hpp"

// By its C name, so that all copies of this code share it, as they do the tracker.
extern "C" {
[[gnu::weak]] ASHLAR_EXPORT constinit ashlar::os::line_listener ashlar_line_listener_v1 = nullptr;
}

namespace ashlar::os {

line& line::text(const char* words, std::size_t size) noexcept {
  const std::size_t room = capacity - 1 - size_;
  const std::size_t part = size < room ? size : room;
  ::memcpy(buffer_ + size_, words, part);
  size_ += part;
  buffer_[size_] = '\0';
  return *this;
}

line& line::text(const char* words) noexcept { return text(words, ::strlen(words)); }

void line::digits(std::uint64_t number, unsigned base) noexcept {
  char reversed[20];
  std::size_t count = 0;
  do {
    reversed[count++] = "0123456789abcdef"[number % base];
    number /= base;
  } while (number != 0);
  while (count != 0) text(&reversed[--count], 1);
}

line& line::decimal(std::uint64_t number) noexcept {
  digits(number, 10);
  return *this;
}

line& line::hex(std::uint64_t number) noexcept {
  text("0x");
  digits(number, 16);
  return *this;
}

line& line::pointer(const void* address) noexcept { return hex(address_of(address)); }

line& line::bytes(std::uint64_t size) noexcept {
  constexpr const char* units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  constexpr std::uint64_t most = 10'000;  // up to here the exact number is short enough
  unsigned unit = 0;
  std::uint64_t rest = 0;
  while (size >= most || (size >= 1024 && size % 1024 == 0)) {
    rest = size % 1024;
    size /= 1024;
    ++unit;
  }
  decimal(size);
  if (const std::uint64_t tenths = rest * 10 / 1024; tenths != 0) text(".").decimal(tenths);
  return text(units[unit]);
}

void listen_to_lines(line_listener wanted) noexcept {
  store_relaxed(ashlar_line_listener_v1, wanted);
}

void write_line(const line& what) noexcept {
  const errno_guard guard;
  const cancellation_hold hold;
  char newline = '\n';
  if (const line_listener listen = load_relaxed(ashlar_line_listener_v1))
    listen(what.c_str(), what.size());
  const iovec parts[] = {{const_cast<char*>(what.c_str()), what.size()}, {&newline, 1}};
  while (::writev(STDERR_FILENO, parts, 2) < 0 && errno == EINTR) {
  }
}

}  // namespace ashlar::os
