// SPDX-License-Identifier: MIT
// What makes a class a manager, at compile time; and its table, made from its functions.
//
//     class my_manager : public manager {
//      public:
//       static constexpr const char* kind_name = "mine";
//       my_manager() : manager(ops_for<my_manager>, nullptr) {}
//       allocation allocate(layout, fit = fit::get_exact) noexcept;
//       void deallocate(block, std::size_t alignment) noexcept;
//       manager_usage usage() const noexcept;
//     };
//
// Every further function that the class declares becomes a capability. What all managers agree on:
//   * size 0 is served as 1: two live blocks never have the same address;
//   * a size above `max_size`: `too_large`; an alignment that is no power of two: `bad_alignment`;
//   * get_exact: the outcome's size is the size asked for; get_no_less: it is all usable bytes;
//   * deallocate takes the block back with any size from the one asked for to the usable one, and
//     ignores an empty block;
//   * a failed call has changed nothing.
#pragma once

#include <concepts>
#include <cstddef>

#include "ashlar/manager/manager.hpp"

namespace ashlar {

template <class M>
concept memory_manager = requires(M& m, const M& c, layout request, fit wanted, block b) {
  { m.allocate(request, wanted) }
  noexcept->std::same_as<allocation>;
  { m.deallocate(b, std::size_t{}) }
  noexcept;
  { c.usage() }
  noexcept->std::same_as<manager_usage>;
};

template <class M>
concept can_zero = requires(M& m, layout request, fit wanted) {
  { m.allocate_zeroed(request, wanted) }
  noexcept->std::same_as<allocation>;
};
template <class M>
concept can_resize = requires(M& m, block b, const resize& change) {
  { m.reallocate(b, std::size_t{}, change) }
  noexcept->std::same_as<allocation>;
};
template <class M>
concept can_own = requires(const M& m, const void* p) {
  { m.owns(p) }
  noexcept->std::same_as<bool>;
};
template <class M>
concept can_size = requires(M& m, const M& c, void* p) {
  { c.usable_size(p) }
  noexcept->std::same_as<std::size_t>;
  { m.deallocate(p) }
  noexcept;
};
template <class M>
concept can_free_all = requires(M& m) {
  { m.free_all() }
  noexcept;
};
template <class M>
concept can_rewind = requires(M& m, const M& c, mark place) {
  { c.here() }
  noexcept->std::same_as<mark>;
  { m.rewind(place) }
  noexcept;
};
template <class M>
concept can_walk = requires(M& m, block_visitor visitor) {
  { m.walk(visitor) }
  noexcept;
};
template <class M>
concept can_trim = requires(M& m) {
  { m.trim(std::size_t{}) }
  noexcept->std::same_as<std::size_t>;
};

/// The promises of a class: its `static constexpr capability promises`, none if it has none.
template <class M>
constexpr capability promises_of() {
  if constexpr (requires { M::promises; }) return M::promises;
  return capability::none;
}

/// All capabilities of a class.
template <class M>
constexpr capability capabilities_of() {
  capability all = promises_of<M>();
  if constexpr (can_zero<M>) all = all | capability::zero;
  if constexpr (can_resize<M>) all = all | capability::resize;
  if constexpr (can_own<M>) all = all | capability::own;
  if constexpr (can_size<M>) all = all | capability::size;
  if constexpr (can_free_all<M>) all = all | capability::free_all;
  if constexpr (can_rewind<M>) all = all | capability::rewind;
  if constexpr (can_walk<M>) all = all | capability::walk;
  if constexpr (can_trim<M>) all = all | capability::trim;
  return all;
}

/// Fills in a table. A function and not an initialiser, so that the class is complete when its
/// functions are looked for.
template <class M>
constexpr manager_ops make_ops() {
  static_assert(memory_manager<M>);
  manager_ops t{};
  t.kind = M::kind_name;
  t.can = capabilities_of<M>();
  t.allocate = [](manager& m, layout request, fit wanted) noexcept {
    return static_cast<M&>(m).allocate(request, wanted);
  };
  t.deallocate = [](manager& m, block b, std::size_t alignment) noexcept {
    static_cast<M&>(m).deallocate(b, alignment);
  };
  t.usage = [](const manager& m) noexcept { return static_cast<const M&>(m).usage(); };
  if constexpr (requires(M & m) { m.restart_peak(); })
    t.restart_peak = [](manager& m) noexcept { static_cast<M&>(m).restart_peak(); };
  if constexpr (can_zero<M>) {
    t.allocate_zeroed = [](manager& m, layout request, fit wanted) noexcept {
      return static_cast<M&>(m).allocate_zeroed(request, wanted);
    };
  }
  if constexpr (can_resize<M>) {
    t.reallocate = [](manager& m, block b, std::size_t alignment, const resize& change) noexcept {
      return static_cast<M&>(m).reallocate(b, alignment, change);
    };
  }
  if constexpr (can_own<M>) {
    t.owns = [](const manager& m, const void* p) noexcept {
      return static_cast<const M&>(m).owns(p);
    };
  }
  if constexpr (can_size<M>) {
    t.usable_size = [](const manager& m, const void* p) noexcept {
      return static_cast<const M&>(m).usable_size(p);
    };
    t.deallocate_unsized = [](manager& m, void* p) noexcept { static_cast<M&>(m).deallocate(p); };
  }
  if constexpr (can_free_all<M>)
    t.free_all = [](manager& m) noexcept { static_cast<M&>(m).free_all(); };
  if constexpr (can_rewind<M>) {
    t.here = [](const manager& m) noexcept { return static_cast<const M&>(m).here(); };
    t.rewind = [](manager& m, mark place) noexcept { static_cast<M&>(m).rewind(place); };
  }
  if constexpr (can_walk<M>)
    t.walk = [](manager& m, block_visitor visitor) noexcept { static_cast<M&>(m).walk(visitor); };
  if constexpr (can_trim<M>) {
    t.trim = [](manager& m, std::size_t keep) noexcept { return static_cast<M&>(m).trim(keep); };
  }
  return t;
}

/// The table of a class.
template <class M>
inline constexpr manager_ops ops_for = make_ops<M>();

}  // namespace ashlar
