// SPDX-License-Identifier: MIT
// Every block comes zeroed; and, if that is wanted, nothing is left in memory that was freed.
//
//     zeroing<arena> m(arena_options{});
//     zeroing<memory, wipe::when_freed> secrets(current());
//
// Growing a block zeroes what is new. With `wipe::when_freed`, bytes are overwritten with zeroes
// before a block is freed or moved away from, in a way that the compiler keeps; of a part that
// cannot tell sizes, blocks are taken to the byte, so that nothing usable is forgotten.
// Can do: what the part can, and zero. With `wipe::when_freed`, neither free all nor rewind, which
// would leave contents behind; blocks then shrink by moving only, and of a part that is LIFO only
// they do not resize. Free every block before the manager ends: what still lives is not wiped.
// Threads: as the part. Cost: the zeroing; parts that know their memory to be zero spare it.
#pragma once

#include "ashlar/hardening/fault_watch.hpp"
#include "ashlar/manager/composed.hpp"

namespace ashlar {

enum class wipe : unsigned char {
  never,
  when_freed,  ///< for secrets
};

/// Overwrites `size` bytes with zeroes, even if nobody reads them any more.
inline void wipe_memory(void* data, std::size_t size) noexcept {
  std::memset(data, 0, size);
  asm volatile("" : : "r"(data) : "memory");
}

constexpr capability zeroing_rule(capability inner, wipe when) {
  const capability all = (inner & (all_deeds | all_promises)) | capability::zero;
  if (when == wipe::never) return all;
  const capability lost = has(inner, capability::lifo_only) ? capability::resize : capability::none;
  return without(all, capability::free_all | capability::rewind | lost);
}

template <part_type Part, wipe When = wipe::never>
class zeroing : public wrapper<zeroing<Part, When>, Part> {
  using base = wrapper<zeroing, Part>;
  using base::part_;

 public:
  static constexpr const char* kind_name = "zeroing";
  static constexpr capability can_do = zeroing_rule(part<Part>::can, When);
  static constexpr capability promises = can_do & all_promises;

  constexpr zeroing() noexcept { start(nullptr); }
  /// Made from what makes the part (part.hpp): its options, a function that returns it, a manager
  /// to refer to, a handle. `name`: in the registry; outlives this.
  template <class From>
  explicit constexpr zeroing(From&& from, const char* name = nullptr) noexcept
      : base(std::forward<From>(from)) {
    start(name);
  }
  ~zeroing() { this->leave_registry(manager::parting::silent); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    return zeroed_from(part_.get(), request, fit_for(wanted));
  }
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept {
    return allocate(request, wanted);
  }
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    wipe_and_free(b, [&] { part_.get().deallocate(b, alignment); });
  }
  void deallocate(void* p) noexcept requires(has(can_do, capability::size)) {
    wipe_and_free({p, 0}, [&] { take_back_unsized(part_.get(), p); });
  }

  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
    if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
    resize first = change;
    first.wanted = fit_for(change.wanted);
    if constexpr (When == wipe::when_freed) {
      // Neither a part that moves the block nor one that cuts it would wipe what it leaves, and to
      // wipe before would be too early: the part may refuse.
      first.may_move = false;
      if (change.size < b.size) return move_or_not(b, alignment, change);
    }
    const fault_watch watch;
    const allocation a = resized_by(part_.get(), b, alignment, first);
    if (!a && (When == wipe::never || watch.saw_one())) return a;
    if (!a) return move_or_not(b, alignment, change);
    const std::size_t moved = b.size < change.used ? b.size : change.used;
    const std::size_t kept = a.data() == b.data ? b.size : moved;
    if (a.size() > kept) std::memset(static_cast<std::byte*>(a.data()) + kept, 0, a.size() - kept);
    return a;
  }

 private:
  constexpr void start(const char* name) noexcept {
    base::begin(zeroing_rule(part_.can_now(), When), part_.upstream(), name);
  }

  bool tells_sizes() const noexcept { return this->part_has(capability::size); }
  fit fit_for(fit wanted) const noexcept {
    return When == wipe::never || tells_sizes() ? wanted : fit::get_exact;
  }

  std::size_t whole_size(block b) const noexcept {
    if constexpr (has(can_do, capability::size)) {
      const fault_silence until_it_is_freed;
      if (tells_sizes()) return part_.get().usable_size(b.data);
    }
    return b.size;
  }

  // What free blocks hold of their manager, at their start: links of a list.
  static constexpr std::size_t link_bytes = 16;

  // The part has the block last, for then it may be another thread's. So what is wiped has to be
  // the part's as far as that can tell; and if it refuses the block, which may be free and in one
  // of its lists, the links are what they were.
  template <class Free>
  void wipe_and_free(block b, Free free) noexcept {
    const std::size_t size = When == wipe::when_freed && is_ours(b) ? whole_size(b) : 0;
    if (size == 0) return free();
    std::byte links[link_bytes];
    const std::size_t kept = smaller(size, link_bytes);
    std::memcpy(links, b.data, kept);
    wipe_memory(b.data, size);
    const fault_watch watch;
    free();
    if (watch.saw_one()) std::memcpy(b.data, links, kept);
    wipe_memory(links, kept);
  }

  bool is_ours(block b) const noexcept {
    if (b.data == nullptr) return false;
    if constexpr (has(can_do, capability::own))
      if (this->part_has(capability::own)) return part_.get().owns(b.data);
    return true;
  }

  allocation move_or_not(block b, std::size_t alignment, const resize& change) noexcept {
    return change.may_move ? base::move_block(*this, b, alignment, change)
                           : allocation::failed(status::unsupported);
  }
};

}  // namespace ashlar
