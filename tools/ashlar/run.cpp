// SPDX-License-Identifier: MIT
#include "tools/ashlar/run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "tools/ashlar/process/environment.hpp"
#include "tools/ashlar/process/launch.hpp"
#include "tools/ashlar/process/library_path.hpp"
#include "tools/ashlar/process/program_check.hpp"
#include "tools/ashlar/process/snapshot_folder.hpp"
#include "tools/ashlar/process/snapshot_reader.hpp"
#include "tools/ashlar/process/unique_fd.hpp"
#include "tools/ashlar/report/json_report.hpp"
#include "tools/ashlar/report/text_report.hpp"
#include "tools/ashlar/terminal.hpp"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

/// Says it if it can: a closed stderr must not change how the run ends.
void warn(const std::string& text) {
  std::fputs(fmt::format("ashlar: {}\n", text).c_str(), stderr);
}

/// Returns a path to `library` that LD_PRELOAD can name: a link in `folder` if need be.
fs::path preloadable_name(const fs::path& library, const fs::path& folder) {
  if (can_be_preloaded_by_path(library)) return library;
  const fs::path link = folder / "libashlar-malloc.so";
  fs::create_symlink(library, link);
  return link;
}

launch_plan plan_launch(const run_options& options, const snapshot_folder& folder) {
  launch_plan plan;
  plan.file = find_program(options.command.front());
  check_preloadable(plan.file, options.command.front());
  const fs::path library = find_library(options.library);
  plan.arguments = options.command;
  plan.variables = preload_environment(own_environment(), {preloadable_name(library, folder.path()),
                                                           folder.path(), options.follow_children});
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
        "or it does not load preloaded libraries",
        name, run.pid));
  else
    warn(fmt::format("no report: '{}' (pid {}) left a record, but {}", name, run.pid,
                     describe(result)));
}

run_report gather(const run_options& options, const snapshot_folder& folder, pid_t pid,
                  const process_end& end) {
  run_report run;
  run.command = options.command;
  run.pid = pid;
  run.end = end;
  run.children_followed = options.follow_children;
  read_result result = read_snapshot(folder.file_of(pid));
  if (!result) explain_missing(result, run);
  run.main = report_on(std::move(result));
  if (run.main) run.main->end = end;
  if (!options.follow_children) return run;
  for (const pid_t child : folder.processes()) {
    if (child == pid) continue;
    if (auto report = report_on(read_snapshot(folder.file_of(child)))) {
      const bool ended = report->record->state != observe::process_state::running;
      report->still_running = !ended && ::kill(child, 0) == 0;
      run.children.push_back(std::move(*report));
    }
  }
  return run;
}

/// Writes all of `text`. A report that cannot be written is no reason to change the exit code.
void write_all(int fd, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return warn(fmt::format("cannot write the report to {}: {}", name, std::strerror(errno)));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

unique_fd create(const std::string& file) {
  unique_fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd)
    warn(fmt::format("cannot write the report to '{}': {}", printable(file), std::strerror(errno)));
  return fd;
}

/// Writes what `compose` makes of the descriptor to `file`, or to stderr if it is empty.
template <class Compose>
void write_to(const std::string& file, Compose compose) {
  if (file.empty()) return write_all(STDERR_FILENO, compose(STDERR_FILENO), "stderr");
  const unique_fd fd = create(file);
  if (fd) write_all(fd.get(), compose(fd.get()), file);
}

void write_reports(const run_report& run, const run_options& options) {
  if (!options.json_file.empty()) write_to(options.json_file, [&](int) { return write_json(run); });
  if (options.json) {
    write_to(options.output, [&](int) { return write_json(run); });
  } else if (!options.quiet && (run.main || run.children_followed)) {
    // On stderr an empty line parts the report from what the program has written last.
    const std::string gap = options.output.empty() ? "\n" : "";
    write_to(options.output,
             [&](int fd) { return gap + write_text(run, format_for(fd, options)); });
  }
}

/// The folder is gone when this returns: whoever reads the report slowly, or kills the tool because
/// it waits for its reader, leaves nothing behind.
run_report run_and_gather(const run_options& options, const signal_block& signals) {
  const snapshot_folder folder;
  const pid_t pid = start(plan_launch(options, folder), signals);
  const process_end end = wait_for_end(pid, signals);
  return gather(options, folder, pid, end);
}

}  // namespace

process_end run(const run_options& options) {
  const signal_block signals;
  const run_report report = run_and_gather(options, signals);
  signals.unblock();
  write_reports(report, options);
  return report.end;
}

}  // namespace ashlar::tool
