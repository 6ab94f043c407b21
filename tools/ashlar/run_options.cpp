// SPDX-License-Identifier: MIT
#include "tools/ashlar/run_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/help.hpp"
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
  app.add_option("--classes", options.classes, "Show N size classes (default: 99 % of the bytes)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000).description(""))
      ->group(group);
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

void add_run_options(CLI::App& app, run_options& options) {
  const auto group = "Program";
  app.add_flag("-f,--follow-children", options.follow_children,
               "Report on the processes that it starts, too")
      ->group(group);
  app.add_flag("--each", options.each, "Report on each of them in full; follows children")
      ->group(group);
  app.add_option("--library", options.library, "Preload this instead of the tool's own library")
      ->type_name("PATH")
      ->group(group);
}

std::unique_ptr<CLI::App> make_run_app(run_options& options) {
  auto app = std::make_unique<CLI::App>(run_description, "ashlar run");
  app->formatter(std::make_shared<help_formatter>("ashlar run [options] [--] PROGRAM [ARGUMENTS]"));
  app->footer(run_examples);
  app->set_help_flag();  // away, and back behind the others
  add_report_options(*app, options);
  add_run_options(*app, options);
  app->set_help_flag("-h,--help", "Print this")->group("Help");
  return app;
}

/// Tells whether the option in `word` needs the next word as its value.
bool takes_next_word(const CLI::App& app, const std::string& word) {
  if (word.find('=') != std::string::npos) return false;
  if (word.size() > 2 && word[1] != '-') return false;  // -oFILE
  const CLI::Option* option = app.get_option_no_throw(word);
  return option != nullptr && option->get_expected_min() > 0 && option->get_type_size() > 0;
}

/// Returns the place in `all` where the options of the tool end.
std::size_t end_of_options(const CLI::App& app, const words& all) {
  std::size_t i = 0;
  while (i < all.size() && all[i].size() > 1 && all[i][0] == '-' && all[i] != "--")
    i += takes_next_word(app, all[i]) ? 2 : 1;
  return std::min(i, all.size());
}

words option_names(const CLI::App& app) {
  words names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

command_line usage_error(const std::string& text) {
  return {std::nullopt, exit_usage, "", text + "\n"};
}

/// Names the unknown option and what it may have been meant to be.
command_line unknown_option(const CLI::App& app, const words& options) {
  const words known = option_names(app);
  for (const std::string& word : options) {
    const std::string name = word.substr(0, word.find('='));
    if (!name.starts_with('-') || app.get_option_no_throw(name) != nullptr) continue;
    const std::string meant = nearest_word(name, known);
    return usage_error(fmt::format(
        "ashlar run: unknown option {}{}", printable(name),
        meant.empty() ? "; see ashlar run --help" : fmt::format("; did you mean {}?", meant)));
  }
  return usage_error("ashlar run: these options cannot be understood; see ashlar run --help");
}

command_line parse_run(const words& all) {
  run_options options;
  const std::unique_ptr<CLI::App> app = make_run_app(options);
  const std::size_t end = end_of_options(*app, all);
  const words own(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(end));
  try {
    words reversed(own.rbegin(), own.rend());  // as CLI11 wants it
    app->parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    return {std::nullopt, 0, app->help(), ""};
  } catch (const CLI::ExtrasError&) {
    return unknown_option(*app, own);
  } catch (const CLI::ParseError& error) {
    return usage_error(fmt::format("ashlar run: {}", error.what()));
  }
  options.json = app->count("--json") > 0 && options.json_file.empty();
  options.follow_children = options.follow_children || options.each;

  const std::size_t begin = end < all.size() && all[end] == "--" ? end + 1 : end;
  options.command.assign(all.begin() + static_cast<std::ptrdiff_t>(begin), all.end());
  if (options.command.empty())
    return usage_error("ashlar run: no program to run; try: ashlar run -- python3 -c 'print(1)'");
  return {options, 0, "", ""};
}

}  // namespace

command_line parse_command_line(const words& all) {
  if (all.empty()) return usage_error(tool_help());
  const std::string& verb = all.front();
  if (verb == "run") return parse_run({all.begin() + 1, all.end()});
  if (verb == "--help" || verb == "-h" || verb == "help") return {std::nullopt, 0, tool_help(), ""};
  if (verb == "--version" || verb == "-V") return {std::nullopt, 0, version_text(), ""};
  const std::string meant = nearest_word(verb, {"run", "--help", "--version"});
  return usage_error(fmt::format(
      "ashlar: there is no {} '{}'{}", verb.starts_with('-') ? "option" : "verb", printable(verb),
      meant.empty() ? "; see ashlar --help" : fmt::format("; did you mean {}?", meant)));
}

}  // namespace ashlar::tool
