// SPDX-License-Identifier: MIT
// Hands out ranges of a space that the CPU need not touch: GPU heaps, files, shared memory, rows.
//
//     ashlar::offset_manager heap({.units = 256_MiB});
//     auto vertices = heap.allocate({.units = 6'000, .alignment = 256});
//     if (vertices) upload(gpu_buffer, vertices.range.offset, ...);
//     heap.deallocate(vertices.range.handle);
//
// The space is counted in units, which are what the user says they are. Nothing is written into it:
// the records of its ranges lie elsewhere (offset_image.hpp), in memory of a manager, growing, or
// in one block of the user's. Free ranges are filed by size (offset_bins.hpp).
//
// The search looks at up to four ranges, one from each bin from that of the size on: a close fit.
// If alignment is in the way of all of them, it takes one from the first bin whose ranges fit
// wherever they start. If there is none, it looks at each range in between. So what fits is always
// found, the start is padded by what the alignment needs and no more, and that padding stays free.
//
// Handles carry a generation: the handle of a freed range is known to be stale (until its record
// has been used another 2^32 times). A stale handle given to `deallocate`, `resize` or `set_user`
// is the fault `stale_handle`, and nothing happens.
//
// Defragmentation works in passes of bounded length; see `defragment`.
//
// It is no `manager`: what it hands out has no address.
// Invariants: `check_invariants`. Threads: one at a time. Cost: allocate and deallocate are O(1)
// but for the look in between, which `max_scanned` bounds; metadata: 40 bytes a range, used or
// free, and 4 KiB.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ashlar/base/macros.hpp"
#include "ashlar/manager/offset/offset_image.hpp"
#include "ashlar/manager/offset/offset_types.hpp"

namespace ashlar {

class ASHLAR_EXPORT offset_manager {
 public:
  explicit offset_manager(const offset_options& options = {}) noexcept;
  /// Gives the metadata back. Ranges need not be freed before.
  ~offset_manager();
  offset_manager(const offset_manager&) = delete;
  offset_manager& operator=(const offset_manager&) = delete;

  /// Returns the bytes of a `block` that is enough for that many used ranges, however they lie.
  /// Each move that is open takes up to two records more: count it as another range.
  static constexpr std::size_t metadata_size(std::uint32_t used_ranges) {
    return sizeof(offset_image) + (2 * std::size_t{used_ranges} + 1) * sizeof(offset_record) +
           alignof(offset_image);
  }

  /// Returns a range with the user's word in it, or the reason why not: `not_enough_memory`, with
  /// what would fit; `over_budget`; `bad_alignment`; `too_large`; `no_memory`: none for metadata.
  offset_allocation allocate(offset_layout request, std::uint64_t user = 0) noexcept;
  /// Takes a range back. An empty handle is ignored. Faults: `stale_handle`; `pin_mismatch` while a
  /// move of it is open.
  void deallocate(offset_handle h) noexcept;
  /// Makes a range longer or shorter where it is; 0 units are served as 1. Shorter always works,
  /// but for `no_memory` for metadata. Errors: `not_enough_memory`, where what lies behind it is
  /// not free; `over_budget`; `too_large`. Faults: as `deallocate`, and `unsupported` comes back.
  [[nodiscard]] status resize(offset_handle h, std::uint64_t units) noexcept;

  /// Returns where a range is now; empty if the handle is stale.
  offset_range find(offset_handle h) const noexcept {
    const offset_record* const r = live(h);
    return r != nullptr ? offset_range{h, r->offset, r->units} : offset_range{};
  }
  bool owns(offset_handle h) const noexcept { return live(h) != nullptr; }
  /// Returns the word that the user keeps with a range; 0 if the handle is stale.
  std::uint64_t user(offset_handle h) const noexcept {
    const offset_record* const r = live(h);
    return r != nullptr ? r->user : 0;
  }
  void set_user(offset_handle h, std::uint64_t user) noexcept;
  /// Returns what the offset is a multiple of, wherever the range is moved; 0 if the handle is
  /// stale.
  std::uint64_t alignment(offset_handle h) const noexcept {
    const offset_record* const r = live(h);
    return r != nullptr ? std::uint64_t{1} << r->alignment_bits : 0;
  }
  /// Lets two handles change ranges: each then names the offset, the units and the alignment of the
  /// other, and keeps its user's word. Faults: as `deallocate`; nothing happens.
  void exchange(offset_handle a, offset_handle b) noexcept;

