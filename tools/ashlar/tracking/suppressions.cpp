// SPDX-License-Identifier: MIT
#include "tools/ashlar/tracking/suppressions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/output.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

namespace {

constexpr const char* other_kinds[] = {"race",
                                       "thread",
                                       "mutex",
                                       "signal",
                                       "called_from_lib",
                                       "deadlock",
                                       "race_top",
                                       "interceptor_name",
                                       "interceptor_via_fun",
                                       "interceptor_via_lib",
                                       "odr_violation"};

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

bool is_other_kind(std::string_view kind) {
  return std::find(std::begin(other_kinds), std::end(other_kinds), kind) != std::end(other_kinds);
}

}  // namespace

bool pattern_fits(std::string_view pattern, std::string_view text) {
  const bool at_begin = pattern.starts_with('^');
  if (at_begin) pattern.remove_prefix(1);
  const std::size_t dollar = std::min(pattern.find('$'), pattern.size());
  const bool at_end = dollar < pattern.size();
  pattern = pattern.substr(0, dollar);
  if (text.empty()) return false;

  bool first = true;
  while (true) {
    const std::size_t star = std::min(pattern.find('*'), pattern.size());
    const std::string_view piece = pattern.substr(0, star);
    const bool last = star == pattern.size();
    if (last && at_end) {
      if (!text.ends_with(piece)) return false;
      return !(first && at_begin) || text.size() == piece.size();
    }
    const std::size_t found = text.find(piece);
    if (found == std::string_view::npos || (first && at_begin && found != 0)) return false;
    if (last) return true;
    text.remove_prefix(found + piece.size());
    pattern.remove_prefix(star + 1);
    first = false;
  }
}

void suppressions::add(std::string_view text, const std::string& name) {
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    if (line.empty() || line.front() == '#') continue;
    const std::size_t colon = line.find(':');
    const std::string_view kind = line.substr(0, colon);
    if (colon != std::string_view::npos && is_other_kind(kind)) continue;
    if (colon == std::string_view::npos || kind != "leak" || colon + 1 == line.size())
      throw failure(exit_usage, fmt::format("{}:{}: expected leak:PATTERN, not '{}'",
                                            printable(name), number, printable(line)));
    patterns_.emplace_back(line.substr(colon + 1));
  }
}

void suppressions::add_file(const std::string& file) {
  const auto cannot = [&](const char* why) {
    return failure(exit_usage,
                   fmt::format("cannot read the suppressions in '{}': {}", printable(file), why));
  };
  // It can be opened, and reading it throws.
  std::error_code unknown;
  if (std::filesystem::is_directory(file, unknown)) throw cannot(std::strerror(EISDIR));
  std::ifstream stream(file);
  const std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (!stream.is_open() || stream.bad()) throw cannot(std::strerror(errno));
  add(text, file);
}

void suppressions::add_own(std::string_view text, const std::string& program) {
  try {
    add(text, "__lsan_default_suppressions of " + program);
  } catch (const failure& wrong) {
    warn(wrong.what());
  }
}

void suppressions::add_from_options(std::string_view options) {
  constexpr std::string_view key = "suppressions=";
  constexpr std::string_view separators = " ,:\n\t\r";
  while (!options.empty()) {
    const std::size_t begin = std::min(options.find_first_not_of(separators), options.size());
    options.remove_prefix(begin);
    const bool is_ours = options.starts_with(key);
    const std::size_t equals = std::min(options.find_first_of("= ,:\n\t\r"), options.size());
    options.remove_prefix(std::min(equals + 1, options.size()));
    const bool quoted = options.starts_with('"') || options.starts_with('\'');
    const std::size_t end =
        std::min(quoted ? options.find(options.front(), 1) : options.find_first_of(separators),
                 options.size());
    const std::string value(options.substr(quoted ? 1 : 0, quoted ? end - 1 : end));
    options.remove_prefix(std::min(end + (quoted ? 1 : 0), options.size()));
    if (is_ours && !value.empty()) add_file(value);
  }
}

const std::string* suppressions::find(const stack& frames) const {
  for (const std::string& pattern : patterns_)
    for (const frame& each : frames)
      if (pattern_fits(pattern, each.function) || pattern_fits(pattern, each.file) ||
          pattern_fits(pattern, each.module))
        return &pattern;
  return nullptr;
}

}  // namespace ashlar::tool
