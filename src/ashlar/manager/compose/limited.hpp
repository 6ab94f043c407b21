// SPDX-License-Identifier: MIT
// A budget: what goes through here never exceeds a limit, and passing a softer one is told.
//
//     limited<memory> level(current(), {.limit = 64_MiB, .soft = 48_MiB, .above_soft = warn});
//
// What counts is usable bytes: a part that can tell sizes is asked, of another one blocks are taken
// to the byte, so that size and alignment of what comes back say how much it was. Over a part that
// frees nothing one by one, what is freed or shrinks still counts; free_all makes the whole budget
// free again.
// Can do: what the part can but rewind, of which nobody could tell how much it frees.
// A block that has to move needs room in the budget for both while it does.
// Invariant: used <= limit, unless the limit was set below what was used, or a part grew a block by
// more than was asked for and cannot shrink it again.
// Threads: as the part; set_limit by any thread if the part is thread-safe. `above_soft` is called
// by the thread that allocates, with no lock held. Cost: an addition and a comparison; atomic ones
// if the part may be thread-safe.
#pragma once

#include "ashlar/hardening/fault_watch.hpp"
#include "ashlar/manager/composed.hpp"
#include "ashlar/manager/tally.hpp"

namespace ashlar {

struct limited_options {
  static constexpr std::size_t none = manager_usage::unknown;
  std::size_t limit = none;  ///< bytes; beyond it requests fail with `over_budget`
  std::size_t soft = none;   ///< bytes; `above_soft` is told when use passes it
  void* context = nullptr;
  /// Called when use rises above `soft`, and again after it has been below.
  void (*above_soft)(void* context, std::size_t used) = nullptr;
  const char* name = nullptr;  ///< in the registry; outlives the manager
};

constexpr capability limited_rule(capability inner) {
  return without(inner & (all_deeds | all_promises), capability::rewind);
}

template <part_type Part>
class limited : public wrapper<limited<Part>, Part> {
  using base = wrapper<limited, Part>;
  using base::part_;

 public:
  static constexpr const char* kind_name = "limited";
  static constexpr capability can_do = limited_rule(part<Part>::can);
  static constexpr capability promises = can_do & all_promises;

  explicit constexpr limited(const limited_options& options = {}) noexcept : options_(options) {
    start();
  }
  /// Made from what makes the part (part.hpp): its options, a function that returns it, a manager
  /// to refer to, a handle.
  template <class From>
  explicit constexpr limited(From&& from, const limited_options& options) noexcept
      : base(std::forward<From>(from)), options_(options) {
    start();
  }
  ~limited() { this->leave_registry(manager::parting::silent); }

