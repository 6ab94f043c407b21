// SPDX-License-Identifier: MIT
#include "tools/ashlar/run.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "tools/ashlar/capture/capture_file.hpp"
#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/output.hpp"
#include "tools/ashlar/process/environment.hpp"
#include "tools/ashlar/process/launch.hpp"
#include "tools/ashlar/process/library_path.hpp"
#include "tools/ashlar/process/program_check.hpp"
#include "tools/ashlar/process/snapshot_folder.hpp"
#include "tools/ashlar/process/snapshot_reader.hpp"
#include "tools/ashlar/report/json_report.hpp"
#include "tools/ashlar/report/text_report.hpp"
#include "tools/ashlar/tracking/growth.hpp"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

/// The library reads paths of this length, and the name of the file comes to it.
constexpr std::size_t longest_folder = 220;

/// Returns a path to `library` that LD_PRELOAD can name: a link in `folder` if need be.
fs::path preloadable_name(const fs::path& library, const fs::path& folder) {
  if (can_be_preloaded_by_path(library)) return library;
  const fs::path link = folder / "libashlar-malloc.so";
  fs::create_symlink(library, link);
  return link;
}

/// Returns the level that the program is tracked at; empty: at none.
std::string level_of(const run_options& options) {
  const std::string level =
      options.track.empty() ? option_in(own_environment(), "track") : options.track;
  return level == "off" ? "" : level;
}

/// Returns the folder that captures go to: the user's, or our own.
fs::path capture_folder(const run_options& options, const snapshot_folder& folder) {
  if (!options.capture_folder.empty()) return fs::absolute(options.capture_folder);
  const std::string set = option_in(own_environment(), "capture");
  return set.empty() ? folder.path() : fs::absolute(set);
}

/// Returns what ASHLAR_OPTIONS gets for tracking.
std::string tracking_options(const run_options& options, const fs::path& captures) {
  std::string text = options.track.empty() ? "" : "track=" + options.track;
  const auto add = [&](const std::string& more) { text += (text.empty() ? "" : ",") + more; };
  if (!options.sample.empty()) add("sample=" + options.sample);
  if (options.depth) add(fmt::format("depth={}", *options.depth));
  if (level_of(options).empty()) return text;
  add("capture=" + captures.string());
  if (!options.leaks_every.empty()) add("capture_every=" + options.leaks_every);
  // The user may have said no.
  if (option_in(own_environment(), "capture_on_crash").empty()) add("capture_on_crash=1");
  if (option_in(own_environment(), "capture_on_termination").empty())
    add("capture_on_termination=1");
  return text;
}

launch_plan plan_launch(const run_options& options, const snapshot_folder& folder) {
  launch_plan plan;
  plan.file = find_program(options.command.front());
  check_preloadable(plan.file, options.command.front());
  const fs::path library = find_library(options.library);
  plan.arguments = options.command;
  plan.variables = preload_environment(
      own_environment(), {.library = preloadable_name(library, folder.path()),
                          .snapshot_folder = folder.path(),
                          .follow_children = options.follow_children,
                          .tracking = tracking_options(options, capture_folder(options, folder))});
  plan.record_folder = folder.path();
  return plan;
}

std::optional<process_report> report_on(read_result result) {
  if (!result) return std::nullopt;
  process_report report;
  report.torn = result.status == read_status::torn;
  report.record = std::move(result.record);
  return report;
}

/// Says in one line what is known about a program that left no record.
void explain_missing(const read_result& result, const run_report& run) {
  const std::string name = printable(run.command.front());
  if (result.status == read_status::missing || result.status == read_status::empty)
    warn(fmt::format(
        "no report: '{}' (pid {}) left no record; it ended before the library was loaded, "
        "could not publish one, or does not load preloaded libraries",
        name, run.pid));
  else
    warn(fmt::format("no report: '{}' (pid {}) left a record, but {}", name, run.pid,
                     describe(result)));
}

/// Takes the captures that a process has left while it ran. A folder that is kept may hold those of
/// an earlier process of the same number.
void take_captures_meanwhile(process_report& report, const fs::path& folder) {
  const auto pid = static_cast<pid_t>(report.record->pid);
  for (const fs::path& file : captures_meanwhile(folder, pid)) {
    const capture_result taken = read_capture(file);
    if (taken && taken.value->header.taken_ns >= report.record->start_ns)
      report.meanwhile.push_back(taken.value);
  }
}

