// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/told_pool.hpp"

#include "ashlar/base/poison.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

namespace {

constexpr unsigned unknown = 2;  // as many as memory may lie in, and no further pool

// How many managers may have told of blocks that the memory of one lies in. Operator new's blocks
// are the tool's own, and it knows pools in them.
unsigned levels_below(const manager* upstream) {
  unsigned count = 0;
  for (const manager* m = upstream; m != nullptr; m = m->upstream()) {
    if (m == &system_os() || m->can(capability::serves_new)) return count;
    if (m->can(capability::is_os)) break;
    ++count;
  }
  return count + unknown;
}

}  // namespace

void open_told_pool(const void* pool, const manager* upstream) noexcept {
  const unsigned levels = levels_below(upstream);
  if (levels < unknown) poison::open_pool(pool, levels == 0);
}

}  // namespace ashlar
