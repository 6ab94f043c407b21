// SPDX-License-Identifier: MIT
// A manager inside another one: held by value, by reference, or as a handle.
//
//     part<arena>    the manager itself; its upstream becomes that of the whole
//     part<arena&>   a manager that lives elsewhere, its type known: calls are direct
//     part<memory>   any manager, its type forgotten: calls go through its table
//
// Whoever composes writes each call once. What the part can do is known at compile time for the
// first two; of a handle everything is assumed at compile time, and at run time it is asked.
#pragma once

#include <cstring>
#include <type_traits>
#include <utility>

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/memory.hpp"

namespace ashlar {

/// The bits of `capability` that are functions of the table, and those that are promises.
inline constexpr capability all_deeds = capability::zero | capability::resize | capability::own |
                                        capability::size | capability::free_all |
                                        capability::rewind | capability::walk | capability::trim;
inline constexpr capability all_promises = capability::no_op_deallocate | capability::lifo_only |
                                           capability::thread_safe | capability::bounded |
                                           capability::serves_new;

/// Whether what a part can do is known only at run time: a handle, or a manager that has one.
template <class P>
constexpr bool is_erased() {
  using manager_type = std::remove_reference_t<P>;
  if constexpr (std::same_as<manager_type, memory>) return true;
  if constexpr (requires { manager_type::has_erased_parts; }) return manager_type::has_erased_parts;
  return false;
}

/// What a part can do as far as the compiler knows: of a handle, all that there is.
template <class P>
constexpr capability part_can() {
  using manager_type = std::remove_reference_t<P>;
  if constexpr (std::same_as<manager_type, memory>)
    return all_deeds;
  else
    return capabilities_of<manager_type>();
}

template <class P>
concept part_type =
    std::same_as<P, memory> || std::derived_from<std::remove_reference_t<P>, manager>;

/// Of a part that lives elsewhere nobody knows how much of its memory is the whole's.
inline constexpr manager_usage uncounted_usage{.used = manager_usage::unknown,
                                               .held = manager_usage::unknown};

template <part_type P>
class part {
 public:
  static constexpr capability can = part_can<P>();

  constexpr part() = default;
  /// Makes the manager from one argument: its options, or a function that returns it.
  template <class From>
  explicit constexpr part(From&& from) : manager_(make(std::forward<From>(from))) {}

  constexpr P& get() { return manager_; }
  constexpr const P& get() const { return manager_; }
  /// The capabilities that it has now.
  constexpr capability can_now() const { return manager_.ops().can; }

  /// Where the memory of the whole comes from, if it comes from this part.
  constexpr manager* upstream() {
    return manager_.can(capability::is_os) ? &manager_ : manager_.upstream();
  }
  /// The part's figures, as figures of the whole.
  manager_usage usage() const noexcept { return manager_.usage(); }

 private:
  // A function returns the manager in place, and so it needs no move. But some managers are made
  // from functions themselves, a cascade for one.
  template <class From>
  static constexpr bool must_call() {
    if constexpr (std::is_invocable_v<From&>)
      return std::same_as<std::invoke_result_t<From&>, P> || !std::constructible_from<P, From>;
    return false;
  }
  template <class From>
  static constexpr decltype(auto) make(From&& from) {
    if constexpr (must_call<From>())
      return from();
    else
      return std::forward<From>(from);
  }

  P manager_;
};

template <class P>
requires std::derived_from<P, manager>
class part<P&> {
 public:
  static constexpr capability can = part_can<P>();

  explicit constexpr part(P& manager) : manager_(&manager) {}

  constexpr P& get() const { return *manager_; }
  constexpr capability can_now() const { return manager_->ops().can; }
  constexpr manager* upstream() const { return manager_; }
  manager_usage usage() const noexcept { return uncounted_usage; }

 private:
  P* manager_;
};

template <>
class part<memory> {
 public:
  static constexpr capability can = part_can<memory>();

  explicit constexpr part(memory handle) : handle_(handle) {}

  constexpr const memory& get() const { return handle_; }
  constexpr capability can_now() const { return handle_.get()->ops().can; }
  constexpr manager* upstream() const { return handle_.get(); }
  manager_usage usage() const noexcept { return uncounted_usage; }

 private:
  memory handle_;
};

// --- calls that not every manager has ------------------------------------------------------------

/// As allocate_zeroed, clearing the block where the manager cannot.
template <class M>
allocation zeroed_from(M& m, layout request, fit wanted) noexcept {
  if constexpr (can_zero<M>) {
    return m.allocate_zeroed(request, wanted);
  } else {
    const allocation fresh = m.allocate(request, wanted);
    if (fresh) std::memset(fresh.data(), 0, fresh.size());
    return fresh;
  }
}

/// As reallocate, `unsupported` where the manager cannot. Nothing is moved by copying here.
template <class M>
allocation resized_by(M& m, block b, std::size_t alignment, const resize& change) noexcept {
  if constexpr (std::same_as<std::remove_const_t<M>, memory>) {
    return m.can(capability::resize) ? m.reallocate(b, alignment, change)
                                     : allocation::failed(status::unsupported);
  } else if constexpr (can_resize<M>) {
    return m.reallocate(b, alignment, change);
  } else {
    return allocation::failed(status::unsupported);
  }
}

/// Resizes by moving, for managers that cannot do it in place: the new block is made before the old
/// one ends. Errors: the reason; the block is as it was.
template <class M>
allocation moved_by(M& m, block b, std::size_t alignment, const resize& change) noexcept {
  const allocation moved = m.allocate({change.size, alignment}, change.wanted);
  if (!moved) return moved;
  std::memcpy(moved.data(), b.data, smaller(smaller(b.size, change.used), change.size));
  m.deallocate(b, alignment);
  return moved;
}

/// Takes a block back without its size. Requires: `capability::size`.
template <class M>
void take_back_unsized(M& m, void* p) noexcept {
  if constexpr (std::same_as<std::remove_const_t<M>, memory>)
    m.get()->ops().deallocate_unsized(*m.get(), p);
  else
    m.deallocate(p);
}

/// Gives idle memory back. Returns 0 where the manager cannot.
template <class M>
std::size_t trim_of(M& m, std::size_t keep) noexcept {
  if constexpr (requires { m.trim(keep); }) return m.trim(keep);
  return 0;
}

}  // namespace ashlar
