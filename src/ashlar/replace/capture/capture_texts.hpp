// SPDX-License-Identifier: MIT
// The texts of a capture: kept until all sections that refer to them are written.
// Threads: thread-confined.
#pragma once

#include <cstdint>
#include <cstring>

#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/replace/capture/capture_output.hpp"

namespace ashlar::replace {

class capture_texts {
 public:
  /// `most`: what they come to, in bytes, at most.
  explicit capture_texts(std::size_t most) : space_(most) {}
  ~capture_texts() { space_.release(); }
  capture_texts(const capture_texts&) = delete;
  capture_texts& operator=(const capture_texts&) = delete;

  /// Returns where a text lies among all; 0, where the empty one lies, for none, or if there is no
  /// memory.
  std::uint32_t add(const char* words) noexcept {
    if (words == nullptr || *words == 0) return 0;
    const std::size_t size = std::strlen(words) + 1;
    if (!space_.ensure(size_ + size)) return 0;
    const auto at = static_cast<std::uint32_t>(size_);
    std::memcpy(space_.data() + size_, words, size);
    size_ += size;
    return at;
  }

  /// Writes them all. Returns their size.
  std::size_t write(capture_output& out) noexcept {
    if (space_.ensure(size_))
      out.add(space_.data(), size_);
    else
      out.add("", size_ = 1);  // no text had room
    return size_;
  }

 private:
  observe::growing_space space_;
  std::size_t size_ = 1;  // the first text is empty
};

}  // namespace ashlar::replace
