// SPDX-License-Identifier: MIT
// A manager that refuses chosen requests, so that tests come by the paths that hardly ever run.
//
//     fail_on_nth<memory> m(current());
//     for_each_refusal(m, [&] { load_level(m); });   // again and again: each request refused once
//
// Requests are numbered: allocate, allocate_zeroed, and reallocate but for shrinking. A refused one
// does not reach the part, and its reason is `no_memory`.
// Can do: what the part can. Threads: as the part; numbers count all threads. Cost: a decrement.
#pragma once

#include "ashlar/manager/composed.hpp"
#include "ashlar/manager/tally.hpp"

namespace ashlar {

constexpr capability fail_on_nth_rule(capability inner) {
  return inner & (all_deeds | all_promises);
}

template <part_type Part>
class fail_on_nth : public wrapper<fail_on_nth<Part>, Part> {
  using base = wrapper<fail_on_nth, Part>;
  using base::part_;

 public:
  static constexpr const char* kind_name = "fail on nth";
  static constexpr capability can_do = fail_on_nth_rule(part<Part>::can);
  static constexpr capability promises = can_do & all_promises;

  constexpr fail_on_nth() noexcept { start(nullptr); }
  /// Made from what makes the part (part.hpp): its options, a function that returns it, a manager
  /// to refer to, a handle. `name`: in the registry; outlives this.
  template <class From>
  explicit constexpr fail_on_nth(From&& from, const char* name = nullptr) noexcept
      : base(std::forward<From>(from)) {
    start(name);
  }
  ~fail_on_nth() { this->leave_registry(manager::parting::silent); }

  /// Refuses the `n`-th request from now (1: the next one), and each `every`-th one after it (0: no
  /// further one). `n` = 0: none. Requires: no request is being served meanwhile.
  void refuse(std::size_t n, std::size_t every = 0) noexcept {
    next_.set(n == 0 ? 0 : requests_.get() + n);
    every_.set(every);
  }
  /// Returns the requests so far, refused ones too.
  std::size_t requests() const { return requests_.get(); }
  std::size_t refusals() const { return refusals_.get(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    if (refuses()) return allocation::failed(status::no_memory);
    return part_.get().allocate(request, wanted);
  }
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    if (refuses()) return allocation::failed(status::no_memory);
    return part_.get().allocate_zeroed(request, wanted);
  }
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    part_.get().deallocate(b, alignment);
  }
  void deallocate(void* p) noexcept requires(has(can_do, capability::size)) {
    take_back_unsized(part_.get(), p);
  }
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    if (change.size > b.size && refuses()) return allocation::failed(status::no_memory);
    return part_.get().reallocate(b, alignment, change);
  }

 private:
  using number = tally<is_erased<Part>() || has(can_do, capability::thread_safe)>;

  constexpr void start(const char* name) noexcept {
    base::begin(fail_on_nth_rule(part_.can_now()), part_.upstream(), name);
  }

  bool refuses() noexcept {
    const std::size_t number_of_this = requests_.add(1);
    const std::size_t first = next_.get();
    if (first == 0 || number_of_this < first) return false;
    const std::size_t every = every_.get();
    const std::size_t since = number_of_this - first;
    if (since != 0 && (every == 0 || since % every != 0)) return false;
    refusals_.add(1);
    return true;
  }

  number next_;
  number every_;
  number requests_;
  number refusals_;
};

/// Calls `body()` again and again, refusing its first request, then its second, and so on, until it
/// makes no request that could be refused. Returns how often it was called. `body` leaves nothing
/// behind that changes how many requests the next call makes.
template <class M, class Body>
std::size_t for_each_refusal(M& failing, Body body) {
  for (std::size_t n = 1;; ++n) {
    const std::size_t before = failing.refusals();
    failing.refuse(n);
    body();
    failing.refuse(0);
    if (failing.refusals() == before) return n;
  }
}

}  // namespace ashlar
