// SPDX-License-Identifier: MIT
// The parser of ASHLAR_OPTIONS: any text is read or complained about, in bounds and to the end.
//
// The parser is linked alone; what it would set in motion in a real process does nothing here.
#include <cstdint>
#include <cstring>
#include <string>

#include "ashlar/replace/options.hpp"
#include "ashlar/replace/process_heap.hpp"
#include "ashlar/replace/publisher.hpp"
#include "ashlar/replace/release_at_exit.hpp"
#include "ashlar/replace/system_limits.hpp"

namespace ashlar::replace {

namespace {
heap unused_heap;
}

constinit heap& process_heap = unused_heap;

local_heap* bound_local() noexcept { return nullptr; }
void release_when_all_is_over() noexcept {}
void start_publishing(const char*) noexcept {}
void publish_at_exit() noexcept {}
heap_limits system_limits(const options&) noexcept { return {}; }
std::uint32_t system_concurrency() noexcept { return 1; }

}  // namespace ashlar::replace

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
