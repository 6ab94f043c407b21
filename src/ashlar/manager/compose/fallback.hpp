// SPDX-License-Identifier: MIT
// Two managers, the second for what the first cannot serve.
//
//     fallback<arena, memory> m(arena_options{.kind = backing::fixed, .buffer = bytes}, current());
//
// A block goes back to where it came from: to the primary if that owns it, else to the secondary.
// So the primary must tell its memory from others'; one that cannot does not compile, and a handle
// that cannot is refused when the composition is made.
// A block that its own part cannot resize moves to the first part that has room; what lies in the
// secondary does not come back by itself.
// Can do: zero, resize, trim if either can; own, size, free all, walk if both can. It is bounded,
// thread-safe and free of charge to free if both are, LIFO only if either is. It cannot rewind.
// Threads: as the parts. Cost: a question to the primary for each block that goes back.
#pragma once

#include "ashlar/hardening/fault_watch.hpp"
#include "ashlar/manager/composed.hpp"

namespace ashlar {

constexpr capability fallback_rule(capability primary, capability secondary) {
  return in_any(capability::zero | capability::resize | capability::trim | capability::lifo_only,
                primary, secondary) |
         in_all(capability::own | capability::size | capability::free_all | capability::walk |
                    capability::no_op_deallocate | capability::thread_safe | capability::bounded |
                    capability::serves_new,
                primary, secondary);
}

template <part_type Primary, part_type Secondary>
class fallback : public composed<fallback<Primary, Secondary>, Primary, Secondary> {
  using base = composed<fallback, Primary, Secondary>;

 public:
  static constexpr const char* kind_name = "fallback";
  static constexpr capability can_do = fallback_rule(part<Primary>::can, part<Secondary>::can);
  static constexpr capability promises = can_do & all_promises;
  static_assert(has(part<Primary>::can, capability::own), "the primary must know what it owns");

  constexpr fallback() noexcept { start(nullptr); }
  /// Each part is made from what makes it (part.hpp): its options, a function that returns it, a
  /// manager to refer to, a handle. Without the second: that is made from nothing.
  template <class First>
  explicit fallback(First&& primary, const char* name = nullptr) noexcept
      : primary_(std::forward<First>(primary)) {
    start(name);
  }
  template <class First, class Second>
  requires(!std::convertible_to<Second, const char*>)
      fallback(First&& primary, Second&& secondary, const char* name = nullptr)
  noexcept : primary_(std::forward<First>(primary)), secondary_(std::forward<Second>(secondary)) {
    start(name);
  }
  ~fallback() { this->leave_registry(manager::parting::silent); }

  auto& primary() { return primary_.get(); }
  auto& secondary() { return secondary_.get(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    const allocation first = primary_.get().allocate(request, wanted);
    if (first) return first;
    const allocation second = secondary_.get().allocate(request, wanted);
    return second ? second : joint_refusal(first, second);
  }

  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    const allocation first = zeroed_from(primary_.get(), request, wanted);
    if (first) return first;
    const allocation second = zeroed_from(secondary_.get(), request, wanted);
    return second ? second : joint_refusal(first, second);
  }

  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    if (primary_.get().owns(b.data))
      primary_.get().deallocate(b, alignment);
    else
      secondary_.get().deallocate(b, alignment);
  }

  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
    if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
    const fault_watch watch;
    const allocation a = primary_.get().owns(b.data)
                             ? resized_by(primary_.get(), b, alignment, change)
                             : resized_by(secondary_.get(), b, alignment, change);
    return a || !change.may_move || watch.saw_one() ? a
                                                    : base::move_block(*this, b, alignment, change);
  }

  bool owns(const void* p) const noexcept requires(has(can_do, capability::own)) {
    return primary_.get().owns(p) || secondary_.get().owns(p);
  }
  std::size_t usable_size(const void* p) const noexcept requires(has(can_do, capability::size)) {
    return primary_.get().owns(p) ? primary_.get().usable_size(p) : secondary_.get().usable_size(p);
  }
  void deallocate(void* p) noexcept requires(has(can_do, capability::size)) {
    if (primary_.get().owns(p))
      take_back_unsized(primary_.get(), p);
    else
      take_back_unsized(secondary_.get(), p);
  }
  void free_all() noexcept requires(has(can_do, capability::free_all)) {
    this->inner_blocks_ended();
    primary_.get().free_all();
    secondary_.get().free_all();
  }
  void walk(block_visitor visitor) noexcept requires(has(can_do, capability::walk)) {
    walk_over_parts both{visitor};
    primary_.get().walk(both.visitor());
    if (both.goes_on) secondary_.get().walk(both.visitor());
  }
  /// `keep` counts for the primary; the secondary keeps nothing.
  std::size_t trim(std::size_t keep = 0) noexcept requires(has(can_do, capability::trim)) {
    return trim_of(secondary_.get(), 0) + trim_of(primary_.get(), keep);
  }
  manager_usage usage() const noexcept { return sum_of(primary_.usage(), secondary_.usage()); }

 private:
  constexpr void start(const char* name) noexcept {
    ASHLAR_CHECK(has(primary_.can_now(), capability::own));
    // The secondary is the one that reaches further.
    base::begin(fallback_rule(primary_.can_now(), secondary_.can_now()), secondary_.upstream(),
                name);
  }

  part<Primary> primary_;
  part<Secondary> secondary_;
};

}  // namespace ashlar
