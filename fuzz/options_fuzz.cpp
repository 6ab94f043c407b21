// SPDX-License-Identifier: MIT
// The parser of ASHLAR_OPTIONS: any text is read or complained about, in bounds and to the end.
#include <cstdint>
#include <cstring>
#include <string>

#include "ashlar/replace/options.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  ashlar::replace::options o;
  ashlar::replace::parse_options(text.c_str(), o);
  if (std::memchr(o.snapshot, 0, sizeof o.snapshot) == nullptr) __builtin_trap();
  // What was understood is understood again, and comes to the same.
  ashlar::replace::options again = o;
  ashlar::replace::parse_options(text.c_str(), again);
  if (again.hard_limit != o.hard_limit || again.fail_at != o.fail_at || again.faults != o.faults)
    __builtin_trap();
  return 0;
}
