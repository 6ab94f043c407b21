// SPDX-License-Identifier: MIT
// One manager per range of sizes: each sees requests of one size only.
//
//     bucketize<pool, 16, 32, 64, 128> m([](std::size_t size) { return pool({size, 16}); });
//
// A request is rounded up to the smallest of `Bounds` that it fits; larger ones are refused as
// `unsupported`, so this is the small side of a segregator, or the primary of a fallback. Blocks go
// back by their size, and stay in their bucket when they are resized within it.
// Can do: resize; zero, own, free all, walk, trim if the parts can; size if they own and can.
// Threads: as the parts. Cost: one comparison per bucket. A refusal for want of memory says nothing
// of the other buckets: `would_fit` is 0. Faults: size_mismatch for a block of a size that no
// bucket has; invalid_free for one without a size that no part owns.
#pragma once

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/composed.hpp"

namespace ashlar {

constexpr capability bucketize_rule(capability inner) {
  const capability kept = inner & (capability::zero | capability::own | capability::free_all |
                                   capability::walk | capability::trim | all_promises);
  const bool sizes = has(inner, capability::own | capability::size);
  return kept | capability::resize | (sizes ? capability::size : capability::none);
}

/// Whether each number is larger than the one before, and the first than 0.
template <std::size_t... Bounds>
constexpr bool are_rising() {
  std::size_t last = 0;
  bool all = sizeof...(Bounds) != 0;
  ((all = all && Bounds > last, last = Bounds), ...);
  return all;
}

template <part_type Part, std::size_t... Bounds>
class bucketize : public composed<bucketize<Part, Bounds...>, Part> {
  using base = composed<bucketize, Part>;
  static constexpr std::size_t count = sizeof...(Bounds);
  static constexpr std::size_t bounds[] = {Bounds...};

 public:
  static constexpr const char* kind_name = "bucketize";
  static constexpr capability can_do = bucketize_rule(part<Part>::can);
  static constexpr capability promises = can_do & all_promises;

  static_assert(are_rising<Bounds...>(), "the bounds must rise from 1 at least");

  /// Each part is made from `make(bound)`.
  template <class Make>
  explicit bucketize(Make make, const char* name = nullptr) noexcept
      : parts_{made(make, Bounds)...} {
    base::begin(bucketize_rule(can_all_now()), parts_[0].upstream(), name);
  }
  ~bucketize() { this->leave_registry(manager::parting::silent); }

  auto& bucket(std::size_t index) { return parts_[index].get(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    const std::size_t i = index_for(request.size);
    if (i == count) return refusal_of(request);
    return cut(parts_[i].get().allocate({bounds[i], request.alignment}, fit::get_exact),
               request.size, wanted);
  }
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    const std::size_t i = index_for(request.size);
    if (i == count) return refusal_of(request);
    return cut(parts_[i].get().allocate_zeroed({bounds[i], request.alignment}, fit::get_exact),
               request.size, wanted);
  }
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    if (b.data == nullptr) return;
    const std::size_t i = index_for(b.size);
    if (i == count) return report_fault(fault_kind::size_mismatch, b.data);
    parts_[i].get().deallocate({b.data, bounds[i]}, alignment);
  }

  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept {
    if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
    if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
    const std::size_t i = index_for(change.size);
    if (i == count) return refusal_of({change.size, alignment});
    if (i == index_for(b.size))
      return cut(allocation::of(b.data, bounds[i]), change.size, change.wanted);
    return change.may_move ? base::move_block(*this, b, alignment, change)
                           : allocation::failed(status::unsupported);
  }

  bool owns(const void* p) const noexcept requires(has(can_do, capability::own)) {
    return owner_of(p) != count;
  }
  std::size_t usable_size(const void* p) const noexcept requires(has(can_do, capability::size)) {
    const std::size_t i = owner_of(p);
    return i != count ? bounds[i] : 0;
  }
  /// Fault: invalid_free, if no bucket owns it.
  void deallocate(void* p) noexcept requires(has(can_do, capability::size)) {
    if (p == nullptr) return;
    const std::size_t i = owner_of(p);
    if (i == count) return report_fault(fault_kind::invalid_free, p);
    take_back_unsized(parts_[i].get(), p);
  }
  void free_all() noexcept requires(has(can_do, capability::free_all)) {
    this->inner_blocks_ended();
    for (auto& one : parts_) one.get().free_all();
  }
  void walk(block_visitor visitor) noexcept requires(has(can_do, capability::walk)) {
    walk_over_parts all{visitor};
    for (auto& one : parts_)
      if (all.goes_on) one.get().walk(all.visitor());
  }
  /// `keep` counts for each bucket.
  std::size_t trim(std::size_t keep = 0) noexcept requires(has(can_do, capability::trim)) {
    std::size_t sum = 0;
    for (auto& one : parts_) sum += one.get().trim(keep);
    return sum;
  }
  manager_usage usage() const noexcept {
    manager_usage sum = parts_[0].usage();
    for (std::size_t i = 1; i < count; ++i) sum = sum_of(sum, parts_[i].usage());
    return sum;
  }

 private:
  // A manager that is held is made in place, also by a function that returns it.
  template <class Make>
  static part<Part> made(Make& make, std::size_t bound) {
    if constexpr (std::derived_from<Part, manager>)
      return part<Part>([&make, bound]() -> decltype(auto) { return make(bound); });
    else
      return part<Part>(make(bound));
  }

  // Handles may stand for managers that differ.
  capability can_all_now() const noexcept {
    capability all = parts_[0].can_now();
    capability any = all;
    for (const part<Part>& one : parts_) {
      all = all & one.can_now();
      any = any | one.can_now();
    }
    return all | (any & capability::lifo_only);
  }

  static constexpr std::size_t index_for(std::size_t size) {
    std::size_t i = 0;
    while (i < count && size > bounds[i]) ++i;
    return i;
  }

  std::size_t owner_of(const void* p) const noexcept {
    std::size_t i = 0;
    while (i < count && !parts_[i].get().owns(p)) ++i;
    return i;
  }

  static allocation refusal_of(layout request) noexcept {
    const status why = fault_of(request);
    return allocation::failed(why != status::success ? why : status::unsupported);
  }

  static allocation cut(allocation a, std::size_t size, fit wanted) noexcept {
    if (!a) return allocation::failed(a.reason());
    return wanted == fit::get_exact ? allocation::of(a.data(), size) : a;
  }

  part<Part> parts_[count];
};

}  // namespace ashlar
