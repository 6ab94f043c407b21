// SPDX-License-Identifier: MIT
// As many managers of one type as are needed: when all are full, another one is made.
//
//     cascade level([] { return user_block_os({.memory = engine_block()}); });
//
// The parts lie inside the cascade, at most `Most` of them; `make` returns the next one. The part
// that served last is asked first. A part is made only for a request that all others refused, and
// ends at once if it refuses it too; empty parts end in `trim`, in `free_all` and with the cascade.
// Can do: what the parts can but rewind; trim always. The parts must own: blocks go back to the one
// that does. It is neither bounded nor thread-safe: making a part is neither.
// What parts over handles can is known when there is one, and not of the next: so a cascade of them
// declares what it does for any part, own, trim, zero by clearing and resize by moving. Such parts
// must not want the last block freed first, which it could not have told.
// Invariants: order_[0, count_) names the slots that hold parts, the last one that served first;
// the figures of a slot are those of its part after the last call to it, zero without a part, so
// that `usage` never looks at a part that may be ending.
// Threads: one at a time; `usage` at any time. Cost: the parts', one usage() of a part for each
// call, and a question to each part for a block that goes back.
#pragma once

#include <new>

#include "ashlar/base/relaxed.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/hardening/fault_watch.hpp"
#include "ashlar/manager/composed.hpp"

namespace ashlar {

constexpr capability cascade_rule(capability inner) {
  return (without(inner & all_deeds, capability::rewind) | capability::trim) |
         (inner & (capability::no_op_deallocate | capability::lifo_only | capability::serves_new));
}

/// Whatever the parts turn out to be.
constexpr capability cascade_rule_of_erased() {
  return capability::own | capability::trim | capability::zero | capability::resize;
}

template <class Make, std::size_t Most = 16>
class cascade : public composed<cascade<Make, Most>, std::invoke_result_t<Make&>> {
 public:
  using part_manager = std::invoke_result_t<Make&>;

 private:
  using base = composed<cascade, part_manager>;
  static_assert(std::derived_from<part_manager, manager>, "`make` must return a manager");
  static_assert(has(part_can<part_manager>(), capability::own), "parts must know what they own");

 public:
  static constexpr const char* kind_name = "cascade";
  static constexpr capability can_do =
      is_erased<part_manager>() ? cascade_rule_of_erased() : cascade_rule(part_can<part_manager>());
  static constexpr capability promises = can_do & all_promises;

  explicit cascade(Make make, const char* name = nullptr) noexcept : make_(make) {
    base::begin(can_do, nullptr, name);
  }
  ~cascade() {
    this->leave_registry(manager::parting::silent);
    end_parts([](part_manager&) { return true; });
  }

