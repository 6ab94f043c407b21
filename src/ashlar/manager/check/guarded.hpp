// SPDX-License-Identifier: MIT
// Checks that are chosen when compiling: all of them, or a type that was never touched.
//
//     constexpr auto wanted = is_debug_build ? ashlar::checks::all : ashlar::checks::none;
//     ashlar::guarded<ashlar::pool, wanted> nodes(layout{24, 8});
//     ashlar::vector<int> numbers(nodes);
//
// With `none` it is the manager itself. With `all` it is a debug manager (debug_manager.hpp) over
// one, made from the same arguments: code that compiles both ways uses what all managers have, and
// `guarded()` is the manager inside. A manager of one size (its first argument is a `layout`) is
// made for blocks with room for headers and guards: `debug_manager::whole_of`. For a choice at run
// time, put a debug_manager around a handle. Threads, cost: as the manager; with `all` as the debug
// manager.
#pragma once

#include <concepts>
#include <utility>

#include "ashlar/manager/check/debug_manager.hpp"

namespace ashlar {

enum class checks : unsigned char { none, all };

namespace detail {

// Before the debug manager, so that it lives longer.
template <class M>
struct guarded_part {
  template <class... Arguments>
  explicit guarded_part(Arguments&&... arguments)
      : guarded_(std::forward<Arguments>(arguments)...) {}
  M guarded_;
};

}  // namespace detail

/// A manager `M`, made from the arguments of its constructor, and a debug manager around it.
template <class M>
class guarded_manager : private detail::guarded_part<M>, public debug_manager {
 public:
  template <class... Arguments>
  explicit guarded_manager(Arguments&&... arguments)
      : detail::guarded_part<M>(std::forward<Arguments>(arguments)...),
        debug_manager(detail::guarded_part<M>::guarded_) {}
  template <class... Arguments>
  requires std::constructible_from<M, layout, Arguments...>
  explicit guarded_manager(layout block, Arguments&&... arguments)
      : detail::guarded_part<M>(debug_manager::whole_of(block),
                                std::forward<Arguments>(arguments)...),
        debug_manager(detail::guarded_part<M>::guarded_) {}

  M& guarded() { return detail::guarded_part<M>::guarded_; }
};

template <class M, checks Wanted>
struct choose_guarded {
  using type = guarded_manager<M>;
};
template <class M>
struct choose_guarded<M, checks::none> {
  using type = M;
};

/// `M` itself, or with all checks around it.
template <class M, checks Wanted>
using guarded = typename choose_guarded<M, Wanted>::type;

}  // namespace ashlar
