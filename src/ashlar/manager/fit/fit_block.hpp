// SPDX-License-Identifier: MIT
// The block of the fit managers: a header in front, a copy of the size at the end while it is free
// (boundary tags, Knuth 1973), and the node of the index in between while it is free.
//
//     address = 0 (mod 8); where the payload is aligned to 16, 8 (mod 16)
//     used: | head 8 | payload .................................. |   to the next head; no foot
//     free: | head 8 | link 4 | link 4 | up 4 | same 4 | ... | foot 8 |
//
//     head: | tag | .. | slack | .. | trimmed | size, multiple of 8 | red | previous used | used |
//     bits  63-48        45-40        36        35-3                  2     1               0
//
// Each block knows from its own head whether the block before it is used; only if not, that one has
// a foot, by which its start is found. So neighbours of a block are found in O(1) both ways, and a
// used block costs 8 bytes. The foot lies in the cache line of the head behind it, and proves
// itself (granules, and their complement): who frees that block need not wait for the head before.
// Links count granules of 8 bytes from an origin: 32 bits reach over 32 GiB, so the node of a tree
// takes 16 bytes. That of a list takes 8 and fits in the smallest block, 24 bytes. A free block of
// 16 bytes, a crumb, has no room for a node: it is in no index and waits for its neighbours.
//
// Sizes of blocks whose payload is aligned to 16 are multiples of 16: where all are, each one ends
// where the next can begin. Alignments of 8 and less take multiples of 8.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/macros.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/manager/manager.hpp"

namespace ashlar {

struct [[gnu::may_alias]] fit_block {
  static constexpr std::size_t granule = 8;
  static constexpr std::size_t header = 8;
  static constexpr std::size_t smallest = 24;  // of used blocks, and of free ones with a node
  static constexpr std::size_t crumb = 16;     // a free block without
  /// Of payloads, unless less is asked for, or more.
  static constexpr std::size_t alignment = default_alignment;
  /// What links can reach.
  static constexpr std::size_t reach = 32_GiB;
  /// The most that one region can be: no block of it may have link 0.
  static constexpr std::size_t largest_region = reach - 4 * granule;

  static constexpr std::uint64_t used_bit = 1;
  static constexpr std::uint64_t previous_used_bit = 2;
  static constexpr std::uint64_t red_bit = 4;  // for the tree
  // Free, and the OS has its pages.
  static constexpr std::uint64_t trimmed_bit = std::uint64_t{1} << 36;
  static constexpr std::uint64_t size_mask = (reach * 2 - 1) & ~std::uint64_t{granule - 1};
  static constexpr unsigned slack_shift = 40;
  static constexpr std::uint64_t slack_mask = 63;
  static constexpr unsigned tag_shift = 48;

  std::uint64_t head;
  // While it is free:
  std::uint32_t link[2];  // tree: before and behind; list: next and previous
  std::uint32_t up;       // tree: parent
  std::uint32_t same;     // tree: a list of more blocks of this size

  /// Returns the size of a block whose payload holds `bytes`. Requires: bytes <= max_size;
  /// `aligned` is a power of two.
  static constexpr std::size_t size_for(std::size_t bytes, std::size_t aligned) {
    const std::size_t mask = ((aligned - 1) | (granule - 1)) & (alignment - 1);  // 7 or 15
    const std::size_t size = (bytes + header + mask) & ~mask;
    const std::size_t least = crumb + 1 + mask;
    return size < least ? least : size;
  }

  /// Returns what a block of `need` bytes takes of `available` ones: all, where the rest would be
  /// too small to be a block.
  static constexpr std::size_t cut(std::size_t available, std::size_t need) {
    return available - need < crumb ? available : need;
  }

  static fit_block* of(const void* payload) {
    return reinterpret_cast<fit_block*>(at_address(address_of(payload) - header));
  }
  std::byte* payload() { return at_address(address_of(this) + header); }

