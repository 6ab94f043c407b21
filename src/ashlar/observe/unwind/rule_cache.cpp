// SPDX-License-Identifier: MIT
#include "ashlar/observe/unwind/rule_cache.hpp"

#include <bit>

#include "ashlar/observe/unwind/table_reader.hpp"
#include "ashlar/observe/unwind/table_search.hpp"

namespace ashlar::observe {

namespace {

constexpr std::uint64_t joined(std::uint64_t sum, std::uint64_t word) {
  sum = (sum ^ word) * 0x9e3779b97f4a7c15;
  return sum ^ sum >> 29;
}

// Two modules with the same value lie at the same addresses, with the same record of the loader and
// the same numbers at 64 places of their tables: the same one, or one that was barely changed. Of
// small tables that is all.
std::uint64_t signature_of(const os::unwind_tables& t) {
  constexpr std::uintptr_t samples = 64;
  std::uint64_t sum = joined(joined(joined(joined(1, t.code_low), t.code_high), t.index), t.module);
  if (t.index == 0) return sum;
  const std::uintptr_t word = sizeof(std::uint64_t);
  const std::uintptr_t step = align_up((t.high - t.index) / samples + 1, word);
  for (std::uintptr_t at = t.index; at + word <= t.high; at += step) {
    table_reader in(at, t.high);
    sum = joined(sum, in.read<std::uint64_t>());
  }
  return sum;
}

}  // namespace

void rule_cache::drop_in_set(std::size_t set, std::uintptr_t low, std::uintptr_t high) noexcept {
  for (slot& each : sets_[set]) {
    std::uint64_t word = each.load(std::memory_order_relaxed);
    if (word != 0 && unmixed(product_in(word, set)) - low < high - low)
      each.compare_exchange_strong(word, 0, std::memory_order_relaxed);
  }
}

void rule_cache::drop(std::uintptr_t low, std::uintptr_t high) noexcept {
  drops_.fetch_add(1, std::memory_order_relaxed);
  for (std::size_t first = 0; first < set_count; first += 64) {
    std::uint64_t bits = used_[first / 64].load(std::memory_order_relaxed);
    for (; bits != 0; bits &= bits - 1)
      drop_in_set(first + static_cast<std::size_t>(std::countr_zero(bits)), low, high);
  }
}

// Modules that share a place here are taken for new whenever they take turns, which is slow and
// not wrong.
void rule_cache::meet_module(const os::unwind_tables& module) noexcept {
  const std::uint64_t signature = signature_of(module);
  auto& place = modules_[(module.code_low >> 12 ^ module.code_low >> 22) % most_modules];
  if (place.exchange(signature, std::memory_order_relaxed) != signature)
    drop(module.code_low, module.code_high);
}

void rule_cache::look_again(const std::uintptr_t* addresses, std::uint32_t count) noexcept {
  os::unwind_tables module = {};
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uintptr_t code = addresses[i] - 1;
    if (code - module.code_low < module.code_high - module.code_low) continue;  // as the one before
    module = {};
    if (os::find_unwind_tables(code, module)) meet_module(module);
  }
}

void rule_cache::store(std::uintptr_t address, frame_rule rule) noexcept {
  const std::uint64_t product = mixed(address);
  const std::uint64_t word = product << set_bits | is_set | rule.packed();
  const std::size_t number = product >> set_shift;
  slot* const set = sets_[number];
  used_[number / 64].fetch_or(std::uint64_t{1} << number % 64, std::memory_order_relaxed);
  for (std::size_t i = 0; i < ways; ++i) {
    std::uint64_t expected = 0;
    if (set[i].compare_exchange_strong(expected, word, std::memory_order_relaxed)) return;
  }
  set[address % ways].store(word, std::memory_order_relaxed);
}

frame_rule rule_cache::find_slow(std::uintptr_t address) noexcept {
  if (address >> address_bits != 0) return {};  // not a program's: it would not fit
  frame_rule rule;
  os::unwind_tables module;
  if (os::find_unwind_tables(address - 1, module)) {
    meet_module(module);
    rule = search_tables(module, address - 1);
  }
  store(address, rule);
  return rule;
}

}  // namespace ashlar::observe
