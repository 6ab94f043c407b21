// SPDX-License-Identifier: MIT
// A thread-safe manager with caches in front of it, so that threads rarely meet.
//
//     thread_cached<locked<general_manager>> m(general_options{});
//
// Sizes up to `Largest` are rounded up to size classes; a freed block goes to the list of its class
// in a cache, and the next request for that class takes it from there. There are 16 caches inside
// the manager. Each thread has one of them by its number, and more threads than caches share; so
// nothing needs to be done when a thread ends, and nothing is allocated for it. A thread that finds
// its cache busy goes to the part. A full list goes back to the part as a whole.
// Can do: zero, resize, own if the part can; trim, which empties the caches; free all if the part
// can. Not size: of a block that comes back without its size nobody knows the class. Not walk: the
// part takes cached blocks for live ones.
// Faults: double_free for a block that comes back twice in a row. Of any other wrong pointer
// nothing is noticed before a cache gives it to the part: give its size and its manager right.
// Invariants: block_cache.hpp; each cached block was allocated from the part with its class's size
// and alignment 16; `used` counts classes, not what the part rounds them up to. Under a tool that
// watches memory (base/poison.hpp) no block is cached.
// Threads: thread-safe; the part must be, and may be used by others too. A child of fork may use
// it: what other threads' caches held when they were busy is lost to it. Cost: one uncontended
// lock. Memory: 16 caches of 384 bytes for classes up to 1 KiB, and 32 free blocks a list at most.
#pragma once

#include "ashlar/base/poison.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/hardening/fault_watch.hpp"
#include "ashlar/manager/compose/block_cache.hpp"
#include "ashlar/manager/composed.hpp"
#include "ashlar/manager/tally.hpp"

namespace ashlar {

/// Returns a small number that this thread has for itself while no more threads were made than
/// there are numbers.
ASHLAR_EXPORT std::size_t thread_number() noexcept;

constexpr capability thread_cached_rule(capability inner) {
  return (inner & (capability::zero | capability::resize | capability::own | capability::free_all |
                   capability::bounded | capability::serves_new)) |
         capability::trim | capability::thread_safe;
}

template <part_type Part, std::size_t Largest = 1024>
class thread_cached : public composed<thread_cached<Part, Largest>, Part> {
  using base = composed<thread_cached, Part>;
  static_assert(is_power_of_two(Largest) && Largest >= cache_class::small_limit);

 public:
  static constexpr const char* kind_name = "thread cached";
  static constexpr capability can_do = thread_cached_rule(part<Part>::can);
  static constexpr capability promises = can_do & all_promises;
  static constexpr std::size_t per_class = 32;
  static_assert(is_erased<Part>() || has(part<Part>::can, capability::thread_safe),
                "the part must be thread-safe: put it into locked<>");

  constexpr thread_cached() noexcept { start(nullptr); }
  /// Made from what makes the part (part.hpp): its options, a function that returns it, a manager
  /// to refer to, a handle. `name`: in the registry; outlives this.
  template <class From>
  explicit constexpr thread_cached(From&& from, const char* name = nullptr) noexcept
      : part_(std::forward<From>(from)) {
    start(name);
  }
  ~thread_cached() {
    this->leave_registry(manager::parting::silent);
    (void)empty_caches();
  }

