// SPDX-License-Identifier: MIT
// Runs the programs of unwind tables (call frame information, DWARF 5, 6.4), which say where a
// function's CFA and saved registers are at each of its instructions.
//
// Only what the walk needs is kept: the CFA, the frame pointer and the return address. Whatever
// else a program describes is read and dropped. Source: DWARF 5, 2017; System V ABI AMD64 3.6.2.
// Threads: thread-confined. Cost: linear in the program.
#pragma once

#include <cstdint>

#include "ashlar/observe/unwind/table_reader.hpp"

namespace ashlar::observe {

/// The registers of a machine, by their numbers in its tables.
struct x86_64_registers {
  static constexpr std::uint64_t frame = 6;
  static constexpr std::uint64_t stack = 7;
  static constexpr std::uint64_t return_address = 16;
};

/// Where the caller's value of a register is.
struct saved_register {
  enum class where : std::uint8_t { same, below_cfa, by_expression, undefined, elsewhere };

  where is = where::same;
  std::int64_t offset = 0;  // from the CFA; below_cfa
  table_reader expression{1, 0};
};

/// What a program says of one instruction.
struct cfi_row {
  std::uint64_t cfa_register = 0;
  std::int64_t cfa_offset = 0;
  bool cfa_is_expression = false;
  table_reader cfa_expression{1, 0};
  saved_register frame;
  saved_register return_address;
};

class cfi_program {
 public:
  /// The numbers that are the same for all functions of a unit (CIE).
  struct unit {
    std::uint64_t code_alignment = 1;
    std::int64_t data_alignment = 1;
    std::uint8_t pointer_encoding = 0;
  };

  explicit cfi_program(const unit& common) : unit_(common) {}

  /// Runs the instructions that all functions of the unit begin with.
  void begin(table_reader instructions) {
    run(instructions, 0, ~std::uint64_t{0});
    initial_ = row_;
  }

  /// Runs a function's instructions, which starts at `first`, up to the row that holds at `code`.
  void run(table_reader instructions, std::uint64_t first, std::uint64_t code);

  /// Whether all instructions were understood.
  bool ok() const { return ok_; }
  const cfi_row& row() const { return row_; }

 private:
  // Compilers remember one row; deeper than this is nobody's.
  static constexpr unsigned most_remembered = 8;

  void step(table_reader& in);
  void step_extended(table_reader& in, std::uint8_t opcode);
  void step_cfa(table_reader& in, std::uint8_t opcode);
  void step_register(table_reader& in, std::uint8_t opcode);
  void advance(std::uint64_t units) { location_ += units * unit_.code_alignment; }
  std::int64_t factored(std::uint64_t n) const {
    return static_cast<std::int64_t>(n * static_cast<std::uint64_t>(unit_.data_alignment));
  }
  void set(std::uint64_t which, const saved_register& to);
  void restore(std::uint64_t which);
  void remember();
  void recall();

  unit unit_;
  bool ok_ = true;
  std::uint64_t location_ = 0;
  cfi_row row_;
  cfi_row initial_;
  unsigned remembered_count_ = 0;
  cfi_row remembered_[most_remembered];
};

}  // namespace ashlar::observe
