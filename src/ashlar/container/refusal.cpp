// SPDX-License-Identifier: MIT
#include "ashlar/container/refusal.hpp"

#include <stdexcept>

#include "ashlar/manager/inner_blocks.hpp"
#include "ashlar/manager/memory_system.hpp"
#include "ashlar/observe/stack_walk.hpp"

namespace ashlar {

namespace {

constexpr const char* sentence(status reason) {
  switch (reason) {
    case status::success: return "ashlar: success";
    case status::no_memory: return "ashlar: no memory";
    case status::not_enough_memory: return "ashlar: not enough memory";
    case status::over_budget: return "ashlar: over budget";
    case status::too_large: return "ashlar: too large";
    case status::bad_alignment: return "ashlar: bad alignment";
    case status::unsupported: return "ashlar: unsupported";
  }
  return "ashlar: unknown";
}

}  // namespace

const char* bad_allocation::what() const noexcept { return sentence(reason_); }

ASHLAR_COLD void throw_refusal(status reason) {
  if (reason == status::too_large) throw std::length_error(sentence(reason));
  throw bad_allocation(reason);
}

ASHLAR_COLD void throw_out_of_range() { throw std::out_of_range("ashlar: index out of range"); }

ASHLAR_COLD bool detail::reclaim_after(status reason, std::size_t size) noexcept {
  const bool may_help = reason == status::no_memory || reason == status::not_enough_memory ||
                        reason == status::over_budget;
  return may_help && system().reclaim(size);
}

block detail::allocate_or_throw(memory from, layout request, fit wanted,
                                const observe::caller& by) {
  allocation fresh;
  insist(request.size, [&] {
    fresh = inner_blocks::are_watched() ? inner_blocks::allocate(from, request, wanted, by)
                                        : from.allocate(request, wanted);
    return fresh.reason();
  });
  return fresh.get();
}

ASHLAR_NO_INLINE block allocate_or_throw(memory from, layout request, fit wanted) {
  return detail::allocate_or_throw(from, request, wanted, observe::caller_of_this());
}

}  // namespace ashlar
