// SPDX-License-Identifier: MIT
// An OS for tests: passes system calls on, but logs them, refuses chosen ones, and may have a tiny
// address space.
//
//     fake_os os;                      // in place until the end of the scope
//     os.refuse_call(2);               // the second call from now fails with ENOMEM
//     os.limit_address_space(64_KiB);  // no more than this may be mapped from now on
//
// One at a time. The calls of other threads go through it too, one after the other.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "ashlar/os/system_calls.hpp"

namespace ashlar::test {

enum class call_kind {
  map,
  unmap,
  protect,
  advise,
  remap,
  name,
  residency,
  create_file,
  close_file
};

struct call_record {
  call_kind kind;
  std::uintptr_t address;
  std::size_t size;
  std::intptr_t outcome;
};

class fake_os {
 public:
  fake_os();
  ~fake_os();
  fake_os(const fake_os&) = delete;
  fake_os& operator=(const fake_os&) = delete;

  /// Lets the `n`-th call from now (1: the next one) fail.
  void refuse_call(unsigned n, int error = ENOMEM);

  /// Lets each call of this kind fail until `accept_all`.
  void refuse_all(call_kind kind, int error = ENOMEM);
  void accept_all();

  /// Refuses maps and growth that would bring the bytes mapped from now on above `bytes`.
  void limit_address_space(std::size_t bytes);

  /// The calls so far, refused ones too.
  std::vector<call_record> log() const;
  std::size_t count(call_kind kind) const;
  void clear_log();

  /// Decides on a call, makes it if it is not refused, and logs it. For the table of functions.
  template <class Call>
  std::intptr_t make(call_kind kind, void* address, std::size_t size, std::size_t growth,
                     std::size_t shrinkage, Call real_call);

 private:
  std::intptr_t refusal(call_kind kind, std::size_t growth);

  mutable std::mutex mutex_;
  std::vector<call_record> log_;
  unsigned calls_until_refusal_ = 0;  // 0: no call is refused by its number
  int numbered_error_ = 0;
  int kind_error_[9] = {};
  std::size_t address_space_ = SIZE_MAX;
  const os::system_calls* previous_;
};

}  // namespace ashlar::test
