// SPDX-License-Identifier: MIT
// A manager that several threads may use, one at a time.
//
//     locked<arena> m(arena_options{.name = "shared"});
//
// Can do: what the part can, and it is thread-safe. The lock does not put blocks in order: threads
// that rewind, or share a part that frees the last block first, agree among themselves.
// Threads: thread-safe, if the part is used through here alone; fork included, unless a heap calls
// it (forkable_lock.hpp). `usage` takes no lock. Cost: about 20 cycles uncontended.
// `inner` does not lock. A visitor of a walk holds the lock: it must not use the manager.
#pragma once

#include "ashlar/manager/composed.hpp"
#include "ashlar/manager/forkable_lock.hpp"

namespace ashlar {

constexpr capability locked_rule(capability inner) {
  return (inner & (all_deeds | all_promises)) | capability::thread_safe;
}

template <part_type Part>
class locked : public wrapper<locked<Part>, Part> {
  using base = wrapper<locked, Part>;
  using base::part_;

 public:
  static constexpr const char* kind_name = "locked";
  static constexpr capability can_do = locked_rule(part<Part>::can);
  static constexpr capability promises = can_do & all_promises;

  constexpr locked() noexcept { start(nullptr); }
  /// Made from what makes the part (part.hpp): its options, a function that returns it, a manager
  /// to refer to, a handle. `name`: in the registry; outlives this.
  template <class From>
  explicit constexpr locked(From&& from, const char* name = nullptr) noexcept
      : base(std::forward<From>(from)) {
    start(name);
  }
  ~locked() { this->leave_registry(manager::parting::silent); }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    const lock_guard guard(mutex_);
    return part_.get().allocate(request, wanted);
  }
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    const lock_guard guard(mutex_);
    return part_.get().allocate_zeroed(request, wanted);
  }
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    const lock_guard guard(mutex_);
    part_.get().deallocate(b, alignment);
  }
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    const lock_guard guard(mutex_);
    return part_.get().reallocate(b, alignment, change);
  }
  bool owns(const void* p) const noexcept requires(has(can_do, capability::own)) {
    const lock_guard guard(mutex_);
    return part_.get().owns(p);
  }
  std::size_t usable_size(const void* p) const noexcept requires(has(can_do, capability::size)) {
    const lock_guard guard(mutex_);
    return part_.get().usable_size(p);
  }
  void deallocate(void* p) noexcept requires(has(can_do, capability::size)) {
    const lock_guard guard(mutex_);
    take_back_unsized(part_.get(), p);
  }
  void free_all() noexcept requires(has(can_do, capability::free_all)) {
    this->inner_blocks_ended();
    const lock_guard guard(mutex_);
    part_.get().free_all();
  }
  mark here() const noexcept requires(has(can_do, capability::rewind)) {
    const lock_guard guard(mutex_);
    return part_.get().here();
  }
  void rewind(mark place) noexcept requires(has(can_do, capability::rewind)) {
    const lock_guard guard(mutex_);
    part_.get().rewind(place);
  }
  void walk(block_visitor visitor) noexcept requires(has(can_do, capability::walk)) {
    const lock_guard guard(mutex_);
    part_.get().walk(visitor);
  }
  std::size_t trim(std::size_t keep = 0) noexcept requires(has(can_do, capability::trim)) {
    const lock_guard guard(mutex_);
    return part_.get().trim(keep);
  }

 private:
  constexpr void start(const char* name) noexcept {
    base::begin(locked_rule(part_.can_now()), part_.upstream(), name);
  }

  mutable manager_lock mutex_;
};

}  // namespace ashlar
