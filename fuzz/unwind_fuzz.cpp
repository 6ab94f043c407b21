// SPDX-License-Identifier: MIT
// The reader of unwind tables: any bytes give a rule, and nothing beyond them is read. The first
// four say which code is asked for.
#include <cstdint>
#include <cstring>
#include <vector>

#include "ashlar/base/bits.hpp"
#include "ashlar/observe/unwind/table_search.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::int32_t offset = 0;
  if (size < sizeof offset) return 0;
  std::memcpy(&offset, data, sizeof offset);
  // Of its own size, so that the sanitizer sees a read beyond it.
  const std::vector<std::uint8_t> tables(data + sizeof offset, data + size);
  const std::uintptr_t at = ashlar::address_of(tables.data());
  const ashlar::os::unwind_tables place = {.code_low = at,
                                           .code_high = at + (1u << 20),
                                           .index = at,
                                           .low = at,
                                           .high = at + tables.size(),
                                           .module = 0};
  const auto rule =
      ashlar::observe::search_tables(place, at + static_cast<std::uintptr_t>(std::int64_t{offset}));
  if (rule.kind() > ashlar::observe::rule_kind::signal) __builtin_trap();
  const bool goes_up = rule.kind() != ashlar::observe::rule_kind::from_stack ||
                       (rule.cfa_offset() >= 8 && rule.saved_below() <= rule.cfa_offset());
  if (!goes_up) __builtin_trap();
  return 0;
}
