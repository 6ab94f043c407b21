// SPDX-License-Identifier: MIT
#include "tools/ashlar/option_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/nearest.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

namespace {

using words = std::vector<std::string>;

/// Below this a table of size classes cannot be drawn; above it nobody reads a line.
constexpr std::size_t smallest_width = 60;
constexpr std::size_t largest_width = 1000;

unit_system units_called(const std::string& name) {
  if (name == "iec") return unit_system::iec;
  if (name == "si") return unit_system::si;
  if (name == "bytes") return unit_system::bytes;
  throw CLI::ValidationError("--units", "must be iec, si or bytes, not " + printable(name));
}

words option_names(const CLI::App& app) {
  words names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

}  // namespace

command_line usage_error(const std::string& text) {
  command_line line;
  line.exit_code = exit_usage;
  line.error = text + "\n";
  return line;
}

command_line unknown_option(const CLI::App& app, const words& all) {
  const std::string verb = app.get_name();
  const words known = option_names(app);
  for (const std::string& word : all) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with('-') || app.get_option_no_throw(name) != nullptr) continue;
    const std::string meant = nearest_word(name, known);
    return usage_error(fmt::format("{}: unknown option {}{}", verb, printable(name),
                                   meant.empty() ? fmt::format("; see {} --help", verb)
                                                 : fmt::format("; did you mean {}?", meant)));
  }
  return usage_error(
      fmt::format("{}: these options cannot be understood; see {} --help", verb, verb));
}

void add_report_options(CLI::App& app, run_options& options) {
  const auto group = "Report";
  app.add_option("-o,--output", options.output, "Write the report there instead of to stderr")
      ->type_name("FILE")
      ->group(group);
  app.add_option("--json", options.json_file, "Write JSON instead of text, or to FILE besides text")
      ->type_name("[=FILE]")
      ->expected(0, 1)
      ->group(group);
  app.add_flag("-q,--quiet", options.quiet, "Write no text report")->group(group);
  const auto set_units = [&options](const std::string& name) {
    options.units = units_called(name);
  };
  app.add_option_function<std::string>("--units", set_units,
                                       "KiB and MiB (iec), kB and MB (si), or plain bytes")
      ->type_name("iec|si|bytes")
      ->group(group);
  app.add_option("--width", options.width, "Columns to use (default: those of the terminal)")
      ->type_name("N")
      ->check(CLI::Range(smallest_width, largest_width).description(""))
      ->group(group);
  app.add_flag("--ascii", options.ascii, "Draw with #+-. instead of Unicode blocks")->group(group);
  app.add_flag("--no-color", options.no_color, "Use no colour; so does the variable NO_COLOR")
      ->group(group);
}

void add_suppression_options(CLI::App& app, run_options& options) {
  app.add_option("--suppressions", options.suppression_files,
                 "Do not count the leaks that FILE names (leak:PATTERN)")
      ->type_name("FILE")
      ->expected(1)
      ->allow_extra_args(false)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group("Tracking");
}

namespace {

std::string checked_interval(const std::string& option, const std::string& text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string unit = text.substr(digits);
  const bool is_known = unit.empty() || unit == "ms" || unit == "s" || unit == "m" || unit == "h";
  const bool is_above_zero = text.find_first_of("123456789") < digits;
  if (digits == 0 || digits > 9 || !is_known || !is_above_zero)
    throw CLI::ValidationError(
        option, "must be a time such as 10 (seconds), 500ms or 5m, not " + printable(text));
  return text;
}

}  // namespace

void add_interval_option(CLI::App& app, const std::string& name, run_options& options) {
  app.add_option_function<std::string>(
         name,
         [&options, name](const std::string& text) {
           options.leaks_every = checked_interval(name, text);
         },
         "Look that often while it runs, too, for what grows")
      ->type_name("SECONDS")
      ->group("Tracking");
}

std::optional<command_line> parse_words(CLI::App& app, words all) {
  const words given = all;
  try {
    app.parse(words(all.rbegin(), all.rend()));  // as CLI11 wants it
  } catch (const CLI::CallForHelp&) {
    command_line line;
    line.output = app.help();
    return line;
  } catch (const CLI::ExtrasError&) {
    return unknown_option(app, given);
  } catch (const CLI::ParseError& error) {
    return usage_error(fmt::format("{}: {}", app.get_name(), error.what()));
  }
  return std::nullopt;
}

bool take_plain_json(words& all) { return std::erase(all, "--json") > 0; }

std::uint64_t bytes_called(const std::string& option, const std::string& text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  int shift = 0;
  if (parsed.ec == std::errc() && parsed.ptr + 1 == end) {
    const std::size_t unit = std::string_view("kmgKMG").find(*parsed.ptr);
    if (unit != std::string_view::npos) shift = 10 * static_cast<int>(unit % 3 + 1);
  }
  const bool whole = parsed.ptr == end || shift != 0;
  if (parsed.ec != std::errc() || !whole || number > (~std::uint64_t{0} >> shift))
    throw CLI::ValidationError(option, "must be a size such as 64K, not " + printable(text));
  return number << shift;
}

}  // namespace ashlar::tool
