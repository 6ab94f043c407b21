// SPDX-License-Identifier: MIT
// The rules of the return addresses that were met, for the whole process.
//
// Each is one word, so it is written and read at once, and no reader waits for anybody:
//
//   63                     31  30   29        0
//   | the address, the rest | set |   rule    |
//
// The address is multiplied by an odd number, modulo 2^47, which mixes it and loses nothing: 14
// bits of the product choose a set of four words, the other 33 name the address within it, so a hit
// is exact. A full set loses one.
//
// Modules that go: their rules stay until a walk misses in a module that it has not seen, or not
// like this, and then all rules within its addresses are dropped. Until then a return address of a
// new module may get the rule that an old one had at the same address. Such a walk is wrong; it
// still reads nothing but its stack, and ends, and mostly where no stack does: whoever notices that
// asks for its modules to be looked at again.
// Threads: thread-safe. Cost: a multiplication and a load for what is known; a search of the tables
// for what is not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/base/macros.hpp"
#include "ashlar/observe/unwind/frame_rule.hpp"
#include "ashlar/os/unwind_tables.hpp"

namespace ashlar::observe {

class rule_cache {
 public:
  constexpr rule_cache() = default;

  /// Returns the rule of the call that returns to `address`. To ask for an instruction that a
  /// signal interrupted, ask for the address behind its first byte.
  ASHLAR_FORCE_INLINE frame_rule find(std::uintptr_t address) noexcept {
    const std::uint64_t product = mixed(address);
    for (const slot& each : sets_[product >> set_shift]) {
      const std::uint64_t rest = each.load(std::memory_order_relaxed) ^ product << set_bits;
      if (rest >> frame_rule::bits == 1) [[likely]]
        return rule_in(rest);
    }
    return find_slow(address);
  }

  /// Forgets the rules of addresses in `[low, high)`. Cost: reads the whole cache as far as it was
  /// ever used.
  void drop(std::uintptr_t low, std::uintptr_t high) noexcept;

  /// Looks again at the modules that return addresses lie in, and forgets the rules of those that
  /// are not what they were. Cost: some hundred nanoseconds a module.
  void look_again(const std::uintptr_t* addresses, std::uint32_t count) noexcept;

  /// Another number each time that rules were dropped: a walk by older ones is not to be repeated.
  /// Never 0, which is that of a walk that never was.
  std::uint32_t generation() const noexcept { return drops_.load(std::memory_order_relaxed) + 1; }

 private:
  std::atomic<std::uint32_t> drops_{0};

  // All of it is a word written at once, hence relaxed everywhere.
  using slot = std::atomic<std::uint64_t>;

  static constexpr std::size_t ways = 4;
  static constexpr unsigned set_bits = 14;  // 65,536 rules: 512 KiB, of which pages are used as met
  static constexpr unsigned set_shift = 64 - set_bits;
  static constexpr unsigned address_bits = 47;
  static constexpr std::size_t set_count = std::size_t{1} << set_bits;
  static constexpr std::size_t most_modules = 1024;
  static constexpr std::uint64_t is_set = std::uint64_t{1} << frame_rule::bits;
  static_assert(address_bits - set_bits + 1 + frame_rule::bits == 64);

  // The golden ratio, and its inverse modulo 2^64.
  static constexpr std::uint64_t factor = 0x9e3779b97f4a7c15;
  static constexpr std::uint64_t inverse = 0xf1de83e19937733d;
  static_assert(factor * inverse == 1);

  // The product is in the upper bits.
  static constexpr std::uint64_t mixed(std::uintptr_t address) {
    return (std::uint64_t{address} << (64 - address_bits)) * factor;
  }
  static constexpr std::uintptr_t unmixed(std::uint64_t product) {
    return static_cast<std::uintptr_t>((product * inverse) >> (64 - address_bits));
  }
  static constexpr std::uint64_t product_in(std::uint64_t word, std::size_t set) {
    const std::uint64_t rest = word & ~(2 * is_set - 1);
    return std::uint64_t{set} << set_shift | rest >> set_bits;
  }
  static constexpr frame_rule rule_in(std::uint64_t word) {
    return frame_rule::of_packed(static_cast<std::uint32_t>(word & (is_set - 1)));
  }

  ASHLAR_COLD frame_rule find_slow(std::uintptr_t address) noexcept;
  void store(std::uintptr_t address, frame_rule rule) noexcept;
  void drop_in_set(std::size_t set, std::uintptr_t low, std::uintptr_t high) noexcept;
  void meet_module(const os::unwind_tables& module) noexcept;

  slot sets_[set_count][ways] = {};
  // A bit for each set that was ever used. Most programs have rules for some hundred addresses, and
  // load twenty modules.
  std::atomic<std::uint64_t> used_[set_count / 64] = {};
  // What modules looked like when their rules were searched.
  std::atomic<std::uint64_t> modules_[most_modules] = {};
};

}  // namespace ashlar::observe