  /// Makes the space longer. Errors: `too_large`, `no_memory` (for metadata).
  [[nodiscard]] status grow(std::uint64_t units) noexcept;
  /// Makes the space shorter by what is free at its end, but for `keep` units. Returns by how much.
  std::uint64_t trim(std::uint64_t keep = 0) noexcept;
  /// Ends all ranges and moves.
  void free_all() noexcept;
  /// Changes the budget. It may be below what is used: then nothing more is served.
  void set_limit(std::uint64_t limit) noexcept;

  /// Returns the largest request of that alignment that could be served, budget aside.
  std::uint64_t largest_free(std::uint64_t alignment = 1) const noexcept;
  std::uint64_t used() const noexcept { return image_ != nullptr ? image_->used : 0; }
  std::uint32_t used_ranges() const noexcept { return image_ != nullptr ? image_->used_ranges : 0; }
  /// Returns how many units are free at the end of the space.
  std::uint64_t free_at_end() const noexcept;
  /// O(ranges in the last bin) for `largest_free`, else O(1).
  offset_report report() const noexcept;
  /// Calls `visit(const walked_range&)` for each range in the order of offsets until it returns
  /// false. It must not change the manager.
  template <class Visit>
  void walk(Visit&& visit) const {
    auto call = [&visit](const walked_range& found) -> bool { return visit(found); };
    walk_with(&call, [](void* context, const walked_range& found) {
      return (*static_cast<decltype(call)*>(context))(found);
    });
  }
  /// Calls `visit(const offset_bin&)` for each bin that is not empty, small sizes first, until it
  /// returns false. O(free ranges).
  template <class Visit>
  void for_each_bin(Visit&& visit) const {
    auto call = [&visit](const offset_bin& found) -> bool { return visit(found); };
    for_each_bin_with(&call, [](void* context, const offset_bin& found) {
      return (*static_cast<decltype(call)*>(context))(found);
    });
  }

  /// Makes one pass of defragmentation: proposes moves to lower offsets, one after the other, to
  /// `answer(const offset_move&) -> move_answer`, which copies. Passes go on where the last one
  /// ended, and anything may happen between them; the function may allocate and free too, but not
  /// the range that is moving. A range longer than `max_units` is never proposed. Whoever answers
  /// gets each range once in a round, so it ends, whatever the answers.
  /// Cost: looks at up to 64 + 16 * max_moves ranges, and for each at up to 32 free ones.
  template <class Answer>
  defragment_outcome defragment(const defragment_limits& limits, Answer&& answer) {
    auto call = [&answer](const offset_move& m) -> move_answer { return answer(m); };
    return defragment_with(limits, &call, [](void* context, const offset_move& m) {
      return (*static_cast<decltype(call)*>(context))(m);
    });
  }
  /// For copies that take their time (a GPU's): opens moves, both places of which are held until
  /// `end_move`. `moves` of the outcome tells how many were stored.
  defragment_outcome begin_moves(std::span<offset_move> moves,
                                 const defragment_limits& limits) noexcept;
  /// Ends a move. Faults: `stale_handle`, if it was ended before.
  void end_move(const offset_move& move, move_answer answer) noexcept;

  /// Returns the whole state as bytes, valid until the next change. Empty: no memory for it.
  std::span<const std::byte> image() noexcept;
  /// Goes on from an image, copied into this manager's metadata, or used where it is if it lies at
  /// the (aligned) start of `block`. Moves that were open are ended as ignored. Requires: no range
  /// is used. False: the bytes are no sound image, or there is no memory; all is as it was, but
  /// that a manager over `block` may have forgotten which handles are stale.
  [[nodiscard]] bool restore(std::span<const std::byte> image) noexcept;
  /// Takes over everything from `other`, which is as new afterwards, with a space of no units.
  /// Faults: `still_in_use`, if ranges of this one are used; nothing happens.
  void adopt(offset_manager& other) noexcept;

  /// Returns a rule of the structure that does not hold, or null. O(everything).
  const char* broken_rule() const noexcept;
  /// Panics if anything is wrong: every range borders on the next; no two free ones are neighbours;
  /// each free one is in its bin; the bits, counts and sums are right; starts keep their alignment.
  void check_invariants() const noexcept;

