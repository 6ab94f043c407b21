// SPDX-License-Identifier: MIT
// Blocks that lie on multiples of `Alignment` and share none of those units with another block.
//
//     aligned<64, memory> lines(current());   // no two blocks share a cache line
//
// For what threads write next to each other, and for devices that want whole units. Alignments are
// raised to `Alignment`, a power of two; sizes are rounded up to multiples of it. Bytes behind the
// size asked for are usable with get_no_less alone.
// Can do: what the part can. Threads: as the part. Cost: an addition.
#pragma once

#include "ashlar/manager/composed.hpp"

namespace ashlar {

constexpr capability aligned_rule(capability inner) { return inner & (all_deeds | all_promises); }

template <std::size_t Alignment, part_type Part>
class aligned : public wrapper<aligned<Alignment, Part>, Part> {
  using base = wrapper<aligned, Part>;
  using base::part_;
  static_assert(is_power_of_two(Alignment));

 public:
  static constexpr const char* kind_name = "aligned";
  static constexpr capability can_do = aligned_rule(part<Part>::can);
  static constexpr capability promises = can_do & all_promises;

  constexpr aligned() noexcept { start(nullptr); }
  /// Made from what makes the part (part.hpp): its options, a function that returns it, a manager
  /// to refer to, a handle. `name`: in the registry; outlives this.
  template <class From>
  explicit constexpr aligned(From&& from, const char* name = nullptr) noexcept
      : base(std::forward<From>(from)) {
    start(name);
  }
  ~aligned() { this->leave_registry(manager::parting::silent); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    if (const status why = fault_of(request); why != status::success)
      return allocation::failed(why);
    return cut(part_.get().allocate(raised(request), wanted), request.size, wanted);
  }
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    if (const status why = fault_of(request); why != status::success)
      return allocation::failed(why);
    return cut(part_.get().allocate_zeroed(raised(request), wanted), request.size, wanted);
  }
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    const layout whole = raised({b.size, alignment});
    part_.get().deallocate({b.data, whole.size}, whole.alignment);
  }
  void deallocate(void* p) noexcept requires(has(can_do, capability::size)) {
    take_back_unsized(part_.get(), p);
  }

  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
    if (const status why = fault_of({change.size, alignment}); why != status::success)
      return allocation::failed(why);
    const layout before = raised({b.size, alignment});
    resize whole = change;
    whole.size = raised({change.size, alignment}).size;
    // Less than a unit more is not told of.
    if (change.most <= max_size) whole.most = align_down(change.most, Alignment) + (Alignment - 1);
    return cut(part_.get().reallocate({b.data, before.size}, before.alignment, whole), change.size,
               change.wanted);
  }

  std::size_t usable_size(const void* p) const noexcept requires(has(can_do, capability::size)) {
    return align_down(part_.get().usable_size(p), Alignment);
  }

 private:
  constexpr void start(const char* name) noexcept {
    base::begin(aligned_rule(part_.can_now()), part_.upstream(), name);
  }

  // A size above max_size - Alignment becomes one above max_size, which the part refuses.
  static constexpr layout raised(layout request) {
    return {align_up(at_least_one(request.size), Alignment),
            request.alignment < Alignment ? Alignment : request.alignment};
  }

  // Only whole units are told of, so that the size that comes back rounds to the one that was
  // taken or to a usable one.
  static constexpr allocation cut(allocation a, std::size_t size, fit wanted) {
    if (!a) {
      return a.reason() == status::not_enough_memory
                 ? allocation::failed(a.reason(), align_down(a.would_fit(), Alignment))
                 : a;
    }
    return allocation::of(a.data(),
                          wanted == fit::get_exact ? size : align_down(a.size(), Alignment));
  }
};

}  // namespace ashlar
