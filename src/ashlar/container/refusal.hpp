// SPDX-License-Identifier: MIT
// What a container does when memory is refused: asks the reclaimers, tries once more, then throws.
//
// The one place where a status becomes an exception. The usual functions of containers (push_back,
// a constructor) throw as std's do; their `try_` forms return the status at once, ask no reclaimer
// and throw nothing but what an element throws. The functions that throw lie in the library, which
// is built with exceptions in this layer alone: a program that is built without ends in
// std::terminate, as with std's containers, and no macro makes two programs out of one header.
// Threads: thread-safe. Cost: nothing while memory is there.
#pragma once

#include <cstddef>
#include <new>

#include "ashlar/base/macros.hpp"
#include "ashlar/base/result.hpp"
#include "ashlar/manager/memory.hpp"

namespace ashlar::observe {
struct caller;
}  // namespace ashlar::observe

namespace ashlar {

/// Thrown when memory is refused. Caught as std::bad_alloc by who does not ask for the reason.
class ASHLAR_EXPORT bad_allocation : public std::bad_alloc {
 public:
  explicit bad_allocation(status reason) noexcept : reason_(reason) {}

  status reason() const noexcept { return reason_; }
  /// "ashlar: " and the text of the reason.
  const char* what() const noexcept override;

 private:
  status reason_;
};

/// Throws std::length_error for `too_large`, bad_allocation for every other reason.
[[noreturn]] ASHLAR_EXPORT void throw_refusal(status reason);
/// Throws std::out_of_range.
[[noreturn]] ASHLAR_EXPORT void throw_out_of_range();

namespace detail {

/// Returns whether the reclaimers freed anything; does not ask them if that cannot help.
ASHLAR_EXPORT bool reclaim_after(status reason, std::size_t size) noexcept;

}  // namespace detail

/// Calls `attempt`, which returns a status, until it succeeds, at most twice; between the two the
/// reclaimers are asked for `size` bytes. Errors: throws.
template <class Attempt>
void insist(std::size_t size, Attempt attempt) {
  status reason = attempt();
  if (reason == status::success) [[likely]]
    return;
  if (detail::reclaim_after(reason, size)) reason = attempt();
  if (reason != status::success) throw_refusal(reason);
}

/// Returns a block of a container's, known to a tracker that looks at all (inner_blocks.hpp).
/// Errors: throws, after the reclaimers were asked and could not help.
[[nodiscard]] ASHLAR_EXPORT block allocate_or_throw(memory from, layout request,
                                                    fit wanted = fit::get_exact);

namespace detail {

/// The same, for code of the library that knows better than this function who called it.
[[nodiscard]] block allocate_or_throw(memory from, layout request, fit wanted,
                                      const observe::caller& by);

}  // namespace detail

}  // namespace ashlar
