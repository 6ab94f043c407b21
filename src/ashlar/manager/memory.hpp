// SPDX-License-Identifier: MIT
// The handle that containers take: one word that stands for any manager.
//
//     void load(ashlar::memory m) {
//       ashlar::allocation a = m.allocate({64, 16});
//       if (!a) return report(a.reason());
//       ...
//       m.deallocate(a.get(), 16);
//     }
//
// What the manager cannot do itself is done for it where that is possible: zeroing, moving a block.
// Cost: 16 instructions for a block from an open window (an arena's), 7 if its size is known when
// compiling; else one indirect call. Threads: as the manager.
#pragma once

#include "ashlar/manager/manager.hpp"

namespace ashlar {

class ASHLAR_EXPORT memory {
 public:
  /// Stands for no manager; only `explicit operator bool` may be asked.
  constexpr memory() = default;
  constexpr memory(manager& m) noexcept : manager_(&m) {}  // NOLINT(google-explicit-constructor)

  constexpr explicit operator bool() const { return manager_ != nullptr; }
  constexpr manager* get() const { return manager_; }

  /// Returns a block, or the reason why not.
  allocation allocate(layout request, fit wanted = fit::get_exact) const noexcept {
    manager& m = *manager_;
    std::byte* p = nullptr;
    if (m.take(request, p)) [[likely]]
      return allocation::of(p, request.size);
    return m.ops_->allocate(m, request, wanted);
  }

  /// As `allocate`, with every byte zero. Managers that know their memory to be zero clear nothing.
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) const noexcept;

  /// Takes a block of this manager back, with the alignment it was asked for. An empty block is
  /// ignored.
  void deallocate(block b, std::size_t alignment = default_alignment) const noexcept {
    manager_->ops_->deallocate(*manager_, b, alignment);
  }

  /// Resizes a block: in place if the manager can, else by moving if `change.may_move`. The outcome
  /// tells them apart by its address. An empty block is allocated. Errors: the reason
  /// (`unsupported`: it would have had to move, or the manager is LIFO only and cannot resize); the
  /// block is as it was.
  allocation reallocate(block b, std::size_t alignment, const resize& change) const noexcept;

  bool can(capability wanted) const { return manager_->can(wanted); }
  /// Requires: `can(capability::own)`.
  bool owns(const void* p) const noexcept { return manager_->ops_->owns(*manager_, p); }
  /// Requires: `can(capability::size)`; `p` is a live block.
  std::size_t usable_size(const void* p) const noexcept {
    return manager_->ops_->usable_size(*manager_, p);
  }
  /// Requires: `can(capability::free_all)`.
  void free_all() const noexcept { manager_->ops_->free_all(*manager_); }
  /// Requires: `can(capability::rewind)`.
  mark here() const noexcept { return manager_->ops_->here(*manager_); }
  void rewind(mark place) const noexcept { manager_->ops_->rewind(*manager_, place); }
  /// Requires: `can(capability::walk)`.
  void walk(block_visitor visitor) const noexcept { manager_->ops_->walk(*manager_, visitor); }
  /// Gives idle memory back until `keep` bytes of it are left. Returns the bytes given back: 0 if
  /// the manager cannot.
  std::size_t trim(std::size_t keep = 0) const noexcept {
    return can(capability::trim) ? manager_->ops_->trim(*manager_, keep) : 0;
  }
  manager_usage usage() const noexcept { return manager_->ops_->usage(*manager_); }

  const char* name() const { return manager_->name(); }
  const char* kind() const { return manager_->kind(); }
  const manager& root() const noexcept { return manager_->root(); }
  os_manager& os() const noexcept { return manager_->os(); }

  /// Two handles are equal when a block of one may be given to the other.
  friend bool operator==(memory a, memory b) { return a.manager_ == b.manager_; }

 private:
  manager* manager_ = nullptr;
};

}  // namespace ashlar
