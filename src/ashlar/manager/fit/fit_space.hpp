// SPDX-License-Identifier: MIT
// The memory below a fit manager: rows of blocks in a region and in further blocks of the user's.
//
//     start   first                       top                committed           end
//     | pad 8 | block | block | ... | block | sentinel | free ... | not yet there ... |
//                                             `-- fresh: from here on never touched --'
//
// The region is a block of the user's, or address space reserved from an OS manager, of which a
// prefix is committed, in growing steps. What lies behind the last used block (the wilderness) is
// in no index: it serves what nothing else fits, so the region stays as short as it can be. Further
// blocks of the user's (`add`) are rows of their own, with a record in front and no wilderness.
//
// Invariants: (1) blocks of a row lie end to end, from its first to its sentinel; (2) a block's
// previous-used bit tells whether the one before is used; (3) no two free blocks touch, and none
// touches the top; (4) a free block's foot tells its size; (5) first <= top < committed <= end,
// and the byte behind the sentinel is not beyond `fresh`.
// Under a tool that watches memory blocks are larger, by a red zone, and everything is hidden but
// the heads, what was asked for of used blocks, and of free ones what the manager reads; of the
// wilderness, the sentinel (fit_poison.cpp).
// Threads: thread-compatible; `held` may be read by any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ashlar/base/poison.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/base/result.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/fit/fit_block.hpp"
#include "ashlar/manager/source/huge_pages.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

/// Over what a fit manager is. Units: bytes.
struct fit_options {
  static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

  os_manager* os = nullptr;          ///< where address space comes from; null: system_os()
  std::size_t reserve = 16_GiB;      ///< address space to reserve, thus the bound; below 32 GiB
  std::size_t commit_step = 64_KiB;  ///< the least that is committed at once
  bool zeroed = false;               ///< a user's block is all zero
  std::size_t limit = unlimited;     ///< the most that may be used: usage().used
  const char* name = nullptr;
  /// Wanted: what is committed and given back is whole huge pages, and so is the least. For many
  /// blocks: cold ones are reached faster. Not for a user's block.
  huge_pages huge = huge_pages::as_system;
};

class ASHLAR_EXPORT fit_space {
 public:
  /// Over address space from an OS manager.
  constexpr explicit fit_space(const fit_options& options)
      : os_(options.os),
        reserve_(options.reserve),
        step_(options.commit_step),
        huge_(options.huge),
        from_os_(true) {}
  /// Over a block of the user's.
  constexpr fit_space(std::span<std::byte> block, bool zeroed) : block_(block), zeroed_(zeroed) {}

  bool is_ready() const { return top_ != nullptr; }
  /// Makes it ready: reserves under a tag, and commits the first step. Errors: the reason; nothing
  /// has changed.
  status prepare(tag_id owner = 0) noexcept;
  /// Gives everything back but added blocks.
  void reset() noexcept;
  void release() noexcept;

  fit_links links() const { return links_; }
  os_manager* os() const { return from_os_ ? os_ : nullptr; }
  bool is_from_os() const { return from_os_; }
  /// Returns the bytes from the start of the region to its last used block, and of added blocks.
  std::size_t footprint() const;
  std::size_t held() const { return load_relaxed(held_); }
  fit_block* top() const { return top_; }

  /// Returns the size of the largest block that the wilderness could become, once committed.
  std::size_t room() const { return top_ != nullptr ? room_before(end_) : 0; }
  /// The same without committing.
  std::size_t room_now() const { return top_ != nullptr ? room_before(committed_) : 0; }

