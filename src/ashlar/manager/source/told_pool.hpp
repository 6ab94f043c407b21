// SPDX-License-Identifier: MIT
// Pools of managers that stand upon managers, as memcheck wants them.
//
// Its search for leaks dies of a pool's block that lies in another pool's block, unless just one of
// the two pools says that it holds others. So blocks can be told of at two levels: the manager next
// to the system, or to operator new, says that it holds pools, the one upon it does not, and what
// stands upon that has its bytes hidden and shown, but no pool. Nor has what stands in memory that
// comes from a user: nobody knows what that lies in.
#pragma once

namespace ashlar {

class manager;

/// Begins a pool, if it has not begun and the level of its manager may have one. `upstream`: what
/// the manager takes memory from; null: from a user.
void open_told_pool(const void* pool, const manager* upstream) noexcept;

}  // namespace ashlar
