// SPDX-License-Identifier: MIT
// What managers made of managers have in common: what a composition of your own derives from. The
// shortest one to go by is check/fail_on_nth.hpp.
//
// A composition says in one function, its rule, what it can do, given what its parts can do. The
// rule is applied twice. At compile time it decides which functions the class declares (each has a
// `requires` that asks it); so what the parts cannot do is not there. If a part is a handle, it is
// applied again when the composition is made: such a manager has a table of its own, in which the
// entries that the handle cannot serve are null. So run-time capabilities are always the true ones.
//
// Figures are the sums of those of the parts held by value. A part that lives elsewhere may serve
// others too, so with one of these the figures are unknown; `limited` counts by itself.
#pragma once

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/part.hpp"

namespace ashlar {

/// Returns `table` reduced to the capabilities `now`.
constexpr manager_ops reduced(manager_ops table, capability now) {
  table.can = now;
  if (!has(now, capability::zero)) table.allocate_zeroed = nullptr;
  if (!has(now, capability::resize)) table.reallocate = nullptr;
  if (!has(now, capability::own)) table.owns = nullptr;
  if (!has(now, capability::size)) {
    table.usable_size = nullptr;
    table.deallocate_unsized = nullptr;
  }
  if (!has(now, capability::free_all)) table.free_all = nullptr;
  if (!has(now, capability::rewind)) {
    table.here = nullptr;
    table.rewind = nullptr;
  }
  if (!has(now, capability::walk)) table.walk = nullptr;
  if (!has(now, capability::trim)) table.trim = nullptr;
  return table;
}

/// Which of the capabilities `wanted` are in all of the sets, or in any.
constexpr capability in_all(capability wanted, capability a, capability b) {
  return wanted & a & b;
}
constexpr capability in_any(capability wanted, capability a, capability b) {
  return wanted & (a | b);
}
constexpr capability without(capability set, capability unwanted) {
  return static_cast<capability>(static_cast<std::uint32_t>(set) &
                                 ~static_cast<std::uint32_t>(unwanted));
}

constexpr manager_usage sum_of(const manager_usage& a, const manager_usage& b) {
  const auto sum = [](std::size_t x, std::size_t y) {
    return x == manager_usage::unknown || y == manager_usage::unknown ? manager_usage::unknown
                                                                      : x + y;
  };
  // Peaks at different times are no peak of the sum.
  return {.used = sum(a.used, b.used),
          .held = sum(a.held, b.held),
          .limit = sum(a.limit, b.limit),
          .live_blocks = sum(a.live_blocks, b.live_blocks)};
}

/// Of two refusals by managers that were both asked, the one to hand on. What would fit is known
/// only if both know it.
constexpr allocation joint_refusal(allocation first, allocation second) {
  const auto knows = [](allocation a) { return a.reason() == status::not_enough_memory; };
  const auto lacks = [](allocation a) {
    return a.reason() == status::no_memory || a.reason() == status::over_budget;
  };
  if (knows(first) && knows(second)) return first.would_fit() > second.would_fit() ? first : second;
  if (knows(first) && !lacks(second)) return first;  // the second cannot at all
  return lacks(first) && knows(second) ? first : second;
}

/// A visitor that remembers whether the visit was ended, so that it can be taken to a second part.
struct walk_over_parts {
  block_visitor to;
  bool goes_on = true;

  block_visitor visitor() {
    return {this, [](void* self, const walked_block& found) {
              auto& walk = *static_cast<walk_over_parts*>(self);
              return walk.goes_on = walk.to(found);
            }};
  }
};

/// The base of a composition `Self` of `Parts`.
template <class Self, class... Parts>
class composed : public manager {
 public:
  static constexpr bool has_erased_parts = (is_erased<Parts>() || ...);

 protected:
  constexpr composed() noexcept : manager(first_table(*this), nullptr) {}

  /// Called once the parts exist: what they can do now, where their memory comes from, and the name
  /// of the whole.
  constexpr void begin([[maybe_unused]] capability now, manager* upstream,
                       const char* name) noexcept {
    if constexpr (has_erased_parts) table_ = reduced(ops_for<Self>, now);
    set_upstream(upstream);
    if (name != nullptr) join_registry(name);
  }

  /// Resizes by moving, for whom no part could.
  static allocation move_block(Self& self, block b, std::size_t alignment,
                               const resize& change) noexcept {
    // Where the last block must be freed first, the old one could not go after the new one came.
    if (self.can_now(capability::lifo_only)) return allocation::failed(status::unsupported);
    return moved_by(self, b, alignment, change);
  }

  bool can_now(capability wanted) const { return has(ops().can, wanted); }

 private:
  struct nothing {};

  static constexpr const manager_ops& first_table(composed& self) {
    if constexpr (has_erased_parts)
      return self.table_;
    else
      return ops_for<Self>;
  }

  [[no_unique_address]] std::conditional_t<has_erased_parts, manager_ops, nothing> table_{};
};

/// The base of a composition of one part, with every function that only asks the part.
template <class Self, class Part>
class wrapper : public composed<Self, Part> {
 public:
  constexpr auto& inner() { return part_.get(); }

  bool owns(const void* p) const noexcept requires(has(Self::can_do, capability::own)) {
    return part_.get().owns(p);
  }
  std::size_t usable_size(const void* p) const noexcept
      requires(has(Self::can_do, capability::size)) {
    return part_.get().usable_size(p);
  }
  void free_all() noexcept requires(has(Self::can_do, capability::free_all)) {
    this->inner_blocks_ended();
    part_.get().free_all();
  }
  mark here() const noexcept requires(has(Self::can_do, capability::rewind)) {
    return part_.get().here();
  }
  void rewind(mark place) noexcept requires(has(Self::can_do, capability::rewind)) {
    part_.get().rewind(place);
  }
  void walk(block_visitor visitor) noexcept requires(has(Self::can_do, capability::walk)) {
    part_.get().walk(visitor);
  }
  std::size_t trim(std::size_t keep = 0) noexcept requires(has(Self::can_do, capability::trim)) {
    return part_.get().trim(keep);
  }
  manager_usage usage() const noexcept { return part_.usage(); }

 protected:
  constexpr wrapper() noexcept = default;
  template <class From>
  explicit constexpr wrapper(From&& from) noexcept : part_(std::forward<From>(from)) {}

  /// Whether the part has a capability; the compiler knows, unless there is a handle in it.
  constexpr bool part_has(capability wanted) const {
    if constexpr (is_erased<Part>())
      return has(part_.can_now(), wanted);
    else
      return has(part<Part>::can, wanted);
  }

  part<Part> part_;
};

}  // namespace ashlar