  /// Makes the first `size` bytes of the wilderness accessible. Requires: size <= room(). Errors:
  /// over_budget, no_memory.
  status commit(std::size_t size) noexcept;
  /// Moves the top to `b`: behind a block just made, or down over freed ones.
  void set_top(fit_block* b) {
    if (is_watched_) [[unlikely]]
      move_wilderness(b);
    top_ = b;
    b->set_sentinel();
    std::byte* const behind = b->payload();
    if (behind > fresh_) fresh_ = behind;
  }
  /// Makes a free block of `size` bytes, but for its node.
  void set_free(fit_block* b, std::size_t size) {
    if (is_watched_) [[unlikely]]
      hide_all_but_tags(b, size);
    b->set_free(size);
  }
  /// Before free memory becomes a used block of `size` bytes, its head included, of whose payload
  /// `asked` may be touched.
  void lend(fit_block* b, std::size_t size, std::size_t asked) const {
    if (is_watched_) [[unlikely]]
      show_asked(b, size, asked);
  }
  /// Before free memory, or the end of a used block, is written by the manager.
  void open(fit_block* b, std::size_t size) const {
    if (is_watched_) [[unlikely]]
      poison::show(b, size);
  }
  /// When a used block has a new size, or another place: `kept` bytes of it hold what they held,
  /// and its slack is what may not be touched.
  void lend_again(fit_block* b, std::size_t kept) const {
    if (is_watched_) [[unlikely]]
      show_resized(b, kept);
  }
  /// Whether a tool is told of each block (base/poison.hpp).
  bool is_watched() const { return is_watched_; }
  /// Bytes that each block has more than was asked for, so that an overrun meets none of ours.
  std::size_t red_zone() const { return is_watched_ ? poison::red_zone : 0; }
  /// What the user may touch of a used block.
  std::size_t lent(const fit_block* b) const {
    return b->usable() - (is_watched_ ? b->slack() : 0);
  }
  /// Requests of fewer bytes may take the fast path. None, while blocks are to be told of.
  std::size_t quick_below() const { return quick_below_; }

  /// Returns how many bytes at the start of a range may be other than zero, judged by what `fresh`
  /// was before the range was handed out.
  std::size_t dirty_prefix(const std::byte* data, std::size_t size, const std::byte* fresh) const;
  const std::byte* fresh() const { return fresh_; }

  /// Takes a further block in. Returns the free block it became, or null with the reason.
  fit_block* add(std::span<std::byte> block, status& reason) noexcept;

  /// Returns the block of a payload if it is used and its neighbourhood makes sense, else null.
  ASHLAR_NO_SANITIZE fit_block* live(const void* p) const {  // a wrong pointer leads anywhere
    fit_block* const b = fit_block::of(p);
    const std::uintptr_t limit = end_of_row(b);
    const std::uint64_t head =
        limit > address_of(b) && is_aligned(address_of(p), fit_block::granule) ? b->head : 0;
    const std::size_t size = head & fit_block::size_mask;
    if ((head & fit_block::used_bit) == 0 || size < fit_block::smallest ||
        size > limit - address_of(b) || (b->after(size)->head & fit_block::previous_used_bit) == 0)
      return nullptr;
    return b;
  }
  /// Returns whether the boundary tags at both ends of a used block make sense. Looks at the lines
  /// of its own head and of the next one only.
  bool are_ends_whole(const fit_block* b) const {
    return is_plausible(b->next()) && (b->is_previous_used() || is_foot_before(b));
  }
  /// Returns whether the free block before `b` says of itself what its foot does. Requires: there
  /// is one, and the ends of `b` were whole.
  static bool is_previous_whole(fit_block* b) {
    constexpr std::uint64_t told = fit_block::size_mask | fit_block::used_bit;
    return b->is_foot_before_whole() && (b->previous()->head & told) == b->previous_size();
  }
  /// Returns whether the block behind `b`, if it says that it is free, has the foot of one: a used
  /// block whose head was written over may look like it, and has the user's bytes for links.
  /// Requires: the ends of `b` were whole.
  ASHLAR_NO_SANITIZE static bool is_next_whole(const fit_block* b) {  // the foot may be none
    return b->next()->is_used() || b->next()->is_foot_whole();
  }
  /// The same of all that.
  bool are_neighbours_whole(fit_block* b) const {
    return are_ends_whole(b) && (b->is_previous_used() || is_previous_whole(b)) && is_next_whole(b);
  }
  /// Says what is wrong with a pointer that is not `live`.
  fault_kind diagnose(const void* p, fault_detail& detail) const noexcept;

