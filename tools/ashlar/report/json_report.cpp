// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/json_report.hpp"

#include <nlohmann/json.hpp>

#include <cstring>

#include "tools/ashlar/report/sums.hpp"
#include "tools/ashlar/tracking/tracking_json.hpp"
#include "tools/ashlar/version.hpp"

namespace ashlar::tool {

namespace {

// Keys stay in the order in which they are written here, so that a person can read the file too.
using json = nlohmann::ordered_json;
using observe::snapshot;

constexpr int report_version = 1;

const char* name_of(observe::process_state state) {
  switch (state) {
    case observe::process_state::running: return "running";
    case observe::process_state::exited: return "exited";
  }
  return "unknown";
}

char letter_of(observe::cell_kind kind) {
  switch (kind) {
    case observe::cell_kind::none: return '-';
    case observe::cell_kind::used: return 'u';
    case observe::cell_kind::free: return 'f';
    case observe::cell_kind::returned: return 'r';
    case observe::cell_kind::reserved: return 'v';
    case observe::cell_kind::metadata: return 'm';
  }
  return '?';
}

json memory_of(const snapshot& record) {
  return {{"resident", record.resident},
          {"peak_resident", record.peak_resident},
          {"live", record.live},
          {"slack", record.slack},
          {"free", record.free},
          {"cached", record.cached},
          {"metadata", record.metadata},
          {"file", record.file},
          {"untouched", record.untouched},
          {"unexplained", unexplained_bytes(record)},
          {"returned", record.returned},
          {"reserved", record.reserved},
          {"committed", record.committed},
          {"peak_committed", record.peak_committed},
          {"peak_live_spans", record.peak_live_spans}};
}

json map_of(const snapshot& record) {
  std::string kinds;
  json used = json::array();
  json free = json::array();
  json returned = json::array();
  for (std::uint32_t i = 0; i < record.cell_count; ++i) {
    const observe::cell& cell = record.cells[i];
    kinds += letter_of(cell.kind);
    used.push_back(cell.used_share);
    free.push_back(cell.free_share);
    returned.push_back(cell.returned_share);
  }
  return {{"cell_bytes", record.cell_bytes},
          {"kinds", kinds},
          {"used_share", used},
          {"free_share", free},
          {"returned_share", returned}};
}

json fragmentation_of(const snapshot& record) {
  json fits = json::array();
  for (std::size_t i = 0; i < observe::snapshot_fit_sizes; ++i)
    fits.push_back({{"size", observe::snapshot_fit_bytes[i]}, {"bytes", record.fits[i]}});
  return {{"total_free", record.total_free},
          {"unused", record.unused},
          {"largest_free", record.largest_free},
          {"free_ranges", record.free_ranges},
          {"fits", fits},
          {"map", map_of(record)}};
}

json classes_of(const snapshot& record) {
  json all = json::array();
  for (std::uint32_t i = 0; i < record.class_count; ++i) {
    const observe::size_class_record& each = record.classes[i];
    all.push_back({{"block_size", each.block_size},
                   {"slabs", each.slabs},
                   {"span_bytes", each.span_bytes},
                   {"live_blocks", each.live_blocks},
                   {"live_bytes", live_bytes(each)},
                   {"cached_blocks", each.cached_blocks},
                   {"free_blocks", each.free_blocks},
                   {"slack_bytes", each.slack_bytes},
                   {"requests_sampled", each.requests_sampled}});
  }
  return all;
}

json large_of(const observe::large_record& large) {
  return {{"live_blocks", large.live_blocks},
          {"live_bytes", large.live_bytes},
          {"slack_bytes", large.slack_bytes},
          {"span_bytes", large.span_bytes}};
}

json end_of(const process_end& end) {
  if (end.signal == 0)
    return {{"code", end.exit_code}, {"signal", nullptr}, {"signal_name", nullptr}};
  return {{"code", nullptr}, {"signal", end.signal}, {"signal_name", signal_name(end.signal)}};
}

json process_of(const process_report& process, bool is_main) {
  const snapshot& record = *process.record;
  json out{{"main", is_main},
           {"pid", record.pid},
           {"parent_pid", record.parent_pid},
           {"program", program_name(record)},
           {"library_version",
            std::string(record.library_version,
                        ::strnlen(record.library_version, sizeof record.library_version))},
           {"state", name_of(record.state)},
           {"still_running", process.still_running},
           {"torn", process.torn},
           {"wall_ns", run_time_ns(process)},
           {"user_ns", record.user_ns},
           {"system_ns", record.system_ns},
           {"memory", memory_of(record)},
           {"fragmentation", fragmentation_of(record)},
           {"size_classes", classes_of(record)},
           {"large", large_of(record.large)}};
  out["page_faults"] = {{"minor", record.minor_faults}, {"major", record.major_faults}};
  out["os"] = {{"calls", record.os_calls}, {"discarded", record.discarded}};
  out["heaps"] = {{"in_use", record.heaps}, {"idle", record.idle_heaps}};
  if (process.tracked) out["tracking"] = json_of(*process.tracked);
  if (process.grown) out["growth"] = json_of(*process.grown);
  return out;
}

}  // namespace

std::string write_json(const run_report& run) {
  json processes = json::array();
  if (run.main) processes.push_back(process_of(*run.main, true));
  for (const process_report& child : run.children) processes.push_back(process_of(child, false));
  const json all{{"ashlar_report", report_version}, {"tool_version", tool_version},
                 {"command", run.command},          {"pid", run.pid},
                 {"exit", end_of(run.end)},         {"children_followed", run.children_followed},
                 {"processes", processes}};
  // Names come from other programs and need not be UTF-8: they must not stop the report.
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace ashlar::tool
