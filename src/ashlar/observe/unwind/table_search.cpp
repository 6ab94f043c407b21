// SPDX-License-Identifier: MIT
#include "ashlar/observe/unwind/table_search.hpp"

#include "ashlar/observe/unwind/cfi_program.hpp"
#include "ashlar/observe/unwind/table_reader.hpp"

namespace ashlar::observe {

namespace {

using where = saved_register::where;
using registers = x86_64_registers;

constexpr std::uint8_t index_version = 1;
constexpr std::uint8_t sorted_pairs = 0x3b;  // signed 32-bit, relative to the index: all linkers'

// Wraps, for what a broken table may say.
std::int64_t negated(std::int64_t n) {
  return static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(n));
}

constexpr std::uint8_t op_deref = 0x06;
constexpr std::uint8_t op_register = 0x70;  // + number: its value plus a signed number

struct index_entry {
  std::int32_t function;
  std::int32_t record;
};

struct unit_record {
  cfi_program::unit common;
  bool has_augmentation = false;
  bool is_signal = false;
  table_reader instructions{1, 0};
};

struct function_record {
  unit_record unit;
  std::uint64_t first = 0;
  table_reader instructions{1, 0};
};

ASHLAR_NO_SANITIZE index_entry entry_at(std::uintptr_t list, std::uint64_t i) {
  index_entry e;
  std::memcpy(&e, at_address(list + i * sizeof e), sizeof e);
  return e;
}

// Returns the address of the FDE of the last function that begins at or before `code`; 0: none.
std::uintptr_t find_record(const os::unwind_tables& t, std::uintptr_t code) {
  table_reader in(t.index, t.high);
  if (t.index < t.low || in.read<std::uint8_t>() != index_version) return 0;
  const auto start_encoding = in.read<std::uint8_t>();
  const auto count_encoding = in.read<std::uint8_t>();
  if (in.read<std::uint8_t>() != sorted_pairs) return 0;
  if (start_encoding != encoding_none) (void)in.pointer(start_encoding, t.index);
  const std::uint64_t count = in.pointer(count_encoding, t.index);
  if (!in.ok() || count > in.left() / sizeof(index_entry)) return 0;
  std::uint64_t first = 0;
  std::uint64_t last = count;
  while (first < last) {
    const std::uint64_t middle = first + (last - first) / 2;
    const auto begin =
        t.index + static_cast<std::uintptr_t>(std::int64_t{entry_at(in.at(), middle).function});
    if (begin <= code)
      first = middle + 1;
    else
      last = middle;
  }
  if (first == 0) return 0;
  return t.index + static_cast<std::uintptr_t>(std::int64_t{entry_at(in.at(), first - 1).record});
}

// Opens the record at `at`; `in` fails if there is none. Lengths of 64 bits are nobody's.
table_reader open_record(const os::unwind_tables& t, std::uintptr_t at) {
  if (at < t.low) return {1, 0};
  table_reader in(at, t.high);
  const auto length = in.read<std::uint32_t>();
  return length == 0xffffffff ? table_reader(1, 0) : in.part(length);
}

// Reads what a CIE's augmentation says, letter by letter.
bool read_augmentation(table_reader text, table_reader& in, unit_record& unit,
                       std::uintptr_t index) {
  for (char c = text.read<char>(); c != 0; c = text.read<char>()) {
    switch (c) {
      case 'z':
        (void)in.unsigned_number();
        unit.has_augmentation = true;
        break;
      case 'R': unit.common.pointer_encoding = in.read<std::uint8_t>(); break;
      case 'L': (void)in.read<std::uint8_t>(); break;
      case 'P': {
        const auto encoding = in.read<std::uint8_t>();
        (void)in.pointer(encoding & 0x7f, index);  // indirect ones are as long
        break;
      }
      case 'S': unit.is_signal = true; break;
      default: return false;
    }
  }
  return text.ok() && in.ok();
}

bool read_unit(const os::unwind_tables& t, std::uintptr_t at, unit_record& unit) {
  table_reader in = open_record(t, at);
  if (in.read<std::uint32_t>() != 0) return false;  // it is an FDE
  const auto version = in.read<std::uint8_t>();
  if (version != 1 && version != 3) return false;
  const table_reader text = in;
  while (in.read<char>() != 0) {
  }
  unit.common.code_alignment = in.unsigned_number();
  unit.common.data_alignment = in.signed_number();
  const std::uint64_t return_register =
      version == 1 ? in.read<std::uint8_t>() : in.unsigned_number();
  if (return_register != registers::return_address) return false;
  if (!read_augmentation(text, in, unit, t.index)) return false;
  unit.instructions = in;
  return in.ok();
}

bool read_function(const os::unwind_tables& t, std::uintptr_t at, std::uintptr_t code,
                   function_record& f) {
  table_reader in = open_record(t, at);
  const std::uintptr_t here = in.at();
  const auto distance = in.read<std::uint32_t>();
  if (!in.ok() || distance == 0 || !read_unit(t, here - distance, f.unit)) return false;
  const std::uint8_t encoding = f.unit.common.pointer_encoding;
  f.first = in.pointer(encoding, t.index);
  const std::uint64_t size = in.pointer_value(encoding & 0x0f);
  if (f.unit.has_augmentation) in.skip(in.unsigned_number());
  f.instructions = in;
  return in.ok() && code - f.first < size;
}

// Whether `e` is: the value of a register, plus `offset`, which is read.
bool is_register_plus(table_reader e, std::uint64_t number, std::int64_t& offset,
                      bool dereferenced) {
  if (e.read<std::uint8_t>() != op_register + number) return false;
  offset = e.signed_number();
  if (dereferenced && e.read<std::uint8_t>() != op_deref) return false;
  return e.ok() && e.at_end();
}

// What linkers say of the stubs that they make for calls into other modules (PLT): the CFA is a
// word further up once the stub has pushed something. Only a signal can find a thread there.
bool is_stub(table_reader e, std::uintptr_t code, std::int64_t& offset) {
  constexpr std::uint8_t head[] = {0x77, 8, 0x80, 0, 0x3f, 0x1a};
  constexpr std::uint8_t tail[] = {0x2a, 0x33, 0x24, 0x22};
  for (const std::uint8_t byte : head)
    if (e.read<std::uint8_t>() != byte) return false;
  const auto pushed_from = static_cast<std::uint8_t>(e.read<std::uint8_t>() - 0x30);
  for (const std::uint8_t byte : tail)
    if (e.read<std::uint8_t>() != byte) return false;
  offset = (code & 15) >= pushed_from ? 16 : 8;
  return e.ok() && e.at_end() && pushed_from < 16;
}

frame_rule rule_of_expression(const cfi_row& row, std::uintptr_t code) {
  std::int64_t cfa = 0;
  std::int64_t frame = 0;
  if (is_stub(row.cfa_expression, code, cfa)) return frame_rule::of(rule_kind::from_stack, cfa, 0);
  if (is_register_plus(row.cfa_expression, registers::frame, cfa, true) &&
      row.frame.is == where::by_expression &&
      is_register_plus(row.frame.expression, registers::frame, frame, false) && frame == 0)
    return frame_rule::of(rule_kind::realigned, negated(cfa), 0);
  return {};
}

// A signal's frame is made by the kernel, and looks the same everywhere.
frame_rule rule_of_signal(const cfi_row& row) {
  std::int64_t cfa = 0;
  const bool is_known =
      row.cfa_is_expression && is_register_plus(row.cfa_expression, registers::stack, cfa, true);
  return is_known ? frame_rule::of(rule_kind::signal, cfa, 0) : frame_rule{};
}

frame_rule rule_of(const cfi_row& row, std::uintptr_t code) {
  const saved_register& back = row.return_address;
  if (back.is == where::undefined) return frame_rule(rule_kind::end);
  if (back.is != where::below_cfa || back.offset != -8) return {};
  if (row.cfa_is_expression) return rule_of_expression(row, code);
  std::int64_t saved_below = 0;
  if (row.frame.is == where::below_cfa)
    saved_below = negated(row.frame.offset);
  else if (row.frame.is != where::same && row.frame.is != where::undefined)
    return {};
  if (row.cfa_register == registers::stack)
    return frame_rule::of(rule_kind::from_stack, row.cfa_offset, saved_below);
  if (row.cfa_register == registers::frame)
    return frame_rule::of(rule_kind::from_frame, row.cfa_offset, saved_below);
  return {};
}

}  // namespace

frame_rule search_tables(const os::unwind_tables& tables, std::uintptr_t code) noexcept {
  if (tables.index == 0) return {};
  const std::uintptr_t record = find_record(tables, code);
  function_record f;
  if (record == 0 || !read_function(tables, record, code, f)) return {};
  cfi_program program(f.unit.common);
  program.begin(f.unit.instructions);
  program.run(f.instructions, f.first, code);
  if (!program.ok()) return {};
  return f.unit.is_signal ? rule_of_signal(program.row()) : rule_of(program.row(), code);
}

}  // namespace ashlar::observe
