// SPDX-License-Identifier: MIT
// Unwind tables of one function, written byte by byte, for tests that break them.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "ashlar/base/bits.hpp"
#include "ashlar/os/unwind_tables.hpp"

namespace ashlar::testing {

using bytes = std::vector<std::uint8_t>;

template <class T>
void append(bytes& to, T value) {
  const std::size_t at = to.size();
  to.resize(at + sizeof value);
  std::memcpy(to.data() + at, &value, sizeof value);
}

inline void append(bytes& to, const bytes& more) { to.insert(to.end(), more.begin(), more.end()); }

/// The index at 0, with one function; the CIE at `unit_at`, the FDE at `function_at`.
struct hand_made_tables {
  static constexpr std::int32_t function_begin = 0x10000;  // from the index
  static constexpr std::uint32_t function_size = 0x100;
  static constexpr std::uint32_t unit_at = 20;

  // As GCC's: CFA = stack pointer + 8, the return address at CFA - 8.
  bytes augmentation = {'z', 'R', 0};
  bytes augmentation_data = {1, 0x1b};
  bytes unit_code = {0x0c, 7, 8, 0x90, 1};
  bytes function_code;
  std::uint32_t function_at = 0;

  bytes built() {
    bytes all = {1, 0x1b, 3, 0x3b};
    append(all, std::int32_t{16});
    append(all, std::uint32_t{1});
    append(all, function_begin);
    append(all, std::int32_t{0});
    append_record(all, unit());
    function_at = static_cast<std::uint32_t>(all.size());
    std::memcpy(all.data() + 16, &function_at, 4);
    append_record(all, function());
    return all;
  }

  static os::unwind_tables place_of(const bytes& all) {
    const std::uintptr_t at = address_of(all.data());
    return {.code_low = at,
            .code_high = at + 0x20000,
            .index = at,
            .low = at,
            .high = at + all.size(),
            .module = 0};
  }

 private:
  static void append_record(bytes& all, const bytes& content) {
    append(all, static_cast<std::uint32_t>(content.size()));
    append(all, content);
  }

  bytes unit() const {
    bytes content = {0, 0, 0, 0, 1};
    append(content, augmentation);
    append(content, bytes{1, 0x78, 16});  // code by 1, data by -8, the return address is 16
    append(content, augmentation_data);
    append(content, unit_code);
    return content;
  }

  bytes function() const {
    bytes content;
    append(content, function_at + 4 - unit_at);
    append(content, function_begin - static_cast<std::int32_t>(function_at + 8));
    append(content, function_size);
    append(content, std::uint8_t{0});  // of its augmentation
    append(content, function_code);
    return content;
  }
};

}  // namespace ashlar::testing
