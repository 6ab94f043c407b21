// SPDX-License-Identifier: MIT
// Signals that lead to a capture: one that was chosen for it (`capture_signal`), those that a
// program crashes with (`capture_on_crash`), and those that end one which does not care
// (`capture_on_termination`).
//
// The handler makes a copy of the process, which writes (self_copy.hpp); so nothing is allocated
// and no lock is waited for, whatever the signal has interrupted, and an idle program is served
// too. After a crash the handler that was there before is put back, and the fault comes again or
// the signal is sent again, with what the kernel said of it: the end is what it would have been. A
// program that sets handlers of its own later replaces these.
#pragma once

namespace ashlar::replace {

/// Sets the handlers that the options ask for. Errors: one line on stderr if there is no memory.
void set_capture_signals() noexcept;

/// Whether threads need stacks for them.
bool wants_signal_stacks() noexcept;

}  // namespace ashlar::replace
