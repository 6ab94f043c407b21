// SPDX-License-Identifier: MIT
#include "tools/ashlar/leaks.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/output.hpp"
#include "tools/ashlar/run.hpp"
#include "tools/ashlar/tracking/tracking_json.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"
#include "tools/ashlar/version.hpp"

namespace ashlar::tool {

namespace {

using json = nlohmann::ordered_json;

constexpr int leaks_version = 1;

std::shared_ptr<const capture> open_capture(const std::string& file) {
  capture_result result = read_capture(file);
  if (!result)
    throw failure(exit_cannot_serve,
                  fmt::format("cannot read the capture '{}': {}", printable(file), result.problem));
  return result.value;
}

json json_document(json captures) {
  return {{"ashlar_leaks", leaks_version},
          {"tool_version", tool_version},
          {"captures", std::move(captures)}};
}

std::string dump(const json& all) {
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

json json_of_capture(const tracking& all, bool reachable) {
  const capture& source = *all.source;
  json out{{"program", source.program()},
           {"pid", source.header.pid},
           {"leaks", json_of(all.leaks, source)}};
  if (reachable) out["sites"] = json_of(all)["sites"];
  return out;
}

json json_of_growth(const capture& before, const capture& after, const std::vector<growth>& grown) {
  json list = json::array();
  for (const growth& each : grown)
    list.push_back({{"bytes", each.bytes},
                    {"blocks", each.blocks},
                    {"live_bytes", each.live_bytes},
                    {"tag", after.tag_path(each.tag)},
                    {"head", each.where.head},
                    {"stack", json_of(each.where)}});
  return {{"ashlar_leaks", leaks_version},
          {"tool_version", tool_version},
          {"program", after.program()},
          {"pids", {before.header.pid, after.header.pid}},
          {"growing", list}};
}

/// Writes the report on all captures. Returns whether any of them has leaks.
bool write_leaks(const std::vector<std::shared_ptr<const tracking>>& all,
                 const leaks_options& options, bool set_apart) {
  const report_texts texts{.json =
                               [&] {
                                 json list = json::array();
                                 for (const auto& each : all)
                                   list.push_back(json_of_capture(*each, options.reachable));
                                 return dump(json_document(list));
                               },
                           .text =
                               [&](const report_format& format) {
                                 lines text;
                                 for (const auto& each : all)
                                   append_section(text, leaks_report(*each, options, format));
                                 return render(text, format.color, format.width);
                               }};
  write_reports(texts, options.run, set_apart);
  for (const auto& each : all)
    if (!each->leaks.groups.empty()) return true;
  return false;
}

/// Leaks change the exit code of a program only if it says that all went well.
process_end end_with(process_end end, bool leaks, int exit_code) {
  if (leaks && end.signal == 0 && end.exit_code == 0) end.exit_code = exit_code;
  return end;
}

process_end leaks_of_program(const leaks_options& options) {
  const analysis_options analysis = analysis_of(options.run);
  const signal_block signals;
  run_report run = run_and_gather(options.run, signals);
  work_out(run, analysis);
  if (!run.main) return run.end;
  if (!run.main->tracked) {
    warn("no leak report: " + run.main->untracked);
    return run.end;
  }
  return end_with(run.end, write_leaks({run.main->tracked}, options, true), options.exit_code);
}

process_end growth_of_captures(const leaks_options& options) {
  const auto before = open_capture(options.captures[0]);
  const auto after = open_capture(options.captures[1]);
  if (before->program() != after->program())
    throw failure(exit_cannot_serve,
                  fmt::format("'{}' is a capture of {}, and '{}' of {}: nothing to compare",
                              printable(options.captures[0]), before->program(),
                              printable(options.captures[1]), after->program()));
  const std::vector<growth> grown = growth_between(*before, *after);
  write_reports({.json = [&] { return dump(json_of_growth(*before, *after, grown)); },
                 .text =
                     [&](const report_format& format) {
                       return render(growth_report(*before, *after, grown, format), format.color,
                                     format.width);
                     }},
                options.run, false);
  return end_with({}, !grown.empty(), options.exit_code);
}

}  // namespace

process_end find_leaks(const leaks_options& asked) {
  if (!asked.run.command.empty()) return leaks_of_program(asked);
  leaks_options options = asked;
  // Nobody else writes to stdout here: the report is what was asked for.
  if (options.run.output.empty()) options.run.output = std::string("-");
  if (options.growing) return growth_of_captures(options);
  const analysis_options analysis = analysis_of(options.run);
  std::vector<std::shared_ptr<const tracking>> all;
  for (const std::string& file : options.captures) {
    auto source = open_capture(file);
    if (source->header.has_leaks == 0 && !options.reachable)
      throw failure(exit_cannot_serve,
                    fmt::format("the capture '{}' was made without looking for leaks: that takes "
                                "track=full",
                                printable(file)));
    all.push_back(std::make_shared<const tracking>(analyse(std::move(source), analysis)));
  }
  return end_with({}, write_leaks(all, options, false), options.exit_code);
}

}  // namespace ashlar::tool
