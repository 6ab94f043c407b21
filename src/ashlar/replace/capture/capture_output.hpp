// SPDX-License-Identifier: MIT
// A file that is written from its start to its end through a buffer of its own, with system calls
// alone.
//
// It stays below the limit on the size of files: beyond it the kernel would end the program.
// Threads: thread-confined.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/os/process.hpp"

namespace ashlar::replace {

class capture_output {
 public:
  /// Takes an open file; below zero: none, and everything fails.
  explicit capture_output(int file) : file_(file), ok_(file >= 0), most_(os::file_size_limit()) {}
  ~capture_output() {
    if (file_ >= 0) ::close(file_);
  }
  capture_output(const capture_output&) = delete;
  capture_output& operator=(const capture_output&) = delete;

  void add(const void* data, std::size_t size) noexcept {
    position_ += size;
    const auto* bytes = static_cast<const char*>(data);
    while (size != 0) {
      const std::size_t n = size < sizeof buffer_ - used_ ? size : sizeof buffer_ - used_;
      std::memcpy(buffer_ + used_, bytes, n);
      used_ += n;
      bytes += n;
      size -= n;
      if (used_ == sizeof buffer_) flush();
    }
  }
  void flush() noexcept {
    if (position_ > most_) ok_ = false;
    for (std::size_t at = 0; at < used_ && ok_;) {
      const ssize_t n = ::write(file_, buffer_ + at, used_ - at);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) ok_ = false;
      if (n > 0) at += static_cast<std::size_t>(n);
    }
    used_ = 0;
  }
  /// Fills up with zeroes to a multiple of eight bytes.
  void align() noexcept {
    static constexpr char zeros[8] = {};
    add(zeros, align_up(position_, 8) - position_);
  }
  void rewrite_start(const void* data, std::size_t size) noexcept {
    flush();
    if (ok_ && ::pwrite(file_, data, size, 0) != static_cast<ssize_t>(size)) ok_ = false;
  }
  std::uint64_t position() const { return position_; }
  bool ok() const { return ok_; }

 private:
  int file_;
  bool ok_;
  std::uint64_t most_;
  std::uint64_t position_ = 0;
  std::size_t used_ = 0;
  char buffer_[16_KiB];
};

}  // namespace ashlar::replace
