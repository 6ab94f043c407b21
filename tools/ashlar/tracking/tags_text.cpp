// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "tools/ashlar/tracking/tracking_text.hpp"

namespace ashlar::tool {

namespace {

constexpr std::size_t longest_name = 36;
constexpr std::size_t budget_bar = 10;
/// Room for "  120% of 10.0 MiB ! was over".
constexpr std::size_t budget_words = 27;

/// The columns of numbers; the budget stands behind them, in words.
struct tag_table {
  scale unit;
  bool nested = false;
  bool estimated = false;
  column name{.name = "tag", .left_aligned = true};
  column live{.name = std::string("live ") + unit.name, .look = style::live};
  column error{.name = "error"};
  column share{.name = "share"};
  column blocks{.name = "blocks", .can_go = true};
  column own{.name = "own", .can_go = true};
  column peak{.name = "own peak", .can_go = true};

  columns all() const {
    columns shown{name, live};
    if (estimated) shown.push_back(error);
    shown.insert(shown.end(), {share, blocks});
    if (nested) shown.push_back(own);
    shown.push_back(peak);
    return shown;
  }
};

std::string row_name(const tag_row& row, const glyph_set& glyphs) {
  const std::string name = row.path.empty() ? "(no tag)" : row.name;
  return shorten(std::string(2 * row.depth, ' ') + name, longest_name, glyphs.more);
}

void add_row(tag_table& table, const tag_row& row, const tracking& all,
             const report_format& format) {
  const auto part = static_cast<double>(row.live_bytes);
  table.name.cells.push_back(row_name(row, format.glyphs()));
  table.live.cells.push_back(format_scaled(row.live_bytes, table.unit));
  table.error.cells.push_back(error_text(*all.source, {row.live_bytes, row.live_excess}, format));
  table.share.cells.push_back(format_percent(part, static_cast<double>(all.live_bytes)));
  table.blocks.cells.push_back(group_digits(row.live_blocks));
  table.own.cells.push_back(format_scaled(row.own_bytes, table.unit));
  table.peak.cells.push_back(format_scaled(row.own_peak, table.unit));
}

void add_total(tag_table& table, const tracking& all, const report_format& format) {
  table.name.cells.emplace_back("total");
  table.live.cells.push_back(format_scaled(all.live_bytes, table.unit));
  table.error.cells.push_back(error_text(*all.source, {all.live_bytes, all.live_excess}, format));
  table.share.cells.emplace_back();
  table.blocks.cells.push_back(group_digits(all.live_blocks));
  table.own.cells.emplace_back();
  table.peak.cells.push_back(format_scaled(all.source->header.peak_bytes, table.unit));
}

line budget_of(const tag_row& row, const report_format& format, std::size_t room) {
  if (!row.has_budget()) return {};
  const auto own = static_cast<double>(row.own_bytes);
  const auto budget = static_cast<double>(row.budget());
  const std::string words =
      fmt::format("{} of {}", row.budget() == 0 ? "-" : fmt::format("{:.0f}%", 100 * own / budget),
                  format_size(row.budget(), format.units));
  line out("  ");
  if (room > budget_bar + 14 + words.size())
    out.add(draw_bar(budget > 0 ? own / budget : 1, budget_bar, format.glyphs(), " "),
            row.is_over() ? style::alarm : style::live)
        .add(" ");
  out.add(words);
  if (row.is_over())
    out.add(" ! over", style::alarm);
  else if (row.was_over())
    out.add(" ! was over", style::alarm);
  return out;
}

/// The rows to be shown: those without anything in them are left out, unless they have a budget.
std::vector<tag_row> shown_rows(const tracking& all) {
  std::vector<tag_row> rows;
  for (const tag_row& row : all.tags)
    if (row.live_bytes != 0 || row.own_peak != 0 || row.has_budget() || row.has_children)
      rows.push_back(row);
  return rows;
}

}  // namespace

lines tags_section(const tracking& all, const report_format& format) {
  if (all.tags.size() < 2) return {};  // "no tag" alone says what the sum above says
  const std::vector<tag_row> rows = shown_rows(all);
  const auto over =
      std::count_if(rows.begin(), rows.end(), [](const tag_row& row) { return row.is_over(); });
  line title("TAGS", style::heading);
  title.add(fmt::format("   {} {}", all.tags.size() - 1, all.tags.size() == 2 ? "tag" : "tags"));
  if (over > 0) title.add(fmt::format(", {} over budget", over), style::alarm);

  const std::uint64_t largest = std::max(all.live_bytes, all.source->header.peak_bytes);
  tag_table table{.unit = pick_scale(largest, format.units)};
  table.nested =
      std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.depth > 0; });
  table.estimated = is_estimate(*all.source);
  for (const tag_row& row : rows) add_row(table, row, all, format);
  add_total(table, all, format);

  columns drawn = table.all();
  const bool budgets =
      std::any_of(rows.begin(), rows.end(), [](const tag_row& row) { return row.has_budget(); });
  fit_columns(drawn, format.width - (budgets ? budget_words : 0));
  const std::size_t room = format.width - std::min(format.width, width_of(drawn));
  lines out{title, header_line(drawn)};
  if (budgets) out.back().add("  budget of its own", style::dim);
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back(row_line(drawn, i).add(budget_of(rows[i], format, room)));
  out.push_back(row_line(drawn, rows.size()));
  return out;
}

}  // namespace ashlar::tool
