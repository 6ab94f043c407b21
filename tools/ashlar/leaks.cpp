// SPDX-License-Identifier: MIT
#include "tools/ashlar/leaks.hpp"

#include <fmt/format.h>

#include <algorithm>

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

/// What is to be said of captures that are compared.
process_end write_comparison(const tracking& last, const growth_findings& found,
                             const leaks_options& options, bool set_apart) {
  const report_texts texts{
      .json =
          [&] {
            json all = json_document(json::array({json_of_capture(last, options.reachable)}));
            all.update(json_of(found));
            return dump(all);
          },
      .text =
          [&](const report_format& format) {
            return render(comparison_report(last, found, options, format), format.color,
                          format.width);
          }};
  write_reports(texts, options.run, set_apart);
  return end_with({}, !last.leaks.groups.empty() || found.steady != 0, options.exit_code);
}

process_end write_growth(const capture& first, const growth_findings& found,
                         const leaks_options& options, bool set_apart) {
  const report_texts texts{.json =
                               [&] {
                                 json all{{"ashlar_leaks", leaks_version},
                                          {"tool_version", tool_version},
                                          {"program", first.program()},
                                          {"pids", {first.header.pid, found.last->header.pid}}};
                                 all.update(json_of(found));
                                 return dump(all);
                               },
                           .text =
                               [&](const report_format& format) {
                                 return render(growth_report(first, found, format), format.color,
                                               format.width);
                               }};
  write_reports(texts, options.run, set_apart);
  return end_with({}, !found.places.empty(), options.exit_code);
}

process_end leaks_of_program(const leaks_options& options) {
  const analysis_options analysis = analysis_of(options.run);
  const signal_block signals;
  run_report run = run_and_gather(options.run, signals);
  work_out(run, analysis);
  // Nobody looked: that is not to be taken for "nothing leaks".
  if (!run.main) return end_with(run.end, true, exit_cannot_serve);
  const process_report& main = *run.main;
  if (!main.tracked) {
    warn("no leak report: " + main.untracked);
    return end_with(run.end, true, exit_cannot_serve);
  }
  if (!options.run.leaks_every.empty() && !main.grown)
    warn("nothing to compare: the program ended before there were two captures");
  const auto ended = [&](const process_end& found) {
    return end_with(run.end, found.exit_code != 0, options.exit_code);
  };
  if (main.grown && options.growing)
    return ended(write_growth(*main.meanwhile.front(), *main.grown, options, true));
  if (main.grown) return ended(write_comparison(*main.tracked, *main.grown, options, true));
  return end_with(run.end, write_leaks({main.tracked}, options, true), options.exit_code);
}

captures open_captures(const leaks_options& options) {
  captures all;
  for (const std::string& file : options.captures) all.push_back(open_capture(file));
  return all;
}

void check_same_program(const captures& all, const leaks_options& options) {
  for (std::size_t i = 1; i < all.size(); ++i)
    if (all[i]->program() != all[0]->program())
      throw failure(exit_cannot_serve,
                    fmt::format("'{}' is a capture of {}, and '{}' of {}: nothing to compare",
                                printable(options.captures[0]), all[0]->program(),
                                printable(options.captures[i]), all[i]->program()));
}

void check_scanned(const captures& all, const leaks_options& options) {
  for (std::size_t i = 0; i < all.size(); ++i)
    if (all[i]->header.has_leaks == 0 && !all[i]->lacks(observe::gap_leaks) && !options.reachable)
      throw failure(exit_cannot_serve,
                    fmt::format("the capture '{}' was made without looking for leaks: that takes "
                                "track=sampled, full or debug",
                                printable(options.captures[i])));
}

}  // namespace

process_end find_leaks(const leaks_options& asked) {
  if (!asked.run.command.empty()) return leaks_of_program(asked);
  leaks_options options = asked;
  // Nobody else writes to stdout here: the report is what was asked for.
  if (options.run.output.empty()) options.run.output = std::string("-");
  const captures all = open_captures(options);
  if (options.growing) {
    check_same_program(all, options);
    const captures compared = comparable(all);
    return write_growth(*compared.front(), growth_in(compared), options, false);
  }
  check_scanned(all, options);
  const analysis_options analysis = analysis_of(options.run);
  if (all.size() > 1 && are_of_one_process(all)) {
    const captures compared = comparable(all);
    const auto& last = *std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return a->header.taken_ns < b->header.taken_ns;
    });
    return write_comparison(analyse(last, analysis), growth_in(compared), options, false);
  }
  std::vector<std::shared_ptr<const tracking>> each;
  for (const auto& source : all)
    each.push_back(std::make_shared<const tracking>(analyse(source, analysis)));
  return end_with({}, write_leaks(each, options, false), options.exit_code);
}

}  // namespace ashlar::tool
