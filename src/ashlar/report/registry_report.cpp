// SPDX-License-Identifier: MIT
#include "ashlar/report/registry_report.hpp"

#include <cstdint>

#include "ashlar/report/text_writer.hpp"

namespace ashlar {

namespace {

constexpr std::size_t longest_name = 256;

// --- JSON ----------------------------------------------------------------------------------------

struct json_state {
  text_writer out;
  unsigned open = 0;  // managers whose objects have not been closed
};

// How many bytes a character takes, and the least character that takes so many.
struct utf8_form {
  unsigned length;
  std::uint32_t least;
};

constexpr utf8_form form_of(unsigned char lead) {
  if (lead < 0x80) return {1, 0};
  if (lead >= 0xc0 && lead < 0xe0) return {2, 0x80};
  if (lead >= 0xe0 && lead < 0xf0) return {3, 0x800};
  if (lead >= 0xf0 && lead < 0xf8) return {4, 0x10000};
  return {0, 0};
}

// Returns the length of the character that a text begins with, or 0 if that is not UTF-8: neither
// are spellings longer than need be, halves of surrogate pairs, and numbers beyond all characters.
// Reads no further than the zero at the end.
std::size_t character_length(const char* text) {
  const utf8_form form = form_of(static_cast<unsigned char>(text[0]));
  if (form.length < 2) return form.length;
  std::uint32_t character = static_cast<unsigned char>(text[0]) & (0x7fu >> form.length);
  for (unsigned i = 1; i < form.length; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xc0) != 0x80) return 0;
    character = character << 6 | (byte & 0x3fu);
  }
  const bool is_surrogate = character >= 0xd800 && character < 0xe000;
  return character < form.least || character > 0x10ffff || is_surrogate ? 0 : form.length;
}

void put_escaped(text_writer& out, char c) {
  constexpr char digits[] = "0123456789abcdef";
  if (c == '"' || c == '\\') {
    out.put('\\');
    out.put(c);
  } else if (static_cast<unsigned char>(c) < 0x20) {
    out.put("\\u00");
    out.put(digits[c >> 4]);
    out.put(digits[c & 15]);
  } else {
    out.put(c);
  }
}

// Names come from the program: a byte that is no part of UTF-8 becomes U+FFFD, for a reader may
// refuse the whole text because of it. No character of several bytes is cut.
void put_quoted(text_writer& out, const char* text) {
  out.put('"');
  for (std::size_t i = 0; i < longest_name && text[i] != '\0';) {
    const std::size_t length = character_length(text + i);
    if (length > longest_name - i) break;
    if (length == 0) out.put("\\ufffd");
    if (length == 1) put_escaped(out, text[i]);
    for (std::size_t k = 0; length > 1 && k < length; ++k) out.put(text[i + k]);
    i += length == 0 ? 1 : length;
  }
  out.put('"');
}

void put_member(text_writer& out, const char* name, std::size_t n) {
  out.put(",\"");
  out.put(name);
  out.put("\":");
  if (n == manager_usage::unknown)
    out.put("null");
  else
    out.put_number(n);
}

void close_down_to(json_state& state, unsigned depth) {
  for (; state.open > depth; --state.open) state.out.put("]}");
}

void open_manager(json_state& state, const manager& m) {
  const manager_usage usage = m.ops().usage(m);
  text_writer& out = state.out;
  out.put("{\"name\":");
  put_quoted(out, m.name());
  out.put(",\"kind\":");
  put_quoted(out, m.kind());
  put_member(out, "used", usage.used);
  put_member(out, "held", usage.held);
  put_member(out, "peak", usage.peak_used);
  put_member(out, "limit", usage.limit);
  put_member(out, "blocks", usage.live_blocks);
  out.put(",\"managers\":[");
  ++state.open;
}

bool visit_for_json(void* context, const manager& m, unsigned depth) {
  auto& state = *static_cast<json_state*>(context);
  const bool has_sibling_before = state.open > depth;
  close_down_to(state, depth);
  if (has_sibling_before) state.out.put(',');
  open_manager(state, m);
  return true;
}

// --- text ----------------------------------------------------------------------------------------

// As many digits as say something: "1023 B", "1.0 KiB", "12.5 MiB".
void put_bytes(text_writer& out, std::size_t n) {
  constexpr const char* units[] = {" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  if (n < 1024) {
    out.put_number(n);
    return out.put(" B");
  }
  std::size_t unit = 0;
  for (; n >= 1024 * 1024; n /= 1024) ++unit;
  out.put_number(n / 1024);
  out.put('.');
  out.put_number(n % 1024 * 10 / 1024);
  out.put(units[unit]);
}

void put_figure(text_writer& out, const char* before, std::size_t n) {
  if (n == manager_usage::unknown) return;
  out.put(before);
  put_bytes(out, n);
}

bool visit_for_text(void* context, const manager& m, unsigned depth) {
  auto& out = *static_cast<text_writer*>(context);
  const manager_usage usage = m.ops().usage(m);
  out.put_spaces(std::size_t{depth} * 2);
  out.put(m.name());
  out.put(" (");
  out.put(m.kind());
  out.put("): ");
  if (usage.used == manager_usage::unknown) {
    out.put("not counted");
  } else {
    put_bytes(out, usage.used);
    out.put(" used");
  }
  put_figure(out, ", at most ", usage.peak_used);
  put_figure(out, ", limit ", usage.limit);
  put_figure(out, ", held ", usage.held);
  if (usage.live_blocks != manager_usage::unknown) {
    out.put(", blocks ");
    out.put_number(usage.live_blocks);
  }
  out.put('\n');
  return true;
}

}  // namespace

std::size_t write_json(memory_system& from, std::span<char> out) noexcept {
  const manager_usage sum = from.total();
  json_state state{text_writer(out)};
  state.out.put("{\"used\":");
  state.out.put_number(sum.used);
  put_member(state.out, "held", sum.held);
  state.out.put(",\"managers\":[");
  from.for_each(&state, visit_for_json);
  close_down_to(state, 0);
  state.out.put("]}");
  return state.out.size();
}

std::size_t write_tree(memory_system& from, std::span<char> out) noexcept {
  const manager_usage sum = from.total();
  text_writer text(out);
  put_bytes(text, sum.used);
  text.put(" used, held ");
  put_bytes(text, sum.held);
  text.put('\n');
  from.for_each(&text, visit_for_text);
  return text.size();
}

}  // namespace ashlar
