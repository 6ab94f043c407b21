// SPDX-License-Identifier: MIT
#include "tools/ashlar/capture/memory_maps.hpp"

#include <algorithm>
#include <charconv>

namespace ashlar::tool {

namespace {

/// Takes the next word off `line`.
std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

bool parse_hex(std::string_view digits, std::uint64_t& number) {
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number, 16);
  return parsed.ec == std::errc() && parsed.ptr == digits.data() + digits.size();
}

}  // namespace

memory_maps::memory_maps(std::string_view text) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::string_view addresses = next_word(line);
    const std::string_view access = next_word(line);
    for (int skipped = 0; skipped < 3; ++skipped) next_word(line);  // offset, device, inode
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));

    range r{.begin = 0, .end = 0, .base = 0, .executable = false, .file = {}};
    const std::size_t dash = addresses.find('-');
    if (dash == std::string_view::npos || !parse_hex(addresses.substr(0, dash), r.begin) ||
        !parse_hex(addresses.substr(dash + 1), r.end))
      continue;
    r.executable = access.size() > 2 && access[2] == 'x';
    r.file = line;
    const bool goes_on = !ranges_.empty() && !r.file.empty() && ranges_.back().file == r.file;
    r.base = goes_on ? ranges_.back().base : r.begin;
    ranges_.push_back(std::move(r));
  }
  std::sort(ranges_.begin(), ranges_.end(),
            [](const range& a, const range& b) { return a.begin < b.begin; });
}

module_place memory_maps::find(std::uint64_t address) const {
  auto found =
      std::upper_bound(ranges_.begin(), ranges_.end(), address,
                       [](std::uint64_t wanted, const range& r) { return wanted < r.begin; });
  if (found == ranges_.begin()) return {};
  --found;
  if (address >= found->end || found->file.empty()) return {};
  return {found->file, address - found->base};
}

std::vector<std::string> memory_maps::code_files() const {
  std::vector<std::string> files;
  for (const range& r : ranges_)
    if (r.executable && r.file.starts_with('/') &&
        std::find(files.begin(), files.end(), r.file) == files.end())
      files.push_back(r.file);
  return files;
}

std::string_view file_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace ashlar::tool
