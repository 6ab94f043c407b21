// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/ashlar/report/sums.hpp"
#include "tools/ashlar/report/text_report.hpp"

namespace ashlar::tool {

namespace {

std::string end_remark(const process_report& process) {
  if (process.end && process.end->signal != 0)
    return "killed by " + signal_name(process.end->signal);
  if (process.end && process.end->exit_code != 0)
    return fmt::format("exit code {}", process.end->exit_code);
  if (process.still_running) return "still running";
  return "";
}

line title_with(const std::string& name, const std::string& remark, const process_report& process,
                const glyph_set& glyphs) {
  const std::string rule = std::string(glyphs.rule) + glyphs.rule;
  const std::string dot = fmt::format(" {} ", glyphs.dot);

  line out(rule + " ", style::dim);
  out.add("ashlar report", style::title).add(dot, style::dim);
  out.add(name, style::title).add(fmt::format(" (pid {})", process.record->pid));
  out.add(dot, style::dim).add(format_duration(run_time_ns(process)));
  if (!remark.empty()) out.add(dot, style::dim).add(remark, style::alarm);
  return out.add(" " + rule, style::dim);
}

/// Where there is no room for all, the end of the process gets a line of its own, and a long name
/// gives way.
lines title(const process_report& process, const report_format& format) {
  const glyph_set& glyphs = format.glyphs();
  const std::string name = program_name(*process.record);
  const std::string remark = end_remark(process);
  const line whole = title_with(name, remark, process, glyphs);
  if (whole.width() <= format.width) return {whole};

  const std::size_t rest = title_with("", "", process, glyphs).width();
  const std::size_t left = format.width > rest ? format.width - rest : 0;
  lines out{title_with(shorten(name, left, glyphs.more), "", process, glyphs)};
  if (!remark.empty()) out.emplace_back(remark, style::alarm);
  return out;
}

/// Says how far the record is from the end of the process, when it was not the process itself that
/// wrote it on its way out.
lines remarks(const process_report& process, std::size_t width) {
  const observe::snapshot& record = *process.record;
  lines out;
  if (record.state == observe::process_state::running && process.end) {
    const std::uint64_t late =
        process.end->ended_ns > record.taken_ns ? process.end->ended_ns - record.taken_ns : 0;
    append(out,
           wrap(fmt::format("It ended without a last record; this is its state {} before the end.",
                            format_duration(late)),
                width));
  }
  if (process.torn)
    append(out, wrap("The record was being changed at the end: its numbers may disagree.", width));
  return out;
}

/// Draws the resident set, one colour for each part of the sum, against the peak.
line resident_bar(const observe::snapshot& record, std::size_t width, const glyph_set& glyphs) {
  const double peak = static_cast<double>(std::max(record.peak_resident, record.resident));
  const double columns = peak > 0 ? static_cast<double>(width) / peak : 0;
  const auto parts = resident_sum(record);

  // Parts below zero take nothing; the rest shares the columns of what is resident.
  double positive = 0;
  for (const sum_part& part : parts) positive += std::max(0.0, static_cast<double>(part.bytes));
  const double filled = static_cast<double>(record.resident) * columns;
  std::vector<double> shares;
  for (const sum_part& part : parts)
    shares.push_back(
        positive > 0 ? std::max(0.0, static_cast<double>(part.bytes)) * filled / positive : 0);

  const std::int64_t total = positive > 0 ? std::llround(filled) : 0;
  const auto cells = round_to_sum(shares, total);
  line bar;
  for (std::size_t i = 0; i < parts.size(); ++i)
    for (std::int64_t n = 0; n < cells[i]; ++n) bar.add(glyphs.bar_steps.back(), parts[i].look);
  while (bar.width() < width) bar.add(glyphs.bar_rest, style::dim);
  return bar;
}

line resident_line(const observe::snapshot& record, const scale& unit,
                   const report_format& format) {
  const std::string before = fmt::format("{} {} ", format_scaled(record.resident, unit), unit.name);
  const std::string after =
      fmt::format(" of {} {} peak", format_scaled(record.peak_resident, unit), unit.name);
  const std::size_t text = 4 + before.size() + after.size();
  // Beyond sixty columns a bar tells no more and only tears the line apart.
  const std::size_t width =
      std::min<std::size_t>(format.width > text ? format.width - text : 0, 60);

  line out("RSS ", style::heading);
  out.add(before, style::title).add(resident_bar(record, width, format.glyphs()));
  return out.add(after);
}

struct labelled {
  std::string label;
  std::string number;
  style look;
};

/// Sets the items in `columns` columns, with labels and numbers of a column aligned.
lines in_columns(const std::vector<labelled>& items, std::size_t columns, const line& separator) {
  lines out;
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::size_t label_width = 0;
    std::size_t number_width = 0;
    for (std::size_t above = i % columns; above < items.size(); above += columns) {
      label_width = std::max(label_width, items[above].label.size());
      number_width = std::max(number_width, items[above].number.size());
    }
    if (i % columns == 0)
      out.emplace_back("  ");
    else
      out.back().add(separator);
    out.back().add(pad_right(items[i].label, label_width), items[i].look);
    out.back().add(" ").add(pad_left(items[i].number, number_width));
  }
  return out;
}

/// Writes the sum in as few rows as the width allows.
lines sum_lines(const observe::snapshot& record, const scale& unit, const report_format& format) {
  const auto parts = resident_sum(record);
  std::vector<double> exact;
  for (const sum_part& part : parts)
    exact.push_back(in_last_digits(static_cast<double>(part.bytes), unit));
  const auto rounded =
      round_to_sum(exact, std::llround(in_last_digits(static_cast<double>(record.resident), unit)));

  std::vector<labelled> items;
  for (std::size_t i = 0; i < parts.size(); ++i)
    items.push_back({parts[i].label, format_last_digits(rounded[i], unit), parts[i].look});
  const line separator(fmt::format(" {} ", format.glyphs().separator), style::dim);
  for (std::size_t columns = items.size(); columns > 1; columns /= 2) {
    lines out = in_columns(items, columns, separator);
    if (out.front().width() <= format.width) return out;
  }
  return in_columns(items, 1, separator);
}

}  // namespace

lines summary_section(const process_report& process, const report_format& format) {
  const observe::snapshot& record = *process.record;
  const scale unit = pick_scale(std::max(record.resident, record.peak_resident), format.units);
  lines out = title(process, format);
  append(out, remarks(process, format.width));
  out.emplace_back();
  out.push_back(resident_line(record, unit, format));
  append(out, sum_lines(record, unit, format));
  return out;
}

}  // namespace ashlar::tool
