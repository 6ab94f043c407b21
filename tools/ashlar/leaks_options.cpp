// SPDX-License-Identifier: MIT
// What `ashlar leaks` and `ashlar doctor` accept.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "tools/ashlar/help.hpp"
#include "tools/ashlar/option_words.hpp"
#include "tools/ashlar/report/text.hpp"
#include "tools/ashlar/run_options.hpp"

namespace ashlar::tool {

namespace {

using words = std::vector<std::string>;

void add_tracking_options(CLI::App& app, run_options& options) {
  add_suppression_options(app, options);
  add_interval_option(app, "--every", options);
  app.add_option("--depth", options.depth, "Record stacks of N frames")
      ->type_name("N")
      ->check(CLI::Range(0, 64).description(""))
      ->group("Tracking");
  app.add_option("--captures", options.capture_folder, "Keep the captures there")
      ->type_name("FOLDER")
      ->group("Tracking");
  app.add_option("--library", options.library, "Preload this instead of the tool's own library")
      ->type_name("PATH")
      ->group("Tracking");
}

std::unique_ptr<CLI::App> make_leaks_app(leaks_options& options) {
  auto app = std::make_unique<CLI::App>(leaks_description, "ashlar leaks");
  app->formatter(
      std::make_shared<help_formatter>("ashlar leaks [options] FILE.capture...\n       ashlar "
                                       "leaks [options] -- PROGRAM [ARGUMENTS]"));
  app->footer(leaks_examples);
  app->set_help_flag();  // away, and back behind the others
  app->add_option("captures", options.captures)->group("");
  add_report_options(*app, options.run);
  const auto group = "Leaks";
  app->add_option("--exit-code", options.exit_code, "End with N if there are leaks (default: 23)")
      ->type_name("N")
      ->check(CLI::Range(0, 255).description(""))
      ->group(group);
  app->add_option_function<std::string>(
         "--min",
         [&options](const std::string& text) {
           options.run.least_leak = bytes_called("--min", text);
         },
         "Pass over stacks that leak less")
      ->type_name("BYTES")
      ->group(group);
  app->add_flag("--reachable", options.reachable, "Show what is still pointed to at the end, too")
      ->group(group);
  app->add_flag("--growing", options.growing,
                "Show what grew from capture to capture, and that alone")
      ->group(group);
  app->add_option("--top", options.run.top, "Show N stacks (default: all leaks, 20 of the others)")
      ->type_name("N")
      ->check(CLI::Range(1, 100'000).description(""))
      ->group(group);
  add_tracking_options(*app, options.run);
  app->set_help_flag("-h,--help", "Print this")->group("Help");
  return app;
}

/// Returns what is wrong with the combination, if anything.
std::string problem_of(const leaks_options& options) {
  if (options.run.command.empty() && options.captures.empty())
    return "no capture and no program; try: ashlar leaks -- PROGRAM";
  if (!options.run.command.empty() && !options.captures.empty())
    return fmt::format("'{}' stands before the program: either captures or a program",
                       printable(options.captures.front()));
  if (options.growing && options.run.command.empty() && options.captures.size() < 2)
    return "--growing needs two captures or more, the earliest one first";
  if (options.growing && !options.run.command.empty() && options.run.leaks_every.empty())
    return "--growing needs --every SECONDS with a program";
  return "";
}

}  // namespace

command_line parse_leaks(const words& all) {
  leaks_options options;
  options.run.top = 20;
  options.run.all_leaks = true;
  const std::unique_ptr<CLI::App> app = make_leaks_app(options);
  const auto dashes = std::find(all.begin(), all.end(), "--");
  words own(all.begin(), dashes);
  const bool json = take_plain_json(own);
  if (const auto instead = parse_words(*app, own)) return *instead;
  if (dashes != all.end()) options.run.command.assign(dashes + 1, all.end());
  options.run.json = json && options.run.json_file.empty();
  options.run.all_leaks = app->count("--top") == 0;
  options.run.track = "full";
  if (const std::string problem = problem_of(options); !problem.empty())
    return usage_error("ashlar leaks: " + problem);
  command_line line;
  line.leaks = options;
  return line;
}

command_line parse_doctor(const words& all) {
  doctor_options options;
  CLI::App app(doctor_description, "ashlar doctor");
  app.formatter(std::make_shared<help_formatter>("ashlar doctor [options] [PROGRAM | PID]"));
  app.footer(doctor_examples);
  app.set_help_flag();  // away, and back behind the others
  app.add_option("subject", options.subject)->group("");
  add_report_options(app, options.report);
  app.add_option("--library", options.report.library,
                 "Look at this instead of the tool's own library")
      ->type_name("PATH")
      ->group("Program");
  app.set_help_flag("-h,--help", "Print this")->group("Help");
  words own = all;
  own.erase(std::remove(own.begin(), own.end(), "--"), own.end());
  const bool json = take_plain_json(own);
  if (const auto instead = parse_words(app, own)) return *instead;
  options.report.json = json && options.report.json_file.empty();
  command_line line;
  line.doctor = options;
  return line;
}

}  // namespace ashlar::tool
