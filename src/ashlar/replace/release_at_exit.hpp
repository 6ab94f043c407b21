// SPDX-License-Identifier: MIT
// The option `release_at_exit`: proof that all memory goes back to the OS by the end.
#pragma once

namespace ashlar::replace {

/// Arranges that everything is released, and what is left printed on stderr, as the last thing that
/// this process does: after all destructors and exit handlers of the program.
void release_when_all_is_over() noexcept;

}  // namespace ashlar::replace
