// SPDX-License-Identifier: MIT
// Whether a call broke a rule: for managers that keep books of blocks which another manager has.
//
//     const fault_watch watch;
//     part.deallocate(b, alignment);
//     if (!watch.saw_one()) used -= size;  // the part has taken the block
//
// A deallocate has no outcome, and where the policy goes on after a fault, only the reporter learns
// that a part refused the block. So it counts the faults of each thread, and who must know
// compares. To ask the part before (`owns`, `usable_size`) would cost a second look at every block,
// and not every part can tell a block that was freed from a live one. A fault about another block
// that comes up meanwhile (fit managers finish the free before) counts as one of this block: then
// books tell more than there is, and never less.
//
// Threads: each has its own count. Cost: a load of a thread-local, and at the end another one.
#pragma once

#include <cstdint>

#include "ashlar/base/macros.hpp"

namespace ashlar {

namespace detail {

struct thread_faults {
  std::uint32_t count = 0;     // modulo 2^32; those that were not told too
  std::uint32_t silences = 0;  // that are in place
};
extern ASHLAR_EXPORT thread_local constinit thread_faults faults_of_this_thread
    __attribute__((tls_model("initial-exec")));

}  // namespace detail

class fault_watch {
 public:
  /// Whether a fault of this thread came up since this was made, told or not.
  bool saw_one() const noexcept { return detail::faults_of_this_thread.count != before_; }

 private:
  std::uint32_t before_ = detail::faults_of_this_thread.count;
};

/// Until its end no fault of this thread is told: for a question that precedes a call which tells
/// better what is wrong. One mistake is one fault.
class fault_silence {
 public:
  fault_silence() noexcept { ++detail::faults_of_this_thread.silences; }
  ~fault_silence() { --detail::faults_of_this_thread.silences; }
  fault_silence(const fault_silence&) = delete;
  fault_silence& operator=(const fault_silence&) = delete;
};

}  // namespace ashlar