  std::size_t size() const { return head & size_mask; }
  std::size_t granules() const { return size() / granule; }
  std::size_t usable() const { return size() - header; }
  std::size_t slack() const { return head >> slack_shift & slack_mask; }
  tag_id tag() const { return static_cast<tag_id>(head >> tag_shift); }
  bool is_used() const { return (head & used_bit) != 0; }
  bool is_previous_used() const { return (head & previous_used_bit) != 0; }
  /// Returns whether nothing is in the head of a block that says it is free but what belongs there.
  bool is_free_head_whole() const {
    return (head & ~(size_mask | previous_used_bit | red_bit | trimmed_bit)) == 0;
  }
  /// Requires: it is free.
  bool is_crumb() const { return size() == crumb; }
  bool is_red() const { return (head & red_bit) != 0; }

  // By numbers: `bytes` may be negative, modulo 2^64, which a pointer must not be moved by.
  fit_block* after(std::size_t bytes) { return of(at_address(address_of(this) + header + bytes)); }
  const fit_block* after(std::size_t bytes) const {
    return of(at_address(address_of(this) + 8 + bytes));
  }
  fit_block* next() { return after(size()); }
  const fit_block* next() const { return after(size()); }
  /// Requires: the previous block is free.
  std::size_t previous_size() const { return std::size_t{foot_before().granules} * granule; }
  /// Requires: as above. Returns whether nobody wrote over the foot.
  ASHLAR_NO_SANITIZE bool is_foot_before_whole() const {  // of a wrong head it may lie anywhere
    return foot_before().granules == ~foot_before().check;
  }
  fit_block* previous() { return after(0 - previous_size()); }
  /// Requires: it is free.
  bool is_foot_whole() const {
    return next()->is_foot_before_whole() && next()->previous_size() == size();
  }

  void set_red(bool red) { head = red ? head | red_bit : head & ~red_bit; }
  void set_used(std::size_t bytes, std::size_t slack, tag_id tag, std::uint64_t previous) {
    head = bytes | used_bit | previous | std::uint64_t{slack} << slack_shift |
           std::uint64_t{tag} << tag_shift;
  }
  /// The block before a free one is always used.
  void set_free(std::size_t bytes) {
    head = bytes | previous_used_bit;
    const auto count = static_cast<std::uint32_t>(bytes / granule);
    reinterpret_cast<foot*>(after(bytes))[-1] = {.granules = count, .check = ~count};
  }
  /// Ends a row of blocks: used, so that nothing coalesces with it, and without a size.
  void set_sentinel() { head = used_bit | previous_used_bit; }

 private:
  struct [[gnu::may_alias]] foot {
    std::uint32_t granules;
    std::uint32_t check;
  };
  const foot& foot_before() const { return reinterpret_cast<const foot*>(this)[-1]; }
};
static_assert(offsetof(fit_block, up) + fit_block::header == fit_block::smallest);
static_assert(fit_block::alignment == 2 * fit_block::granule);

/// From links to blocks and back. Link 0 is no block.
class fit_links {
 public:
  constexpr fit_links() = default;
  explicit fit_links(std::uintptr_t origin) : origin_(origin) {}

  /// Returns whether all of a range has links.
  bool reach(const std::byte* begin, const std::byte* end) const {
    // Modulo 2^64, as the origin may be: what begins in front of it is far beyond the reach.
    const std::uintptr_t first = address_of(begin) - origin_;
    return first >= 2 * fit_block::granule && first < fit_block::reach && begin < end &&
           address_of(end) - address_of(begin) <= fit_block::reach - first;
  }
  fit_block* at(std::uint32_t link) const {
    return reinterpret_cast<fit_block*>(at_address(origin_ + link * fit_block::granule));
  }
  std::uint32_t of(const fit_block* b) const {
    return static_cast<std::uint32_t>((address_of(b) - origin_) / fit_block::granule);
  }

 private:
  std::uintptr_t origin_ = 0;
};

}  // namespace ashlar
