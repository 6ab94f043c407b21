// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/user_manager.hpp"

#include <cstring>

#include "ashlar/base/bits.hpp"

namespace ashlar {

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

std::size_t at_least_one(std::size_t n) { return n + (n == 0); }

status check(layout request) {
  if (!is_power_of_two(request.alignment)) return status::bad_alignment;
  return request.size > max_size ? status::too_large : status::success;
}

}  // namespace

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
  if (const status why = check(request); why != status::success) return allocation::failed(why);
  return finish(
      functions_.allocate(functions_.context, at_least_one(request.size), request.alignment),
      request.size);
}

allocation user_manager::take_zeroed(layout request) noexcept {
  if (const status why = check(request); why != status::success) return allocation::failed(why);
  return finish(
      functions_.allocate_zeroed(functions_.context, at_least_one(request.size), request.alignment),
      request.size);
}

allocation user_manager::finish(void* data, std::size_t size) noexcept {
  if (data == nullptr) return allocation::failed(status::no_memory);
  count(at_least_one(size), 0);
  live_.fetch_add(1, relaxed);
  return allocation::of(data, size);
}

void user_manager::deallocate(block b, std::size_t alignment) noexcept {
  if (b.data == nullptr) return;
  functions_.deallocate(functions_.context, b.data, at_least_one(b.size), alignment);
  count(0, at_least_one(b.size));
  live_.fetch_sub(1, relaxed);
}

// Without `used`: the user's function copies what it wants to.
allocation user_manager::resize_block(block b, std::size_t alignment,
                                      const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (const status why = check({change.size, alignment}); why != status::success)
    return allocation::failed(why);
  const std::size_t before = at_least_one(b.size);
  const std::size_t after = at_least_one(change.size);
  void* const data =
      functions_.reallocate(functions_.context, b.data, before, after, alignment, change.may_move);
  if (data == nullptr) {
    return allocation::failed(change.may_move ? status::no_memory : status::unsupported);
  }
  count(after, before);
  return allocation::of(data, change.size);
}

void user_manager::count(std::size_t more, std::size_t less) noexcept {
  const std::size_t used = used_.fetch_add(more - less, relaxed) + more - less;
  std::size_t peak = peak_.load(relaxed);
  while (more > less && used > peak && !peak_.compare_exchange_weak(peak, used, relaxed)) {
  }
}

manager_usage user_manager::usage() const noexcept {
  return {.used = used_.load(relaxed),
          .held = used_.load(relaxed),
          .peak_used = peak_.load(relaxed),
          .live_blocks = live_.load(relaxed)};
}

}  // namespace ashlar
