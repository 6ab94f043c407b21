// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/said_lines.hpp"

#include <atomic>
#include <cstring>

#include "ashlar/os/diagnostic.hpp"

namespace ashlar::replace {

namespace {

constexpr char more[] = "ashlar: what was said then found no room here\n";
// The bytes behind a line that found no room stay zero, so that the text ends there.
constinit char text[most_said + sizeof more] = {};
constinit std::atomic<std::size_t> used{0};

void keep(const char* line, std::size_t length) {
  const std::size_t size = length + 1;
  const std::size_t at = used.fetch_add(size, std::memory_order_relaxed);
  if (at > most_said) return;
  if (size > most_said - at) return (void)std::memcpy(text + at, more, sizeof more);
  std::memcpy(text + at, line, length);
  text[at + length] = '\n';
}

}  // namespace

void keep_lines() noexcept { os::listen_to_lines(keep); }

const char* said_lines() noexcept { return text; }

void forget_lines() noexcept {
  std::memset(text, 0, sizeof text);
  used.store(0, std::memory_order_relaxed);
}

}  // namespace ashlar::replace
