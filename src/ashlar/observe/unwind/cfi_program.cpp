// SPDX-License-Identifier: MIT
#include "ashlar/observe/unwind/cfi_program.hpp"

namespace ashlar::observe {

namespace {

using where = saved_register::where;

// Names as in the standard, without their DW_CFA_.
enum opcode : std::uint8_t {
  set_loc = 0x01,
  advance_loc1 = 0x02,
  advance_loc2 = 0x03,
  advance_loc4 = 0x04,
  offset_extended = 0x05,
  restore_extended = 0x06,
  undefined = 0x07,
  same_value = 0x08,
  in_register = 0x09,
  remember_state = 0x0a,
  restore_state = 0x0b,
  def_cfa = 0x0c,
  def_cfa_register = 0x0d,
  def_cfa_offset = 0x0e,
  def_cfa_expression = 0x0f,
  expression = 0x10,
  offset_extended_sf = 0x11,
  def_cfa_sf = 0x12,
  def_cfa_offset_sf = 0x13,
  val_offset = 0x14,
  val_offset_sf = 0x15,
  val_expression = 0x16,
  gnu_args_size = 0x2e,
  gnu_negative_offset_extended = 0x2f,
};

}  // namespace

// An instruction that advances beyond `code` ends the run: what follows it holds later only.
void cfi_program::run(table_reader instructions, std::uint64_t first, std::uint64_t code) {
  location_ = first;
  while (ok_ && !instructions.at_end() && location_ <= code) {
    step(instructions);
    if (!instructions.ok()) ok_ = false;
  }
}

void cfi_program::step(table_reader& in) {
  const auto byte = in.read<std::uint8_t>();
  const std::uint64_t low = byte & 0x3f;
  switch (byte >> 6) {
    case 1: return advance(low);
    case 2: return set(low, {.is = where::below_cfa, .offset = factored(in.unsigned_number())});
    case 3: return restore(low);
    default: return step_extended(in, byte);
  }
}

void cfi_program::step_extended(table_reader& in, std::uint8_t opcode) {
  switch (opcode) {
    case 0: return;
    case set_loc: location_ = in.pointer(unit_.pointer_encoding, 0); return;
    case advance_loc1: return advance(in.read<std::uint8_t>());
    case advance_loc2: return advance(in.read<std::uint16_t>());
    case advance_loc4: return advance(in.read<std::uint32_t>());
    case remember_state: return remember();
    case restore_state: return recall();
    case gnu_args_size: (void)in.unsigned_number(); return;
    case def_cfa:
    case def_cfa_sf:
    case def_cfa_register:
    case def_cfa_offset:
    case def_cfa_offset_sf:
    case def_cfa_expression: return step_cfa(in, opcode);
    default: return step_register(in, opcode);
  }
}

void cfi_program::step_cfa(table_reader& in, std::uint8_t opcode) {
  if (opcode == def_cfa_expression) {
    row_.cfa_expression = in.part(in.unsigned_number());
    row_.cfa_is_expression = true;
    return;
  }
  if (opcode == def_cfa || opcode == def_cfa_sf || opcode == def_cfa_register)
    row_.cfa_register = in.unsigned_number();
  if (opcode == def_cfa || opcode == def_cfa_offset)
    row_.cfa_offset = static_cast<std::int64_t>(in.unsigned_number());
  if (opcode == def_cfa_sf || opcode == def_cfa_offset_sf)
    row_.cfa_offset = factored(static_cast<std::uint64_t>(in.signed_number()));
  // A register or an offset alone changes one of a pair, which an expression is not.
  if (opcode == def_cfa || opcode == def_cfa_sf)
    row_.cfa_is_expression = false;
  else if (row_.cfa_is_expression)
    ok_ = false;
}

void cfi_program::step_register(table_reader& in, std::uint8_t opcode) {
  const std::uint64_t which = in.unsigned_number();
  switch (opcode) {
    case offset_extended:
      return set(which, {.is = where::below_cfa, .offset = factored(in.unsigned_number())});
    case offset_extended_sf:
      return set(which, {.is = where::below_cfa,
                         .offset = factored(static_cast<std::uint64_t>(in.signed_number()))});
    case gnu_negative_offset_extended:
      return set(which, {.is = where::below_cfa, .offset = factored(0 - in.unsigned_number())});
    case restore_extended: return restore(which);
    case undefined: return set(which, {.is = where::undefined});
    case same_value: return set(which, {});
    case expression:
      return set(which, {.is = where::by_expression, .expression = in.part(in.unsigned_number())});
    case in_register:
    case val_offset: (void)in.unsigned_number(); return set(which, {.is = where::elsewhere});
    case val_offset_sf: (void)in.signed_number(); return set(which, {.is = where::elsewhere});
    case val_expression:
      (void)in.part(in.unsigned_number());
      return set(which, {.is = where::elsewhere});
    default: ok_ = false;
  }
}

void cfi_program::set(std::uint64_t which, const saved_register& to) {
  if (which == x86_64_registers::frame) row_.frame = to;
  if (which == x86_64_registers::return_address) row_.return_address = to;
}

void cfi_program::restore(std::uint64_t which) {
  if (which == x86_64_registers::frame) row_.frame = initial_.frame;
  if (which == x86_64_registers::return_address) row_.return_address = initial_.return_address;
}

void cfi_program::remember() {
  if (remembered_count_ == most_remembered)
    ok_ = false;
  else
    remembered_[remembered_count_++] = row_;
}

void cfi_program::recall() {
  if (remembered_count_ == 0)
    ok_ = false;
  else
    row_ = remembered_[--remembered_count_];
}

}  // namespace ashlar::observe