  /// Returns how many parts there are now.
  std::size_t part_count() const { return load_relaxed(count_); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    return first_to_serve(request, [&](part_manager& m) { return m.allocate(request, wanted); });
  }
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    return first_to_serve(request,
                          [&](part_manager& m) { return zeroed_from(m, request, wanted); });
  }
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    if (b.data == nullptr) return;
    const std::size_t i = owner_of(b.data);
    if (i == Most) return report_fault(fault_kind::invalid_free, b.data);
    at(i).deallocate(b, alignment);
    note(i);
  }
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
    if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
    const std::size_t i = owner_of(b.data);
    if (i == Most) {
      report_fault(fault_kind::invalid_resize, b.data);
      return allocation::failed(status::unsupported);
    }
    const fault_watch watch;
    const allocation a = at(i).can(capability::resize) ? resized_by(at(i), b, alignment, change)
                                                       : allocation::failed(status::unsupported);
    note(i);
    return a || !change.may_move || watch.saw_one() ? a
                                                    : base::move_block(*this, b, alignment, change);
  }
  bool owns(const void* p) const noexcept { return owner_of(p) != Most; }
  std::size_t usable_size(const void* p) const noexcept requires(has(can_do, capability::size)) {
    const std::size_t i = owner_of(p);
    return i != Most ? at(i).usable_size(p) : 0;
  }
  void deallocate(void* p) noexcept requires(has(can_do, capability::size)) {
    if (p == nullptr) return;
    const std::size_t i = owner_of(p);
    if (i == Most) return report_fault(fault_kind::invalid_free, p);
    at(i).deallocate(p);
    note(i);
  }
  void free_all() noexcept requires(has(can_do, capability::free_all)) {
    this->inner_blocks_ended();
    end_parts([](part_manager& m) {
      m.free_all();
      return true;
    });
  }
  void walk(block_visitor visitor) noexcept requires(has(can_do, capability::walk)) {
    walk_over_parts all{visitor};
    for (std::size_t k = 0; k < count_ && all.goes_on; ++k) at(order_[k]).walk(all.visitor());
  }
  /// Ends the parts of which nothing is used, until what all parts hold idle is at most `keep`.
  /// Returns the bytes given back; those of parts that count nothing as they tell them.
  std::size_t trim(std::size_t keep = 0) noexcept {
    const std::size_t before = usage().held;
    std::size_t told = 0;
    end_parts([this, keep](part_manager& m) {
      const manager_usage all = usage();
      return m.usage().used == 0 && all.held - all.used > keep;
    });
    for (std::size_t k = 0; k < count_; ++k) {
      told += trim_of(at(order_[k]), keep);
      note(order_[k]);
    }
    const std::size_t after = usage().held;
    if (after == manager_usage::unknown) return told;
    return before > after ? before - after : 0;
  }
  manager_usage usage() const noexcept {
    manager_usage sum{.live_blocks = 0};
    for (const slot_figures& f : figures_) {
      sum = sum_of(sum, {.used = load_relaxed(f.used),
                         .held = load_relaxed(f.held),
                         .live_blocks = load_relaxed(f.live_blocks)});
    }
    return sum;
  }

 private:
  struct slot_figures {
    std::size_t used = 0;
    std::size_t held = 0;
    std::size_t live_blocks = 0;
  };

  part_manager& at(std::size_t slot) noexcept {
    return *std::launder(reinterpret_cast<part_manager*>(storage_[slot].bytes));
  }
  const part_manager& at(std::size_t slot) const noexcept {
    return *std::launder(reinterpret_cast<const part_manager*>(storage_[slot].bytes));
  }

  /// Returns the slot of the part that owns `p`, or `Most`.
  std::size_t owner_of(const void* p) const noexcept {
    for (std::size_t k = 0; k < count_; ++k)
      if (at(order_[k]).owns(p)) return order_[k];
    return Most;
  }

  void note(std::size_t slot) noexcept {
    const manager_usage now = at(slot).usage();
    store_relaxed(figures_[slot].used, now.used);
    store_relaxed(figures_[slot].held, now.held);
    store_relaxed(figures_[slot].live_blocks, now.live_blocks);
  }

  template <class Call>
  allocation first_to_serve(layout request, Call call) noexcept {
    if (const status why = fault_of(request); why != status::success)
      return allocation::failed(why);
    allocation refused = allocation::failed(status::unsupported);  // until one has been asked
    for (std::size_t k = 0; k < count_; ++k) {
      const std::size_t slot = order_[k];
      const allocation a = call(at(slot));
      note(slot);
      if (a) {
        for (; k != 0; --k) order_[k] = order_[k - 1];
        order_[0] = slot;
        return a;
      }
      refused = joint_refusal(refused, a);
    }
    return count_ < Most ? serve_from_new(call, refused) : refused;
  }

  template <class Call>
  allocation serve_from_new(Call call, allocation refused) noexcept {
    std::size_t slot = 0;
    while (is_taken_[slot]) ++slot;
    auto* const made = ::new (static_cast<void*>(storage_[slot].bytes)) part_manager(make_());
    if constexpr (base::has_erased_parts)
      ASHLAR_CHECK(made->can(capability::own) && !made->can(capability::lifo_only));
    const allocation a = call(*made);
    if (!a) {
      made->~part_manager();
      return joint_refusal(refused, a);
    }
    if (this->upstream() == nullptr && !is_inside(made->upstream()))
      this->set_upstream(made->upstream());
    is_taken_[slot] = true;
    for (std::size_t k = count_; k != 0; --k) order_[k] = order_[k - 1];
    order_[0] = slot;
    store_relaxed(count_, count_ + 1);
    note(slot);
    return a;
  }

  // What a part has for an upstream may be a part of its own, and end with it.
  bool is_inside(const manager* m) const noexcept {
    return address_of(m) - address_of(storage_) < sizeof storage_;
  }

  template <class Predicate>
  void end_parts(Predicate must_end) noexcept {
    for (std::size_t k = count_; k-- != 0;) {
      const std::size_t slot = order_[k];
      if (!must_end(at(slot))) continue;
      at(slot).~part_manager();
      is_taken_[slot] = false;
      store_relaxed(figures_[slot].used, std::size_t{0});
      store_relaxed(figures_[slot].held, std::size_t{0});
      store_relaxed(figures_[slot].live_blocks, std::size_t{0});
      for (std::size_t n = k; n + 1 < count_; ++n) order_[n] = order_[n + 1];
      store_relaxed(count_, count_ - 1);
    }
  }

  struct slot_storage {
    alignas(part_manager) std::byte bytes[sizeof(part_manager)];
  };

  Make make_;
  slot_storage storage_[Most];
  slot_figures figures_[Most] = {};
  std::size_t order_[Most] = {};
  bool is_taken_[Most] = {};
  std::size_t count_ = 0;
};

}  // namespace ashlar
