// SPDX-License-Identifier: MIT
// How all blocks of a pool end one by one, while those who are told put others of them back.
//
// Objects may own objects of the same pool, so ending one ends others: before their turn, or after
// it, when they must not end again. Slabs are taken out of the lists one by one, so that nothing is
// handed out of them any more, and kept until the last has been gone through: until then a pointer
// to any block tells whether it has ended. In the slab at hand a bit on the stack says so; what is
// put back meanwhile lies in front of the free list, and is noted before the next block's turn.
#include "ashlar/manager/pool/block_window.hpp"
#include "ashlar/manager/pool/pool_core.hpp"

namespace ashlar {

struct pool_core::ending {
  const slab_shape& shape;
  pool_slab* slab = nullptr;    // whose blocks are being ended
  const void* noted = nullptr;  // the free list from here on is in `ended`
  std::uint32_t first = 0;      // of the window; all blocks before it have ended
  detail::block_window ended{0};
  slab_list done{};

  void begin_window(std::uint32_t index) {
    first = index;
    ended = detail::block_window(index);
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
    settle();
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
    if (i % detail::block_window::size == 0) now.begin_window(i);
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
