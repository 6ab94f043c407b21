// SPDX-License-Identifier: MIT
// Two managers, chosen by size: up to `Threshold` bytes the small one, above it the large one.
//
//     segregate<256, buckets, memory> m(bucket_options{}, current());
//
// A block goes back by its size; so a small block never tells more than `Threshold` usable bytes,
// whatever the small manager gave. Neither stands in for the other when it has no memory: put a
// fallback in, where that is wanted. So what a refusal says would fit, it says of the side that was
// asked.
// Can do: zero, resize, trim if either can; own, free all, walk if both can; size if both can and
// the small one owns. It is bounded, thread-safe and free of charge to free if both are, LIFO only
// if either is. It cannot rewind. Threads: as the parts. Cost: a comparison.
#pragma once

#include "ashlar/hardening/fault_watch.hpp"
#include "ashlar/manager/composed.hpp"

namespace ashlar {

constexpr capability segregate_rule(capability small, capability large) {
  const capability both =
      in_all(capability::own | capability::size | capability::free_all | capability::walk |
                 capability::no_op_deallocate | capability::thread_safe | capability::bounded |
                 capability::serves_new,
             small, large);
  const capability unsized = has(small, capability::own) ? capability::none : capability::size;
  return in_any(capability::zero | capability::resize | capability::trim | capability::lifo_only,
                small, large) |
         without(both, unsized);
}

template <std::size_t Threshold, part_type Small, part_type Large>
class segregate : public composed<segregate<Threshold, Small, Large>, Small, Large> {
  using base = composed<segregate, Small, Large>;

 public:
  static constexpr const char* kind_name = "segregate";
  static constexpr capability can_do = segregate_rule(part<Small>::can, part<Large>::can);
  static constexpr capability promises = can_do & all_promises;
  static_assert(Threshold > 0 && Threshold <= max_size);

  constexpr segregate() noexcept { start(nullptr); }
  /// Each part is made from what makes it (part.hpp): its options, a function that returns it, a
  /// manager to refer to, a handle. Without the second: that is made from nothing.
  template <class First>
  explicit segregate(First&& small, const char* name = nullptr) noexcept
      : small_(std::forward<First>(small)) {
    start(name);
  }
  template <class First, class Second>
  requires(!std::convertible_to<Second, const char*>)
      segregate(First&& small, Second&& large, const char* name = nullptr)
  noexcept : small_(std::forward<First>(small)), large_(std::forward<Second>(large)) {
    start(name);
  }
  ~segregate() { this->leave_registry(manager::parting::silent); }

  auto& small() { return small_.get(); }
  auto& large() { return large_.get(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    return is_small(request.size) ? cut(small_.get().allocate(request, wanted))
                                  : large_.get().allocate(request, wanted);
  }

  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    return is_small(request.size) ? cut(zeroed_from(small_.get(), request, wanted))
                                  : zeroed_from(large_.get(), request, wanted);
  }

  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    if (is_small(b.size))
      small_.get().deallocate(b, alignment);
    else
      large_.get().deallocate(b, alignment);
  }

  /// Across the threshold a block has to move, shrinking too.
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
    if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
    const fault_watch watch;
    allocation a = allocation::failed(status::unsupported);
    resize to_small = change;
    if (change.most >= Threshold) to_small.most = resize::all;  // what is more is not told of
    if (is_small(b.size) && is_small(change.size))
      a = cut(resized_by(small_.get(), b, alignment, to_small));
    else if (!is_small(b.size) && !is_small(change.size))
      a = resized_by(large_.get(), b, alignment, change);
    return a || !change.may_move || a.reason() != status::unsupported || watch.saw_one()
               ? a
               : base::move_block(*this, b, alignment, change);
  }

  bool owns(const void* p) const noexcept requires(has(can_do, capability::own)) {
    return small_.get().owns(p) || large_.get().owns(p);
  }
  std::size_t usable_size(const void* p) const noexcept requires(has(can_do, capability::size)) {
    if (!small_.get().owns(p)) return large_.get().usable_size(p);
    const std::size_t size = small_.get().usable_size(p);
    return size < Threshold ? size : Threshold;
  }
  void deallocate(void* p) noexcept requires(has(can_do, capability::size)) {
    if (small_.get().owns(p))
      take_back_unsized(small_.get(), p);
    else
      take_back_unsized(large_.get(), p);
  }
  void free_all() noexcept requires(has(can_do, capability::free_all)) {
    this->inner_blocks_ended();
    small_.get().free_all();
    large_.get().free_all();
  }
  void walk(block_visitor visitor) noexcept requires(has(can_do, capability::walk)) {
    walk_over_parts both{visitor};
    small_.get().walk(both.visitor());
    if (both.goes_on) large_.get().walk(both.visitor());
  }
  /// `keep` counts for the small manager; the large one keeps nothing.
  std::size_t trim(std::size_t keep = 0) noexcept requires(has(can_do, capability::trim)) {
    return trim_of(large_.get(), 0) + trim_of(small_.get(), keep);
  }
  manager_usage usage() const noexcept { return sum_of(small_.usage(), large_.usage()); }

 private:
  static constexpr bool is_small(std::size_t size) { return size <= Threshold; }

  static constexpr allocation cut(allocation a) {
    return a.size() > Threshold ? allocation::of(a.data(), Threshold) : a;
  }

  constexpr void start(const char* name) noexcept {
    base::begin(segregate_rule(small_.can_now(), large_.can_now()), large_.upstream(), name);
  }

  part<Small> small_;
  part<Large> large_;
};

}  // namespace ashlar
