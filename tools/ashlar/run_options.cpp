// SPDX-License-Identifier: MIT
#include "tools/ashlar/run_options.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <optional>

#include "tools/ashlar/help.hpp"
#include "tools/ashlar/nearest.hpp"
#include "tools/ashlar/option_words.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

namespace {

using words = std::vector<std::string>;

const std::vector<std::string> level_names{"off", "counters", "sampled", "full", "debug"};

std::string checked_level(const std::string& level) {
  if (std::find(level_names.begin(), level_names.end(), level) == level_names.end())
    throw CLI::ValidationError(
        "--track", "must be off, counters, sampled, full or debug, not " + printable(level));
  return level;
}

std::string checked_sample(const std::string& size) {
  const std::uint64_t bytes = bytes_called("--sample", size);
  if (bytes == 0) throw CLI::ValidationError("--sample", "must be at least one byte");
  return std::to_string(bytes);
}

void add_tracking_options(CLI::App& app, run_options& options) {
  const auto group = "Tracking";
  app.add_option_function<std::string>(
         "--track", [&options](const std::string& level) { options.track = checked_level(level); },
         "Say which tags and sites hold the memory")
      ->type_name("=LEVEL")
      ->group(group);
  app.add_option_function<std::string>(
         "--sample", [&options](const std::string& size) { options.sample = checked_sample(size); },
         "Sample once in SIZE bytes (default: 512K)")
      ->type_name("SIZE")
      ->group(group);
  app.add_option("--depth", options.depth, "Record stacks of N frames; 0: the caller alone")
      ->type_name("N")
      ->check(CLI::Range(0, 64).description(""))
      ->group(group);
  app.add_option("--top", options.top, "Show N sites in each list (default: 5)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000).description(""))
      ->group(group);
  app.add_flag("--leaks", options.all_leaks, "Show each leak with its whole stack; tracks fully")
      ->group(group);
  add_interval_option(app, "--leaks-every", options);
  add_suppression_options(app, options);
  app.add_option("--captures", options.capture_folder, "Keep the captures there, for ashlar leaks")
      ->type_name("FOLDER")
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
  app->add_option("--classes", options.classes, "Show N size classes (default: 99 % of the bytes)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000).description(""))
      ->group("Report");
  add_tracking_options(*app, options);
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

/// The level that other options imply, if none is given. Returns what is wrong: an option that
/// would be without effect at the level that is.
std::optional<std::string> settle_level(run_options& options) {
  const bool looks_for_leaks = options.all_leaks || !options.leaks_every.empty();
  if (looks_for_leaks && (options.track == "off" || options.track == "counters"))
    return "--leaks and --leaks-every take --track=sampled, full or debug";
  if (!options.sample.empty() && !options.track.empty() && options.track != "sampled")
    return "--sample goes with --track=sampled";
  if (options.track.empty() && !options.sample.empty()) options.track = "sampled";
  if (options.track.empty() && looks_for_leaks) options.track = "full";
  return std::nullopt;
}

}  // namespace

command_line parse_run(const words& all) {
  run_options options;
  const std::unique_ptr<CLI::App> app = make_run_app(options);
  const std::size_t end = end_of_options(*app, all);
  const words own(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(end));
  if (const auto instead = parse_words(*app, own)) return *instead;
  options.json = app->count("--json") > 0 && options.json_file.empty();
  options.follow_children = options.follow_children || options.each;

  const std::size_t begin = end < all.size() && all[end] == "--" ? end + 1 : end;
  options.command.assign(all.begin() + static_cast<std::ptrdiff_t>(begin), all.end());
  if (options.command.empty())
    return usage_error("ashlar run: no program to run; try: ashlar run -- python3 -c 'print(1)'");
  if (const auto wrong = settle_level(options)) return usage_error("ashlar run: " + *wrong);
  command_line line;
  line.run = options;
  return line;
}

command_line parse_command_line(const words& all) {
  if (all.empty()) return usage_error(tool_help());
  const std::string& verb = all.front();
  const words rest{all.begin() + 1, all.end()};
  if (verb == "run") return parse_run(rest);
  if (verb == "leaks") return parse_leaks(rest);
  if (verb == "doctor") return parse_doctor(rest);
  command_line line;
  if (verb == "--help" || verb == "-h" || verb == "help") line.output = tool_help();
  if (verb == "--version" || verb == "-V") line.output = version_text();
  if (!line.output.empty()) return line;
  const std::string meant = nearest_word(verb, {"run", "leaks", "doctor", "--help", "--version"});
  return usage_error(fmt::format(
      "ashlar: there is no {} '{}'{}", verb.starts_with('-') ? "option" : "verb", printable(verb),
      meant.empty() ? "; see ashlar --help" : fmt::format("; did you mean {}?", meant)));
}

}  // namespace ashlar::tool