  auto& inner() { return part_.get(); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    if (const status why = fault_of(request); why != status::success)
      return allocation::failed(why);
    if (!is_cached(request)) return take_large(request, false);
    const std::size_t c = class_of(request.size);
    void* const p = cache_of_thread().pop(c);
    return p != nullptr ? told(p, c, request.size, wanted) : take_class(c, request, wanted, false);
  }
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    if (const status why = fault_of(request); why != status::success)
      return allocation::failed(why);
    if (!is_cached(request)) return take_large(request, true);
    const std::size_t c = class_of(request.size);
    void* const p = cache_of_thread().pop(c);
    if (p == nullptr) return take_class(c, request, wanted, true);
    std::memset(p, 0, cache_class::size_of(c));
    return told(p, c, request.size, wanted);
  }

  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    if (b.data == nullptr) return;
    if (is_cached({b.size, alignment})) return push(b.data, class_of(b.size));
    give_direct({b.data, at_least_one(b.size)}, raised(alignment));
  }

  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
    const layout request{change.size, alignment};
    if (const status why = fault_of(request); why != status::success)
      return allocation::failed(why);
    const std::size_t before = size_at_part({b.size, alignment});
    const std::size_t after = size_at_part(request);
    if (before == after && is_cached(request))
      return told(b.data, class_of(change.size), change.size, change.wanted);
    const resize at_part{.size = after,
                         .used = change.used < b.size ? change.used : b.size,
                         .may_move = change.may_move};
    const allocation a = with_empty_caches([&] {
      return resized_by(part_.get(), {b.data, before}, raised(alignment), at_part);
    });
    if (!a) return a;
    direct_.add(after - before);
    return is_cached(request) ? told(a.data(), class_of(change.size), change.size, change.wanted)
                              : allocation::of(a.data(), change.size);
  }

  bool owns(const void* p) const noexcept requires(has(can_do, capability::own)) {
    return part_.get().owns(p);
  }

  /// Requires: no other thread uses the manager meanwhile.
  void free_all() noexcept requires(has(can_do, capability::free_all)) {
    this->inner_blocks_ended();
    for (cache& one : caches_) one.forget_all();
    direct_.set(0);
    part_.get().free_all();
  }

  /// Gives all cached blocks to the part (those of caches that are busy stay), which then keeps at
  /// most `keep` idle bytes.
  std::size_t trim(std::size_t keep = 0) noexcept {
    const std::size_t before = usage().held;
    (void)empty_caches();
    (void)trim_of(part_.get(), keep);
    const std::size_t after = usage().held;
    return before > after ? before - after : 0;
  }

  manager_usage usage() const noexcept {
    std::size_t used = direct_.get();
    std::size_t cached = 0;
    for (const cache& one : caches_) {
      used += one.live();
      cached += one.cached();
    }
    const std::size_t held = part_.usage().held;
    return {.used = used, .held = held == manager_usage::unknown ? used + cached : held};
  }

 private:
  static constexpr std::size_t cache_count = 16;
  static constexpr std::size_t class_count = cache_class::of(Largest) + 1;

  using cache = detail::block_cache<class_count, per_class>;
  using cached_block = detail::cached_block;

  constexpr void start(const char* name) noexcept {
    const capability now = part_.can_now();
    ASHLAR_CHECK(has(now, capability::thread_safe) && !has(now, capability::lifo_only));
    base::begin(thread_cached_rule(now), part_.upstream(), name);
  }

  static constexpr std::size_t class_of(std::size_t size) {
    return cache_class::of(at_least_one(size));
  }
  static constexpr std::size_t raised(std::size_t alignment) {
    return alignment < 16 ? 16 : alignment;
  }
  static constexpr bool is_cached(layout l) { return l.size <= Largest && l.alignment <= 16; }
  static constexpr std::size_t size_at_part(layout l) {
    return is_cached(l) ? cache_class::size_of(class_of(l.size)) : at_least_one(l.size);
  }

  static allocation told(void* p, std::size_t c, std::size_t size, fit wanted) noexcept {
    return allocation::of(p, wanted == fit::get_exact ? size : cache_class::size_of(c));
  }

  cache& cache_of_thread() noexcept { return caches_[thread_number() % cache_count]; }

  void push(void* p, std::size_t c) noexcept {
    const std::size_t size = cache_class::size_of(c);
    cached_block* surplus = nullptr;
    switch (cache_of_thread().push(p, c, surplus)) {
      case detail::cache_answer::kept: return give_to_part(surplus, size);
      case detail::cache_answer::twice: return report_fault(fault_kind::double_free, p);
      case detail::cache_answer::busy: break;
    }
    give_direct({p, size}, 16);
  }

  void give_direct(block b, std::size_t alignment) noexcept {
    const fault_watch watch;
    part_.get().deallocate(b, alignment);
    if (!watch.saw_one()) direct_.add(0 - b.size);
  }

  // Called with no lock held.
  void give_to_part(cached_block* first, std::size_t size) noexcept {
    while (first != nullptr) {
      cached_block* const next = first->next;
      part_.get().deallocate({first, size}, 16);
      first = next;
    }
  }

  // Returns whether any block went back.
  bool empty_caches() noexcept {
    bool any = false;
    for (cache& one : caches_) {
      for (std::size_t c = 0; c < class_count; ++c) {
        cached_block* const first = one.take_all(c);
        any |= first != nullptr;
        give_to_part(first, cache_class::size_of(c));
      }
    }
    return any;
  }

  // What is cached must not be the reason why a request fails.
  template <class Call>
  allocation with_empty_caches(Call call) noexcept {
    allocation a = call();
    if (!a && empty_caches()) a = call();
    if (a || a.reason() != status::not_enough_memory) return a;
    return allocation::failed(a.reason(), fits_in_classes(a.would_fit()));
  }

  // A request takes a whole class from the part.
  static std::size_t fits_in_classes(std::size_t bytes) noexcept {
    if (bytes > Largest) return bytes;
    for (std::size_t c = class_count; c-- != 0;)
      if (cache_class::size_of(c) <= bytes) return cache_class::size_of(c);
    return 0;
  }

  // Every block comes by here before it could be cached, and where a tool watches none is: the part
  // tells of what it gets back.
  allocation take_from_part(layout whole, bool zero) noexcept {
    if (poison::is_watched()) [[unlikely]]
      for (cache& one : caches_) one.shut();
    const allocation a = with_empty_caches([&] {
      return zero ? zeroed_from(part_.get(), whole, fit::get_exact)
                  : part_.get().allocate(whole, fit::get_exact);
    });
    if (a) direct_.add(whole.size);
    return a;
  }

  allocation take_class(std::size_t c, layout request, fit wanted, bool zero) noexcept {
    const allocation a = take_from_part({cache_class::size_of(c), 16}, zero);
    return a ? told(a.data(), c, request.size, wanted) : a;
  }

  // To the byte, so that the size that comes back is the one that was counted.
  allocation take_large(layout request, bool zero) noexcept {
    const layout whole{at_least_one(request.size), raised(request.alignment)};
    const allocation a = take_from_part(whole, zero);
    return a ? allocation::of(a.data(), request.size) : a;
  }

  part<Part> part_;
  cache caches_[cache_count];
  tally<true> direct_;
};

}  // namespace ashlar
