// SPDX-License-Identifier: MIT
// The least that a manager is, for tests of what the floor does with managers.
#pragma once

#include <cstdlib>

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/memory.hpp"

namespace ashlar::test {

/// Takes from malloc and counts. Can do nothing but allocate and deallocate.
class plain_manager : public manager {
 public:
  static constexpr const char* kind_name = "plain";

  explicit plain_manager(const char* name = nullptr, manager* upstream = nullptr)
      : manager(ops_for<plain_manager>, upstream) {
    join_registry(name);
  }
  ~plain_manager() { leave_registry(); }

  allocation allocate(layout request, fit) noexcept {
    ++calls;
    if (refuse) return allocation::failed(status::no_memory);
    void* p = nullptr;
    if (::posix_memalign(&p, request.alignment < 8 ? 8 : request.alignment, request.size + 1) != 0)
      return allocation::failed(status::no_memory);
    return allocation::of(p, request.size);
  }
  void deallocate(block b, std::size_t) noexcept { std::free(b.data); }
  manager_usage usage() const noexcept { return figures; }

  manager_usage figures;
  int calls = 0;
  bool refuse = false;
};

/// Serves blocks one behind the other from a buffer, through its window.
class window_manager : public manager {
 public:
  static constexpr const char* kind_name = "window";

  window_manager() : manager(ops_for<window_manager>, nullptr) {
    cur_ = buffer;
    end_ = buffer + sizeof(buffer);
  }
  allocation allocate(layout, fit) noexcept {
    ++calls;
    return allocation::failed(status::not_enough_memory, static_cast<std::size_t>(end_ - cur_));
  }
  void deallocate(block, std::size_t) noexcept {}
  manager_usage usage() const noexcept {
    return {.used = static_cast<std::size_t>(cur_ - buffer), .held = sizeof(buffer)};
  }
  void close_window() { cur_ = end_ = nullptr; }

  int calls = 0;
  alignas(4096) std::byte buffer[1024] = {};
};

}  // namespace ashlar::test
