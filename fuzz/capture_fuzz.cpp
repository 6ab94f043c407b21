// SPDX-License-Identifier: MIT
// The reader of captures: any file is a whole capture or refused in one line, and what is said to
// be whole can be used.
#include <cstdint>
#include <string_view>

#include "tools/ashlar/capture/capture_file.hpp"
#include "tools/ashlar/capture/memory_maps.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar::tool;
  const capture_result result = parse_capture({reinterpret_cast<const char*>(data), size});
  if (static_cast<bool>(result) == !result.problem.empty()) __builtin_trap();
  if (result.problem.find('\n') != std::string::npos) __builtin_trap();
  if (!result) return 0;
  const capture& all = *result.value;
  const memory_maps maps(all.maps);
  std::size_t seen = all.program().size() + maps.code_files().size();
  for (const auto& site : all.sites) {
    for (const std::uint64_t address : all.stack_of(site)) seen += maps.find(address).file.size();
    seen += all.text(site.file).size() + all.text(site.function).size();
    seen += all.tag_path(site.tag).size();
  }
  for (const auto& inner : all.inner)
    seen += all.sites[inner.site].line + all.text(inner.kind).size() + all.text(inner.name).size();
  return seen == ~std::size_t{0} ? 1 : 0;
}
