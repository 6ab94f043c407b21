// SPDX-License-Identifier: MIT
#include "tools/ashlar/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <string_view>

namespace ashlar::tool {

namespace {

/// Where nobody tells, a report is for a file or a log, and those are read in a hundred columns.
constexpr std::size_t default_width = 100;
constexpr std::size_t smallest_width = 60;
/// On a wide terminal longer lines would only tear the tables apart.
constexpr std::size_t largest_width = 140;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::size_t width_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const int columns = std::atoi(std::string(variable("COLUMNS")).c_str());
  return columns > 0 ? static_cast<std::size_t>(columns) : default_width;
}

bool has_color(int fd, const run_options& options) {
  return !options.no_color && variable("NO_COLOR").empty() && variable("TERM") != "dumb" &&
         ::isatty(fd) == 1;
}

/// Tells whether the locale names a character set that is not UTF-8. One that names none ("C", or
/// nothing, as in most containers) says nothing about the terminal, and those of today are UTF-8.
bool names_other_charset() {
  std::string_view locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (locale.empty()) locale = variable(name);
  const std::size_t dot = locale.find('.');
  if (dot == std::string_view::npos) return false;
  std::string charset(locale.substr(dot + 1));
  std::transform(charset.begin(), charset.end(), charset.begin(),
                 [](unsigned char letter) { return static_cast<char>(letter | 0x20U); });
  return !charset.starts_with("utf-8") && !charset.starts_with("utf8");
}

}  // namespace

report_format format_for(int fd, const run_options& options) {
  report_format format;
  format.width =
      options.width != 0 ? options.width : std::clamp(width_of(fd), smallest_width, largest_width);
  format.units = options.units;
  format.ascii = options.ascii || names_other_charset();
  format.color = has_color(fd, options);
  format.each = options.each;
  format.classes = options.classes;
  format.top = options.top;
  format.all_leaks = options.all_leaks;
  format.growing = !options.leaks_every.empty();
  return format;
}

}  // namespace ashlar::tool