  /// Units: bytes.
  std::size_t limit() const noexcept { return limit_.get(); }
  /// May be below what is used: then requests fail until enough was freed.
  void set_limit(std::size_t bytes) noexcept { limit_.set(bytes); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    if (!has_room_for(request.size)) return refusal_of(request);
    return charge(part_.get().allocate(request, fit_for(wanted)), request, wanted);
  }
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    if (!has_room_for(request.size)) return refusal_of(request);
    return charge(part_.get().allocate_zeroed(request, fit_for(wanted)), request, wanted);
  }

  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    if (b.data == nullptr) return;
    const std::size_t size = counted(b);
    const fault_watch watch;
    part_.get().deallocate(b, alignment);
    if (!watch.saw_one()) give_back(size);
  }
  void deallocate(void* p) noexcept requires(has(can_do, capability::size)) {
    if (p == nullptr) return;
    const std::size_t size = counted({p, 0});
    const fault_watch watch;
    take_back_unsized(part_.get(), p);
    if (!watch.saw_one()) give_back(size);
  }

  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
    const layout request{change.size, alignment};
    const fault_watch watch;
    const std::size_t before = counted(b);
    // Of what is no block the part tells that.
    if (!watch.saw_one() && change.size > before && !has_room_for(change.size - before))
      return refusal_of(request);
    // In place first. A part that rounds is told how far it may go, for of a block that has grown
    // nobody here knows what it was asked for before. Who frees the last block first moves it
    // himself or not at all.
    const bool is_lifo = this->part_has(capability::lifo_only);
    resize first = change;
    first.wanted = fit_for(change.wanted);
    first.may_move = change.may_move && is_lifo;
    first.most = smaller(change.most, before + smaller(room(), max_size));
    const allocation a = resized_by(part_.get(), b, alignment, first);
    if (a) return recharge(before, a, b, alignment, change);
    const bool moves = change.may_move && !is_lifo && !watch.saw_one();
    return moves ? base::move_block(*this, b, alignment, change) : a;
  }

  void free_all() noexcept requires(has(can_do, capability::free_all)) {
    this->inner_blocks_ended();
    part_.get().free_all();
    used_.set(0);
    is_above_soft_.set(0);
  }

  manager_usage usage() const noexcept {
    manager_usage all = part_.usage();
    all.used = used_.get();
    if (all.held == manager_usage::unknown) all.held = all.used;
    all.peak_used = peak_.get();
    all.limit = limit();
    return all;
  }
  void restart_peak() noexcept { peak_.set(used_.get()); }

 private:
  using number = tally<is_erased<Part>() || has(can_do, capability::thread_safe)>;

  constexpr void start() noexcept {
    base::begin(limited_rule(part_.can_now()), part_.upstream(), options_.name);
  }

  bool tells_sizes() const noexcept { return this->part_has(capability::size); }

  fit fit_for(fit wanted) const noexcept { return tells_sizes() ? wanted : fit::get_exact; }

  // What is wrong with a block that is none, the part tells when it gets it back.
  std::size_t counted(block b) const noexcept {
    if constexpr (has(can_do, capability::size)) {
      const fault_silence until_then;
      if (tells_sizes()) return part_.get().usable_size(b.data);
    }
    return at_least_one(b.size);
  }

  std::size_t room() const noexcept {
    const std::size_t used = used_.get();
    const std::size_t most = limit();
    return used <= most ? most - used : 0;
  }
  bool has_room_for(std::size_t size) const noexcept {
    const std::size_t used = used_.get();
    const std::size_t most = limit();
    return used <= most && size <= most - used;
  }

  static allocation refusal_of(layout request) noexcept {
    const status why = fault_of(request);
    return allocation::failed(why != status::success ? why : status::over_budget);
  }

  // The part may have rounded up beyond the limit: then it was not to be.
  allocation charge(allocation a, layout request, fit wanted) noexcept {
    if (!a) return a;
    const std::size_t size = counted({a.data(), a.size()});
    if (!take(size)) {
      part_.get().deallocate(a.get(), request.alignment);
      return allocation::failed(status::over_budget);
    }
    return wanted == fit::get_no_less ? allocation::of(a.data(), a.size())
                                      : allocation::of(a.data(), request.size);
  }

  bool take(std::size_t size) noexcept {
    const std::size_t used = used_.add(size);
    if (used > limit()) {
      used_.add(0 - size);
      return false;
    }
    peak_.raise_to(used);
    if (used > options_.soft && is_above_soft_.exchange(1) == 0 && options_.above_soft != nullptr)
      options_.above_soft(options_.context, used);
    return true;
  }

  void give_back(std::size_t size) noexcept {
    if (this->part_has(capability::no_op_deallocate)) return;
    const std::size_t used = used_.add(0 - size);
    if (used <= options_.soft && is_above_soft_.get() != 0) is_above_soft_.set(0);
  }

  allocation recharge(std::size_t before, allocation a, block old, std::size_t alignment,
                      const resize& change) noexcept {
    const std::size_t after = counted({a.data(), a.size()});
    if (after > before && !take(after - before)) {  // the part need not have looked at `most`
      (void)resized_by(part_.get(), a.get(), alignment, {.size = old.size, .may_move = false});
      used_.add(counted({a.data(), old.size}) - before);
      return allocation::failed(status::over_budget);
    }
    if (after < before) give_back(before - after);
    const bool wants_all = change.wanted == fit::get_no_less && tells_sizes();
    return allocation::of(a.data(), wants_all ? after : change.size);
  }

  limited_options options_;
  number limit_{options_.limit};
  number used_{0};
  number peak_{0};
  number is_above_soft_{0};
};

}  // namespace ashlar
