// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/user_manager.hpp"

#include <cstring>

#include "ashlar/base/bits.hpp"

namespace ashlar {

user_manager::user_manager(const ashlar_user_memory& functions, const char* name) noexcept
    : user_manager(functions, name, kind_name) {}

user_manager::user_manager(const ashlar_user_memory& functions, const char* name,
                           const char* kind) noexcept
    : manager(table_, nullptr), functions_(functions), table_(ops_for<user_manager>) {
  table_.kind = kind;
  if (functions.thread_safe) table_.can = table_.can | capability::thread_safe;
  if (functions.allocate_zeroed != nullptr) {
    table_.can = table_.can | capability::zero;
    table_.allocate_zeroed = [](manager& m, layout request, fit) noexcept {
      return static_cast<user_manager&>(m).take_zeroed(request);
    };
  }
  if (functions.reallocate != nullptr) {
    table_.can = table_.can | capability::resize;
    table_.reallocate = [](manager& m, block b, std::size_t alignment,
                           const resize& change) noexcept {
      return static_cast<user_manager&>(m).resize_block(b, alignment, change);
    };
  }
  join_registry(name);
}

allocation user_manager::allocate(layout request, fit) noexcept {
  if (const status why = fault_of(request); why != status::success) return allocation::failed(why);
  return finish(
      functions_.allocate(functions_.context, at_least_one(request.size), request.alignment),
      request.size);
}

allocation user_manager::take_zeroed(layout request) noexcept {
  if (const status why = fault_of(request); why != status::success) return allocation::failed(why);
  return finish(
      functions_.allocate_zeroed(functions_.context, at_least_one(request.size), request.alignment),
      request.size);
}

allocation user_manager::finish(void* data, std::size_t size) noexcept {
  if (data == nullptr) return allocation::failed(status::no_memory);
  use_.add(at_least_one(size));
  return allocation::of(data, size);
}

void user_manager::deallocate(block b, std::size_t alignment) noexcept {
  if (b.data == nullptr) return;
  functions_.deallocate(functions_.context, b.data, at_least_one(b.size), alignment);
  use_.remove(at_least_one(b.size));
}

// Without `used`: the user's function copies what it wants to.
allocation user_manager::resize_block(block b, std::size_t alignment,
                                      const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (const status why = fault_of({change.size, alignment}); why != status::success)
    return allocation::failed(why);
  const std::size_t before = at_least_one(b.size);
  const std::size_t after = at_least_one(change.size);
  void* const data =
      functions_.reallocate(functions_.context, b.data, before, after, alignment, change.may_move);
  if (data == nullptr) {
    return allocation::failed(change.may_move ? status::no_memory : status::unsupported);
  }
  use_.change(before, after);
  return allocation::of(data, change.size);
}

manager_usage user_manager::usage() const noexcept {
  return {.used = use_.used(),
          .held = use_.used(),
          .peak_used = use_.peak(),
          .live_blocks = use_.live()};
}

}  // namespace ashlar