 private:
  struct place {
    std::uint32_t record;
    std::uint64_t offset;
  };
  struct pass {
    defragment_limits limits;
    std::uint64_t units_left;
    std::uint64_t work_left;
    bool done;
  };
  static constexpr std::uint32_t no_record = offset_image::no_record;

  offset_record& at(std::uint32_t index) const { return image_->records()[index]; }
  const offset_record* live(offset_handle h) const {
    if (image_ == nullptr || h.index >= image_->made) return nullptr;
    const offset_record& r = at(h.index);
    const bool is_used = r.kind == range_kind::used || r.kind == range_kind::moving;
    return is_used && r.generation == h.generation ? &r : nullptr;
  }
  std::uint32_t checked(offset_handle h) const noexcept;

  // Metadata.
  bool make_image() noexcept;
  bool take_image(std::span<const std::byte> from, std::uint32_t made) noexcept;
  void start_image(std::byte* storage, std::uint32_t capacity) noexcept;
  std::byte* obtain(std::size_t size) noexcept;
  std::uint32_t capacity() const noexcept;
  // Makes sure that so many records can be made. May move the image.
  bool provide(std::uint32_t records) noexcept {
    return image_->capacity - image_->made + image_->unused >= records || provide_slow(records);
  }
  bool provide_slow(std::uint32_t records) noexcept;
  std::uint32_t new_record() noexcept;
  void release_record(std::uint32_t index) noexcept;
  void insert_before(std::uint32_t index, std::uint32_t next) noexcept;
  void relink(std::uint32_t index) noexcept;
  void drop_metadata() noexcept;

  // Free ranges.
  void file(std::uint32_t index) noexcept;
  void unfile(std::uint32_t index) noexcept;
  void set_free_range(std::uint32_t index, std::uint64_t offset, std::uint64_t units) noexcept;
  place search(offset_layout request) const noexcept;
  place search_between(offset_layout request) const noexcept;
  bool provide_for(place from, std::uint64_t units) noexcept;
  std::uint32_t carve(place from, std::uint64_t units) noexcept;
  void make_free(std::uint32_t index) noexcept;
  void end_range(std::uint32_t index) noexcept;
  void count_used(std::uint64_t units) noexcept;
  status lengthen(std::uint32_t index, std::uint64_t extra) noexcept;
  status shorten(std::uint32_t index, std::uint64_t less) noexcept;

  // Defragmentation.
  pass begin_pass(const defragment_limits& limits) noexcept;
  bool next_move(pass& p, offset_move& out) noexcept;
  bool begin_sweep(pass& p) noexcept;
  place slide_target(std::uint32_t index) const noexcept;
  place hop_target(std::uint32_t index) const noexcept;
  bool open_move(std::uint32_t index, place to, offset_move& out) noexcept;
  void swap_order(std::uint32_t a, std::uint32_t b) noexcept;
  void move_to_target(std::uint32_t index, std::uint32_t target) noexcept;
  void close_all_moves() noexcept;
  defragment_outcome defragment_with(const defragment_limits& limits, void* context,
                                     move_answer (*answer)(void*, const offset_move&)) noexcept;

  void walk_with(void* context, bool (*visit)(void*, const walked_range&)) const noexcept;
  void for_each_bin_with(void* context, bool (*visit)(void*, const offset_bin&)) const noexcept;

  // What broken_rule looks at.
  const char* broken_rule_of_header() const noexcept;
  const char* broken_rule_of_ranges() const noexcept;
  const char* broken_rule_of_range(std::uint32_t index) const noexcept;
  const char* broken_rule_of_bins() const noexcept;
  const char* broken_rule_of_bin(std::uint32_t bin, std::uint32_t& filed) const noexcept;
  const char* broken_rule_of_unused() const noexcept;

  offset_image* image_ = nullptr;  // made by the first request
  block metadata_block_;           // of `metadata_`; empty with a block of the user's
  memory metadata_;
  std::span<std::byte> user_block_;
  std::uint64_t first_;  // until there is an image
  std::uint64_t units_;
  std::uint64_t limit_;
  std::uint32_t max_scanned_;
};

}  // namespace ashlar