  bool owns(const void* p) const { return end_of_row(fit_block::of(p)) > address_of(p) - 8; }

  /// Gives idle pages back until `keep` bytes of free memory are left. Returns the bytes given
  /// back.
  std::size_t trim(std::size_t keep) noexcept;

  /// Calls `visit(block)` for each block, used or free, until it returns false.
  template <class Visit>
  void for_each(Visit visit) const {
    if (!for_each_in(first_, top_, visit)) return;
    for (row* r = added_; r != nullptr; r = r->next)
      if (!for_each_in(r->first(), r->sentinel, visit)) return;
  }

  void check_invariants() const noexcept;

 private:
  /// In front of an added block.
  struct row {
    row* next;
    fit_block* sentinel;
    std::size_t size;

    fit_block* first() { return reinterpret_cast<fit_block*>(this + 1); }
  };

  template <class Visit>
  static bool for_each_in(fit_block* b, fit_block* sentinel, Visit& visit) {
    for (; b != sentinel; b = b->next())
      if (!visit(b)) return false;
    return true;
  }

  bool is_plausible(const fit_block* b) const {
    const std::uintptr_t limit = end_of_row(b);  // 0 for a sentinel
    if (limit == 0) return b->size() == 0 && b->is_used();
    return b->size() - 1 < limit - address_of(b) && (b->is_used() || b->is_free_head_whole());
  }
  ASHLAR_NO_SANITIZE bool is_foot_before(const fit_block* b) const {  // there may be none
    const std::size_t size = b->previous_size();
    const auto* const previous =
        fit_block::of(at_address(address_of(b) - size + fit_block::header));
    return b->is_foot_before_whole() && size >= fit_block::crumb &&
           end_of_row(previous) == end_of_row(b);
  }

  class [[nodiscard]] shown;
  ASHLAR_COLD void hide_all_but_tags(const fit_block* b, std::size_t size) const noexcept;
  ASHLAR_COLD void show_asked(fit_block* b, std::size_t size, std::size_t asked) const noexcept;
  ASHLAR_COLD void show_resized(fit_block* b, std::size_t kept) const noexcept;
  ASHLAR_COLD void move_wilderness(const fit_block* top) const noexcept;
  void show_everything() const noexcept;

  std::size_t room_before(const std::byte* end) const {
    return align_down(address_of(end) - address_of(top_) - fit_block::header, fit_block::granule);
  }

  /// Returns the address of the sentinel of the row that `b` lies in; 0 if in none.
  std::uintptr_t end_of_row(const fit_block* b) const {
    const std::uintptr_t first = address_of(first_);
    if (address_of(b) - first < address_of(top_) - first) [[likely]]
      return address_of(top_);
    return end_of_added_row(b);
  }
  std::uintptr_t end_of_added_row(const fit_block* b) const noexcept;

  status commit_part(os::range part) noexcept;
  status begin(std::byte* start, std::byte* committed, std::byte* end, bool zeroed) noexcept;
  std::size_t trim_top(std::size_t wanted) noexcept;
  std::size_t trim_blocks(std::size_t wanted) noexcept;
  void check_row(const fit_block* b, const fit_block* sentinel) const noexcept;

  std::size_t quick_below_ = 0;  // until there is a region, too
  std::byte* committed_ = nullptr;
  fit_block* top_ = nullptr;
  fit_block* first_ = nullptr;
  std::byte* fresh_ = nullptr;
  std::byte* start_ = nullptr;
  std::byte* end_ = nullptr;
  row* added_ = nullptr;
  std::size_t held_ = 0;
  fit_links links_;

  os_manager* os_ = nullptr;
  std::size_t reserve_ = 0;
  std::size_t step_ = 0;
  std::size_t page_ = 0;  // what is committed is a multiple of
  std::span<std::byte> block_;
  huge_pages huge_ = huge_pages::as_system;
  bool from_os_ = false;
  bool zeroed_ = false;
  bool is_watched_ = false;  // since there is a region
};

}  // namespace ashlar
