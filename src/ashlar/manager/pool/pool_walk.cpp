// SPDX-License-Identifier: MIT
// What looks at all blocks of a pool: the walk, the check of the invariants, the end block by
// block.
//
// A slab knows only its free blocks, in the order of their return. So blocks are gone through in
// windows of a few thousand, with one bit each on the stack: nothing is allocated, whatever the
// size of the slab.
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/pool/pool_core.hpp"

namespace ashlar {

namespace {

const void* next_of(const void* free_block) { return look_at_next_free(free_block); }

/// One bit for each block from number `first` on.
class window {
 public:
  static constexpr std::uint32_t size = 4096;

  explicit window(std::uint32_t first) : first_(first) {}
  bool covers(std::uint32_t index) const { return index - first_ < size; }
  bool test(std::uint32_t index) const { return (word(index) >> (index % 64) & 1) != 0; }
  void set(std::uint32_t index) {
    bits_[(index - first_) / 64] |= std::uint64_t{1} << (index % 64);
  }

 private:
  std::uint64_t word(std::uint32_t index) const { return bits_[(index - first_) / 64]; }

  std::uint32_t first_;
  std::uint64_t bits_[size / 64] = {};
};

}  // namespace

template <class F>
bool pool_core::for_each_slab(F f) const {
  if (has_current() && !f(current())) return false;
  for (const slab_list* const list : {&full_, &partial_, &spare_})
    for (const pool_slab* slab = list->front(); slab != nullptr; slab = slab->next)
      if (!f(*slab)) return false;
  return true;
}

bool pool_core::walk(block_visitor visitor) const noexcept {
  return for_each_slab([&](const pool_slab& slab) { return walk_slab(slab, visitor); });
}

bool pool_core::walk_slab(const pool_slab& slab, block_visitor visitor) const noexcept {
  const std::uint32_t carved = carved_in(slab);
  std::byte* const base = at_address(address_of(&slab));
  for (std::uint32_t first = 0; first < carved; first += window::size) {
    window free_blocks(first);
    const void* b = free_in(slab);
    for (std::uint32_t seen = 0; b != nullptr && seen < carved; ++seen, b = next_of(b)) {
      const std::uint32_t index = shape_.index_of(address_of(b) - address_of(&slab));
      if (free_blocks.covers(index)) free_blocks.set(index);
    }
    for (std::uint32_t i = first; i < carved && free_blocks.covers(i); ++i) {
      if (free_blocks.test(i)) continue;
      if (!visitor({base + shape_.offset_of(i), shape_.block_size})) return false;
    }
  }
  return true;
}

// Counts a free list, whose blocks must start where blocks do, and must have been handed out.
bool pool_core::is_list_well(const pool_slab& slab, std::uint32_t& count) const noexcept {
  const std::uint32_t carved = carved_in(slab);
  for (const void* b = free_in(slab); b != nullptr; b = next_of(b)) {
    const std::uint32_t index =
        slab_of(b) == &slab ? shape_.index_of(address_of(b) - address_of(&slab)) : slab_shape::none;
    if (index >= carved) {
      report_fault(fault_kind::corruption, b);
      return false;
    }
    if (++count > carved) {  // a ring
      report_fault(fault_kind::double_free, b);
      return false;
    }
  }
  return true;
}

bool pool_core::is_slab_well(const pool_slab& slab, std::size_t& live) const noexcept {
  std::uint32_t count = 0;
  if (!is_list_well(slab, count)) return false;
  const std::uint32_t carved = carved_in(slab);
  const bool adds_up = is_current(slab) || slab.live == carved - count;
  if (slab.owner != this || carved > shape_.capacity || !adds_up) {
    report_fault(fault_kind::corruption, &slab);
    return false;
  }
  live += carved - count;
  return true;
}

bool pool_core::is_well() const noexcept {
  std::size_t live = 0;
  std::size_t slabs = 0;
  const bool is_each_well = for_each_slab([&](const pool_slab& slab) {
    ++slabs;
    return is_slab_well(slab, live);
  });
  if (!is_each_well) return false;
  if (slabs * shape_.slab_size == slab_bytes_ && live == live_blocks()) return true;
  report_fault(fault_kind::corruption, this);
  return false;
}

// --- the end, block by block ---------------------------------------------------------------------

// How all blocks of a pool end one by one, while those who are told put others of them back.
//
// Objects may own objects of the same pool, so ending one ends others: before their turn, or after
// it, when they must not end again. Slabs are taken out of the lists one by one, so that nothing is
// handed out of them any more, and kept until the last has been gone through: until then a pointer
// to any block tells whether it has ended. In the slab at hand a bit on the stack says so; what is
// put back meanwhile lies in front of the free list, and is noted before the next block's turn.
struct pool_core::ending {
  const slab_shape& shape;
  pool_slab* slab = nullptr;    // whose blocks are being ended
  const void* noted = nullptr;  // the free list from here on is in `ended`
  std::uint32_t first = 0;      // of the window; all blocks before it have ended
  window ended{0};
  slab_list done{};

  void begin_window(std::uint32_t index) {
    first = index;
    ended = window(index);
    noted = nullptr;
  }
  std::uint32_t index_of(const void* p) const {
    return shape.index_of(address_of(p) - address_of(slab));
  }
  void note_free() {
    const void* b = slab->free;
    // A list that a double put made a ring must not keep us for ever.
    for (std::uint32_t n = 0; b != noted && n < shape.capacity; ++n, b = look_at_next_free(b))
      if (const std::uint32_t index = index_of(b); ended.covers(index)) ended.set(index);
    noted = slab->free;
  }
};

void pool_core::free_each(block_visitor visitor) noexcept {
  if (is_freeing_each()) return;  // a visitor asks for what is being done
  ending now{.shape = shape_};
  ending_ = &now;
  for (;;) {
    leave_current();
    pool_slab* slab = full_.pop_front();
    if (slab == nullptr) slab = partial_.pop_front();
    if (slab == nullptr) break;
    end_blocks_of(*slab, now, visitor);
    now.done.push_front(*slab);
  }
  ending_ = nullptr;
  while (pool_slab* const slab = now.done.pop_front()) release(*slab);
  free_all();
}

void pool_core::end_blocks_of(pool_slab& slab, ending& now, block_visitor visitor) noexcept {
  std::byte* const base = at_address(address_of(&slab));
  now.slab = &slab;
  slab.live += ending_bias;
  for (std::uint32_t i = 0; i < slab.carved; ++i) {
    if (i % window::size == 0) now.begin_window(i);
    now.note_free();
    if (now.ended.test(i)) continue;
    now.ended.set(i);
    (void)visitor({base + shape_.offset_of(i), shape_.block_size});
    store_relaxed(puts_, puts_ + 1);
  }
  slab.live = 0;
  now.slab = nullptr;
}

// A slab without live blocks that has handed some out is done: a spare one starts afresh.
bool pool_core::has_ended(const void* p) const noexcept {
  const pool_slab* const slab = store_->find(p);
  if (!is_freeing_each() || slab == nullptr || slab->owner != this) return false;
  if (slab != ending_->slab) return slab->live == 0 && slab->carved != 0;
  const std::uint32_t index = ending_->index_of(p);
  if (index < ending_->first) return true;
  ending_->note_free();
  return ending_->ended.covers(index) && ending_->ended.test(index);
}

}  // namespace ashlar
