// SPDX-License-Identifier: MIT
// Reading small text files with open and read alone.
#include "ashlar/os/file.hpp"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "ashlar/os/posix/errno_guard.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar::os {

namespace {

std::intptr_t open_file(const char* path) {
  for (;;) {
    const std::intptr_t file = errno_guard::outcome(::open(path, O_RDONLY | O_CLOEXEC));
    if (file != -EINTR) return file;
  }
}

std::intptr_t read_some(int file, char* to, std::size_t size) {
  for (;;) {
    const std::intptr_t count = errno_guard::outcome(::read(file, to, size));
    if (count != -EINTR) return count;
  }
}

unsigned digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10;
  return UINT_MAX;
}

const char* parse(const char* text, std::uint64_t& value, unsigned base) {
  value = 0;
  for (unsigned digit; (digit = digit_value(*text)) < base; ++text) {
    if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
      break;
  }
  if (digit_value(*text) >= base) return text;
  while (digit_value(*text) < base) ++text;
  value = UINT64_MAX;
  return text;
}

}  // namespace

os_result<std::size_t> read_text_file(const char* path, char* text, std::size_t capacity) noexcept {
  const errno_guard guard;
  const cancellation_hold hold;
  text[0] = '\0';
  const std::intptr_t file = open_file(path);
  if (file < 0) return {0, {static_cast<int>(-file)}};
  std::size_t size = 0;
  std::intptr_t count = 1;
  while (count > 0 && size < capacity - 1) {
    count = read_some(static_cast<int>(file), text + size, capacity - 1 - size);
    if (count > 0) size += static_cast<std::size_t>(count);
  }
  ::close(static_cast<int>(file));
  text[count < 0 ? 0 : size] = '\0';
  if (count < 0) return {0, {static_cast<int>(-count)}};
  return {size, {}};
}

const char* parse_decimal(const char* text, std::uint64_t& value) noexcept {
  return parse(text, value, 10);
}

const char* parse_hex(const char* text, std::uint64_t& value) noexcept {
  return parse(text, value, 16);
}

line_reader::line_reader(const char* path) noexcept {
  const errno_guard guard;
  const cancellation_hold hold;
  file_ = static_cast<int>(open_file(path));
}

line_reader::~line_reader() {
  const errno_guard guard;
  const cancellation_hold hold;
  if (file_ >= 0) ::close(file_);
}

bool line_reader::refill() noexcept {
  const errno_guard guard;
  const cancellation_hold hold;
  if (file_ < 0) return false;
  ::memmove(buffer_, buffer_ + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  const std::intptr_t count = read_some(file_, buffer_ + end_, sizeof buffer_ - 1 - end_);
  if (count <= 0) return false;
  end_ += static_cast<std::size_t>(count);
  return true;
}

const char* line_reader::next() noexcept {
  for (;;) {
    void* const newline = ::memchr(buffer_ + begin_, '\n', end_ - begin_);
    const bool full = begin_ == 0 && end_ == sizeof buffer_ - 1;
    if (newline == nullptr && !full && refill()) continue;
    if (begin_ == end_) return nullptr;
    char* const line = buffer_ + begin_;
    char* const line_end = newline != nullptr ? static_cast<char*>(newline) : buffer_ + end_;
    *line_end = '\0';
    begin_ = static_cast<std::size_t>(line_end - buffer_) + (newline != nullptr ? 1 : 0);
    const bool rest_of_cut_line = skipping_;
    skipping_ = newline == nullptr;
    if (!rest_of_cut_line) return line;
  }
}

}  // namespace ashlar::os
