// SPDX-License-Identifier: MIT
// Managers that end while blocks of theirs live: said at that moment, with the blocks.
//
//     ashlar::set_unreleased_policy(ashlar::unreleased_policy::report);
//     { ashlar::pool nodes({24, 8}, {.name = "nodes"}); nodes.allocate({24, 8}); }
//
//     ashlar: pool 'nodes' ends with 1 live block, 24 B
//       24 B at 0x7f0f3c001040
//
// Off as a rule: many programs give a pool up instead of each of its nodes, on purpose. Asked are
// all managers that free blocks one by one and count them, or can walk; not arenas, whose blocks
// end with them, nor compositions, whose parts are asked, nor debug managers, which tell by
// themselves and know where the blocks were made.
#pragma once

#include <cstdint>

#include "ashlar/base/macros.hpp"

namespace ashlar {

class manager;

enum class unreleased_policy : std::uint8_t {
  ignore,
  report,  ///< lines on stderr
  fault,   ///< and then the fault `still_in_use`
};

/// Threads: thread-safe. Managers that end from now on go by it.
ASHLAR_EXPORT void set_unreleased_policy(unreleased_policy policy) noexcept;
ASHLAR_EXPORT unreleased_policy current_unreleased_policy() noexcept;

namespace detail {
/// Says what lives in a manager that is about to end, if anything does. `is_asked`: whatever the
/// policy.
void tell_unreleased(manager& ending, bool is_asked) noexcept;
}  // namespace detail

}  // namespace ashlar