/// Takes the captures of a process into its report; what they say is worked out later.
void take_captures(process_report& report, const fs::path& folder) {
  take_captures_meanwhile(report, folder);
  const capture_result taken =
      read_capture(folder / capture_file_name(static_cast<pid_t>(report.record->pid)));
  const bool is_its_own = taken && taken.value->header.taken_ns >= report.record->start_ns;
  auto found = std::make_shared<tracking>();
  if (is_its_own)
    found->source = taken.value;
  else if (!report.meanwhile.empty())
    found->source = report.meanwhile.back();  // the last one before it was killed
  if (found->source != nullptr)
    report.tracked = std::move(found);
  else if (taken || taken.missing)
    report.untracked =
        "It left no capture of its blocks: it was killed (with --leaks-every there would be "
        "earlier ones), became a program that does not run on ashlar, or runs on a library that "
        "does not track.";
  else
    report.untracked = fmt::format("Its capture cannot be used: {}.", taken.problem);
}

/// Works out what grew, if there is enough to compare.
void work_out_growth(process_report& process) {
  if (process.meanwhile.empty() || !process.tracked) return;
  captures all = process.meanwhile;
  if (process.tracked->source != all.back()) all.push_back(process.tracked->source);
  if (all.size() < 2) return;
  process.grown = std::make_shared<growth_findings>(growth_in(comparable(std::move(all))));
}

run_report gather(const run_options& options, const snapshot_folder& folder, pid_t pid,
                  const process_end& end) {
  const bool tracked = !level_of(options).empty();
  const fs::path capture_files = capture_folder(options, folder);
  run_report run;
  run.command = options.command;
  run.pid = pid;
  run.end = end;
  run.children_followed = options.follow_children;
  read_result result = read_snapshot(folder.file_of(pid));
  if (!result) explain_missing(result, run);
  run.main = report_on(std::move(result));
  if (run.main) run.main->end = end;
  if (run.main && tracked) take_captures(*run.main, capture_files);
  if (!options.follow_children) return run;
  for (const pid_t child : folder.processes()) {
    if (child == pid) continue;
    if (auto report = report_on(read_snapshot(folder.file_of(child)))) {
      const bool ended = report->record->state != observe::process_state::running;
      report->still_running = !ended && ::kill(child, 0) == 0;
      if (tracked) take_captures(*report, capture_files);
      run.children.push_back(std::move(*report));
    }
  }
  return run;
}

void check_capture_folder(const run_options& options) {
  if (options.capture_folder.empty()) return;
  const fs::path folder = fs::absolute(options.capture_folder);
  std::error_code error;
  if (!fs::is_directory(folder, error))
    throw failure(exit_cannot_serve, fmt::format("there is no folder '{}' for captures",
                                                 printable(options.capture_folder)));
  if (!can_be_named_in_options(folder) || folder.string().size() > longest_folder)
    throw failure(exit_cannot_serve,
                  fmt::format("captures cannot be kept in '{}': its name has a "
                              "comma, or more than {} letters",
                              printable(options.capture_folder), longest_folder));
}

}  // namespace

run_report run_and_gather(const run_options& options, const signal_block& signals) {
  check_capture_folder(options);
  const snapshot_folder folder;
  const pid_t pid = start(plan_launch(options, folder), signals);
  const process_end end = wait_for_end(pid, signals);
  return gather(options, folder, pid, end);
}

analysis_options analysis_of(const run_options& options) {
  analysis_options analysis;
  analysis.least_leak = options.least_leak;
  for (const std::string& file : options.suppression_files) analysis.suppressed.add_file(file);
  if (const char* set = std::getenv("LSAN_OPTIONS")) analysis.suppressed.add_from_options(set);
  return analysis;
}

void work_out(run_report& run, const analysis_options& options) {
  const auto of = [&](process_report& process) {
    if (process.tracked)
      process.tracked = std::make_shared<tracking>(analyse(process.tracked->source, options));
    work_out_growth(process);
  };
  if (run.main) of(*run.main);
  for (process_report& child : run.children) of(child);
}

process_end run(const run_options& options) {
  const analysis_options analysis = analysis_of(options);
  const signal_block signals;
  run_report report = run_and_gather(options, signals);
  signals.unblock();
  work_out(report, analysis);
  report_texts texts{.json = [&] { return write_json(report); }, .text = {}};
  if (report.main || report.children_followed)
    texts.text = [&](const report_format& format) { return write_text(report, format); };
  write_reports(texts, options, true);
  return report.end;
}

}  // namespace ashlar::tool
