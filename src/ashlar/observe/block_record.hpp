// SPDX-License-Identifier: MIT
// What a tracked block remembers: sixteen bytes beside the heap's own header, never in the block.
//
// Two words, so that a reader sees each of them whole while the owner writes: the site comes last
// at a birth and goes first at a death. A reader that finds the same first word before and after
// has read facts that belong together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/observe/table/site_table.hpp"

namespace ashlar::observe {

/// Which functions a block comes from, and so which may free it.
enum class family : std::uint8_t { malloc, new_object, new_array, manager };

constexpr const char* to_string(family f) {
  switch (f) {
    case family::malloc: return "malloc";
    case family::new_object: return "operator new";
    case family::new_array: return "operator new[]";
    case family::manager: return "a manager";
  }
  return "unknown";
}

/// What a leak scan has found out about a live block.
enum class block_standing : std::uint8_t {
  reachable,     // something points to it; and what was born after the scan
  lost,          // nothing does
  kept_by_lost,  // only lost blocks do
};

/// The contents of a record.
struct block_facts {
  site_id site = site_table::none;  // `none`: the block is not live, or not tracked
  std::size_t size = 0;             // bytes asked for, below 2^44
  family made_by = family::malloc;
  bool sampled = false;  // stands for more than itself
  block_standing standing = block_standing::reachable;
  std::uint16_t thread = 0;          // number of the thread that made it
  std::uint32_t born = 0;            // milliseconds since tracking began, modulo 2^31
  std::uint8_t alignment_shift = 0;  // log2 of the alignment asked for; 0: not known
  // Of a sampled one, whose alignment is not kept:
  std::uint8_t lot = 0;        // below 32: how its weight is rounded
  std::uint8_t doublings = 0;  // how often the mean was doubled that its chance came from

  std::size_t alignment() const { return std::size_t{1} << alignment_shift; }
  bool operator==(const block_facts&) const = default;
};

/// Whether what was born then is younger than a moment of the last 12 days. Milliseconds since
/// tracking began, modulo 2^31.
constexpr bool is_younger(std::uint32_t born, std::uint32_t moment) {
  return ((born - moment - 1) & 0x7fff'ffff) < 0x4000'0000;
}

class block_record {
 public:
  bool is_live() const { return __atomic_load_n(&first_, __ATOMIC_RELAXED) != 0; }

  /// What nearly every free needs, without the rest. For the owner of the block only.
  site_id site() const noexcept { return site_in(__atomic_load_n(&first_, __ATOMIC_RELAXED)); }
  std::size_t size() const noexcept {
    return size_in(__atomic_load_n(&first_, __ATOMIC_RELAXED),
                   __atomic_load_n(&second_, __ATOMIC_RELAXED));
  }
  bool is_sampled() const noexcept {
    return (__atomic_load_n(&second_, __ATOMIC_RELAXED) >> sampled_position & 1) != 0;
  }

  /// Returns the facts; those of no block if it is not live.
  block_facts load() const noexcept {
    while (true) {
      const std::uint64_t first = __atomic_load_n(&first_, __ATOMIC_ACQUIRE);
      const std::uint64_t second = __atomic_load_n(&second_, __ATOMIC_ACQUIRE);
      if (__atomic_load_n(&first_, __ATOMIC_RELAXED) == first) return unpack(first, second);
    }
  }

  /// For the owner of the block only.
  void store(const block_facts& facts) noexcept {
    const std::uint64_t second =
        facts.size >> 32 | std::uint64_t{static_cast<std::uint8_t>(facts.made_by)} << 12 |
        std::uint64_t{facts.sampled} << sampled_position |
        std::uint64_t{static_cast<std::uint8_t>(facts.standing)} << standing_shift |
        std::uint64_t{facts.thread} << 17 | std::uint64_t{facts.born} << 33;
    __atomic_store_n(&second_, second, __ATOMIC_RELAXED);
    __atomic_store_n(&first_,
                     std::uint64_t{facts.sampled ? facts.doublings : facts.alignment_shift}
                             << alignment_position |
                         std::uint64_t{facts.lot} << lot_position |
                         std::uint64_t{facts.site} << 32 | (facts.size & 0xffffffff),
                     __ATOMIC_RELEASE);
  }
  /// Empties the record and returns what it held: of two threads that do so one gets nothing.
  block_record take() noexcept {
    block_record taken;
    taken.second_ = __atomic_load_n(&second_, __ATOMIC_ACQUIRE);
    taken.first_ = __atomic_exchange_n(&first_, 0, __ATOMIC_ACQ_REL);
    return taken;
  }
  void clear() noexcept { __atomic_store_n(&first_, 0, __ATOMIC_RELEASE); }

  block_standing standing() const {
    return static_cast<block_standing>(
        __atomic_load_n(&second_, __ATOMIC_RELAXED) >> standing_shift & 3);
  }
  /// For the one leak scan that runs. The owner's next birth forgets it.
  void set_standing(block_standing standing) noexcept {
    std::uint64_t second = __atomic_load_n(&second_, __ATOMIC_RELAXED);
    std::uint64_t changed;
    do {
      changed = (second & ~(std::uint64_t{3} << standing_shift)) |
                std::uint64_t{static_cast<std::uint8_t>(standing)} << standing_shift;
    } while (!__atomic_compare_exchange_n(&second_, &second, changed, true, __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
  }

 private:
  static constexpr unsigned sampled_position = 14;
  static constexpr unsigned standing_shift = 15;
  static constexpr unsigned alignment_position = 58;
  static constexpr unsigned lot_position = 53;
  static constexpr std::uint64_t most_sites = std::uint64_t{1} << (lot_position - 32);
  static_assert(site_table::limit <= most_sites);

  static site_id site_in(std::uint64_t first) {
    return static_cast<site_id>(first >> 32 & (most_sites - 1));
  }
  static std::size_t size_in(std::uint64_t first, std::uint64_t second) {
    return (second & 0xfff) << 32 | (first & 0xffffffff);
  }
  static block_facts unpack(std::uint64_t first, std::uint64_t second) {
    const bool sampled = (second >> sampled_position & 1) != 0;
    const auto shift = static_cast<std::uint8_t>(first >> alignment_position);
    return {.site = site_in(first),
            .size = size_in(first, second),
            .made_by = static_cast<family>(second >> 12 & 3),
            .sampled = sampled,
            .standing = static_cast<block_standing>(second >> standing_shift & 3),
            .thread = static_cast<std::uint16_t>(second >> 17),
            .born = static_cast<std::uint32_t>(second >> 33),
            .alignment_shift = sampled ? std::uint8_t{0} : shift,
            .lot = static_cast<std::uint8_t>(first >> lot_position & 31),
            .doublings = sampled ? shift : std::uint8_t{0}};
  }

  std::uint64_t first_;   // alignment or doublings: 6 bits, lot: 5, site: 21, half of the size
  std::uint64_t second_;  // size: 12 bits, family: 2, sampled: 1, standing: 2, thread: 16, born: 31
};
static_assert(sizeof(block_record) == 16);

}  // namespace ashlar::observe
