// SPDX-License-Identifier: MIT
#include "tools/ashlar/doctor/doctor.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tools/ashlar/doctor/checks.hpp"
#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/output.hpp"
#include "tools/ashlar/process/program_check.hpp"
#include "tools/ashlar/tracking/stack_text.hpp"
#include "tools/ashlar/tracking/tracking_text.hpp"
#include "tools/ashlar/version.hpp"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

constexpr int doctor_version = 1;
constexpr int script_depth = 5;

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 10 &&
         text.find_first_not_of("0123456789") == std::string::npos;
}

/// Follows the interpreters of scripts to the program that runs in the end.
fs::path program_behind(fs::path file) {
  for (int depth = 0; depth < script_depth; ++depth) {
    std::ifstream stream(file);
    std::string line;
    std::getline(stream, line);
    if (!line.starts_with("#!")) break;
    const std::size_t begin = std::min(line.find_first_not_of(" \t", 2), line.size());
    const std::size_t end = std::min(line.find_first_of(" \t\r", begin), line.size());
    file = line.substr(begin, end - begin);
  }
  return file;
}

void add_program(const fs::path& file, const std::string& name,
                 const std::vector<std::string>* loaded, diagnosis& into) {
  const fs::path program = program_behind(file);
  const elf_facts facts = facts_of(program);
  section_of_findings service = check_service(file, name, facts_of(file));
  const bool refused = std::any_of(service.findings.begin(), service.findings.end(),
                                   [](const finding& each) { return each.is == verdict::refused; });
  into.sections.push_back(std::move(service));
  if (!facts.is_elf || refused) return;
  const auto libraries = loaded != nullptr ? *loaded : libraries_of(program, facts);
  into.sections.push_back(check_memory(program, facts, libraries));
  into.sections.push_back(check_stacks(program, facts, libraries));
}

void add_process(pid_t pid, diagnosis& into) {
  if (::access(fmt::format("/proc/{}", pid).c_str(), F_OK) != 0)
    throw failure(exit_cannot_serve, fmt::format("there is no process {}", pid));
  into.sections.push_back(check_process(pid));
  std::error_code error;
  const fs::path file = fs::read_symlink(fmt::format("/proc/{}/exe", pid), error);
  if (error) return;
  const std::vector<std::string> loaded = libraries_of(pid);
  add_program(file, file.string(), &loaded, into);
}

diagnosis diagnose(const doctor_options& options) {
  diagnosis all{options.subject, {}};
  if (is_number(options.subject))
    add_process(std::stoi(options.subject), all);
  else if (!options.subject.empty())
    add_program(find_program(options.subject), options.subject, nullptr, all);
  all.sections.push_back(check_machine(options.report.library));
  return all;
}

const char* word_for(verdict is) {
  switch (is) {
    case verdict::good: return "ok";
    case verdict::limited: return "limit";
    case verdict::refused: return "no";
    case verdict::note: return "note";
  }
  return "?";
}

style look_of(verdict is) {
  switch (is) {
    case verdict::good: return style::live;
    case verdict::limited: return style::slack;
    case verdict::refused: return style::alarm;
    case verdict::note: return style::dim;
  }
  return style::plain;
}

void add_finding(const finding& each, const report_format& format, lines& into) {
  constexpr std::size_t indent = 9;
  bool first = true;
  for (const line& part : wrap(each.fact, format.width - indent)) {
    line out("  ");
    out.add(pad_right(first ? word_for(each.is) : "", indent - 2), look_of(each.is)).add(part);
    into.push_back(out);
    first = false;
  }
  const std::string arrow = format.ascii ? "-> " : "→ ";
  first = true;
  for (const line& part : wrap(each.advice, format.width - indent - visible_width(arrow))) {
    line out(std::string(indent, ' '));
    out.add(first ? arrow : std::string(visible_width(arrow), ' '), style::dim).add(part);
    into.push_back(out);
    first = false;
  }
}

std::string json_text(const diagnosis& all) {
  using json = nlohmann::ordered_json;
  json findings = json::array();
  for (const section_of_findings& section : all.sections)
    for (const finding& each : section.findings)
      findings.push_back({{"section", section.title},
                          {"name", each.name},
                          {"verdict", word_for(each.is)},
                          {"fact", each.fact},
                          {"advice", each.advice.empty() ? json(nullptr) : json(each.advice)}});
  const json out{{"ashlar_doctor", doctor_version},
                 {"tool_version", tool_version},
                 {"subject", all.subject},
                 {"can_be_served", !all.refused()},
                 {"findings", findings}};
  return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

lines diagnosis_text(const diagnosis& all, const report_format& format) {
  const glyph_set& glyphs = format.glyphs();
  const std::string rule = std::string(glyphs.rule) + glyphs.rule;
  line title(rule + " ", style::dim);
  title.add("ashlar doctor", style::title).add(fmt::format(" {} ", glyphs.dot), style::dim);
  const std::size_t left = format.width - std::min(format.width, title.width() + 3);
  const std::string subject = all.subject.empty() ? "this machine" : printable(all.subject);
  title.add(shorten_left(subject, left, glyphs.more)).add(" " + rule, style::dim);
  lines out{title};
  for (const section_of_findings& section : all.sections) {
    lines text{line(section.title, style::heading)};
    for (const finding& each : section.findings) add_finding(each, format, text);
    append_section(out, text);
  }
  return out;
}

int examine(const doctor_options& options) {
  const diagnosis all = diagnose(options);
  run_options where = options.report;
  // What was asked for is the output of this verb, not a remark beside that of a program.
  if (where.output.empty()) where.output = std::string("-");
  write_reports({.json = [&] { return json_text(all); },
                 .text =
                     [&](const report_format& format) {
                       return render(diagnosis_text(all, format), format.color, format.width);
                     }},
                where, false);
  return all.refused() ? 1 : 0;
}

}  // namespace ashlar::tool
