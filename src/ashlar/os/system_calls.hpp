// SPDX-License-Identifier: MIT
// The system calls that the OS memory manager makes, as one table that tests can replace.
//
// address_space.cpp calls the system through this table only. A test puts a table of its own in
// place to log calls, to let the n-th one fail or to make the address space tiny
// (tests/support/fake_os.hpp). The indirect call is lost in the price of a system call.
//
// Convention of every entry: a result of zero or more is success, -E... is the error. errno is
// left as it was. Threads: thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ashlar::os {

struct system_calls {
  std::intptr_t (*map)(void* address, std::size_t size, int protection, int flags,
                       int file) noexcept;
  std::intptr_t (*unmap)(void* address, std::size_t size) noexcept;
  std::intptr_t (*protect)(void* address, std::size_t size, int protection) noexcept;
  std::intptr_t (*advise)(void* address, std::size_t size, int advice) noexcept;
  std::intptr_t (*remap)(void* address, std::size_t size, std::size_t new_size, int flags,
                         void* target) noexcept;
  std::intptr_t (*name)(void* address, std::size_t size, const char* name) noexcept;
  std::intptr_t (*residency)(void* address, std::size_t size, unsigned char* pages) noexcept;
  std::intptr_t (*create_file)(const char* name, std::size_t size) noexcept;
  std::intptr_t (*close_file)(int file) noexcept;
};

/// The table that calls the system.
extern const system_calls real_system_calls;

/// Returns the table in use.
const system_calls& active_system_calls() noexcept;

/// Puts `table` in use and returns the one that was. `table` must live until it is replaced.
const system_calls& exchange_system_calls(const system_calls& table) noexcept;

}  // namespace ashlar::os
