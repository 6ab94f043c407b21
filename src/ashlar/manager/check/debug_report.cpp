// SPDX-License-Identifier: MIT
#include "ashlar/manager/check/debug_report.hpp"

#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/observe/frame_line.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar::detail {

namespace {

constexpr std::size_t most_dumped = 64;
constexpr std::size_t row = 16;

void append_byte(os::line& line, std::uint8_t byte) {
  const char digits[] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  line.text(digits, 2);
}

void append_tag(os::line& line, std::uint16_t tag) {
  if (tag == 0) return;
  char path[160];
  (void)observe::process_tracker().tags.path_of(tag, path, sizeof path);
  line.text(", tag ").text(path);
}

std::uint8_t value_of(const std::byte* p) { return std::to_integer<std::uint8_t>(*p); }

}  // namespace

void debug_report::put(const os::line& line) const noexcept {
  if (sink_.write != nullptr)
    sink_.write(sink_.context, line.c_str());
  else
    os::write_line(line);
}

void debug_report::put(const char* text) const noexcept {
  os::line line;
  put(line.text(text));
}

void debug_report::put_block(const char* what, const debug_record& r) const noexcept {
  os::line line;
  line.text("  ").text(what).text(" of ").decimal(r.size).text(" bytes at ").pointer(r.data);
  line.text(", alignment ").decimal(r.alignment).text(", number ").decimal(r.sequence);
  append_tag(line, r.tag);
  line.text(", thread ").decimal(r.born_by).text(", frame ").decimal(r.frame);
  put(line);
}

void debug_report::put_site(const char* what, observe::site_id site) const noexcept {
  if (site == observe::site_table::none) return;
  os::line head;
  put(head.text("  ").text(what).text(" at:"));
  const observe::site_key key = observe::process_tracker().sites.key_of(site);
  if (key.file != nullptr) {
    os::line line;
    line.text("    ").text(key.file).text(":").decimal(key.line);
    if (key.function != nullptr) line.text(" (").text(key.function).text(")");
    put(line);
  }
  for (std::uint32_t i = 0; i < key.frame_count; ++i) put(observe::frame_line(i, key.frames[i]));
}

void debug_report::put_life(const debug_record& r) const noexcept {
  put_block(r.state == debug_state::live ? "block" : "freed block", r);
  put_site("allocated", r.born_at);
  if (r.state == debug_state::live) return;
  put_site("freed", r.freed_at);
}

void debug_report::put_bytes(const std::byte* begin, const std::byte* end, const std::byte* first,
                             std::uint8_t expected) const noexcept {
  std::size_t bad = 0;
  for (const std::byte* p = begin; p < end; ++p) bad += value_of(p) != expected;
  os::line head;
  head.text("  ").decimal(bad).text(" bytes are not ");
  append_byte(head, expected);
  put(head.text(", the first at ").pointer(first).text(":"));
  auto from = at_address(align_down(address_of(first), row));
  if (from < begin) from = const_cast<std::byte*>(begin);
  const auto room = static_cast<std::size_t>(end - from);
  const std::byte* const to = from + (room < most_dumped ? room : most_dumped);
  for (const std::byte* line_start = from; line_start < to; line_start += row) {
    const auto left = static_cast<std::size_t>(to - line_start);
    const std::size_t count = left < row ? left : row;
    os::line line;
    line.text("    ").pointer(line_start).text(":");
    for (std::size_t i = 0; i < count; ++i) {
      line.text(value_of(line_start + i) == expected ? " " : "*");
      append_byte(line, value_of(line_start + i));
    }
    for (std::size_t i = count; i < row; ++i) line.text("   ");
    line.text("  ");
    for (std::size_t i = 0; i < count; ++i) {
      const auto c = static_cast<char>(value_of(line_start + i));
      line.text(c >= ' ' && c <= '~' ? &c : ".", 1);
    }
    put(line);
  }
}

}  // namespace ashlar::detail
