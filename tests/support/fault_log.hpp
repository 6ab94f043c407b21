// SPDX-License-Identifier: MIT
// Collects faults instead of aborting, so that a test can say which ones it expects.
#pragma once

#include <mutex>
#include <vector>

#include "ashlar/hardening/fault.hpp"

namespace ashlar::test {

/// In place until the end of the scope. One at a time.
class fault_log {
 public:
  struct entry {
    fault_kind kind;
    const void* pointer;
  };

  fault_log() {
    current() = this;
    previous_ = exchange_fault_hook(note);
  }
  ~fault_log() {
    exchange_fault_hook(previous_);
    current() = nullptr;
  }
  fault_log(const fault_log&) = delete;
  fault_log& operator=(const fault_log&) = delete;

  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }

  /// Returns whether there was just one fault, of `kind` and about `pointer`, and forgets it.
  bool took(fault_kind kind, const void* pointer) {
    const std::lock_guard lock(mutex_);
    const bool as_expected =
        entries_.size() == 1 && entries_[0].kind == kind && entries_[0].pointer == pointer;
    entries_.clear();
    return as_expected;
  }

 private:
  static fault_log*& current() {
    static fault_log* log = nullptr;
    return log;
  }

  static void note(fault_kind kind, const void* pointer, const char*) {
    const std::lock_guard lock(current()->mutex_);
    current()->entries_.push_back({kind, pointer});
  }

  mutable std::mutex mutex_;
  std::vector<entry> entries_;
  fault_hook previous_ = nullptr;
};

}  // namespace ashlar::test
