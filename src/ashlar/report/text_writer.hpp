// SPDX-License-Identifier: MIT
// Writes text into a buffer of the caller's, without allocating, and counts what did not fit.
#pragma once

#include <cstddef>
#include <span>

namespace ashlar {

class text_writer {
 public:
  explicit text_writer(std::span<char> out) : out_(out) {}

  void put(char c) {
    if (size_ < out_.size()) out_[size_] = c;
    ++size_;
  }

  void put(const char* text) {
    while (*text != '\0') put(*text++);
  }

  void put_number(std::size_t n) {
    char digits[20];
    std::size_t count = 0;
    do {
      digits[count++] = static_cast<char>('0' + n % 10);
      n /= 10;
    } while (n != 0);
    while (count != 0) put(digits[--count]);
  }

  void put_spaces(std::size_t count) {
    while (count-- != 0) put(' ');
  }

  /// Returns the size of the whole text, whether it fitted or not.
  std::size_t size() const { return size_; }

 private:
  std::span<char> out_;
  std::size_t size_ = 0;
};

}  // namespace ashlar
