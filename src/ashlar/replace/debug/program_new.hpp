// SPDX-License-Identifier: MIT
// Whether the program brings operators new and delete of its own.
//
// The standard lets it replace a few forms and has the others call those. Ours do not, so a block
// may be made by one of ours and freed by one of the program's, which calls free: no mistake of
// the program's.
#pragma once

namespace ashlar::replace {

/// Returns whether any form of operator new or delete that programs find first is not ours.
/// Threads: thread-safe. Cost: a search by name for each form, at the first call.
bool program_replaces_new() noexcept;

}  // namespace ashlar::replace
