// SPDX-License-Identifier: MIT
#include "ashlar/manager/forkable_lock.hpp"

#include "ashlar/manager/memory_system.hpp"
#include "ashlar/os/wait.hpp"

namespace ashlar {

namespace {

constinit lock list_lock;
constinit forkable_lock* first = nullptr;

}  // namespace

constinit std::atomic<std::uint32_t> forkable_lock::gate_{forkable_lock::open};

void forkable_lock::pass_gate() noexcept {
  while (gate_.load(std::memory_order_relaxed) == closed && locks_of_this_thread == 0 &&
         !thread_is_forking)
    os::wait(gate_, closed);
}

void forkable_lock::enter() noexcept {
  pass_gate();
  if (is_listed()) return;
  system().watch_forks();
  const lock_guard guard(list_lock);
  if (is_listed_.load(std::memory_order_relaxed)) return;  // relaxed: written under the lock
  next_ = first;
  if (first != nullptr) first->previous_ = this;
  first = this;
  is_listed_.store(true, std::memory_order_release);
}

void forkable_lock::leave() noexcept {
  const lock_guard guard(list_lock);
  (previous_ != nullptr ? previous_->next_ : first) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

bool forkable_lock::try_hold_all_for_fork() noexcept {
  gate_.store(closed, std::memory_order_relaxed);
  list_lock.acquire();
  forkable_lock* busy = first;
  while (busy != nullptr && busy->lock_.try_acquire()) busy = busy->next_;
  for (forkable_lock* l = first; l != busy; l = l->next_) {
    if (busy != nullptr)
      l->lock_.release();
    else
      l->lock_.hold_for_fork();
  }
  if (busy != nullptr)
    list_lock.release();
  else
    list_lock.hold_for_fork();
  return busy == nullptr;
}

void forkable_lock::release_all_after_fork(bool in_child) noexcept {
  for (forkable_lock* l = first; l != nullptr; l = l->next_) l->lock_.end_fork(in_child);
  list_lock.end_fork(in_child);
  gate_.store(open, std::memory_order_relaxed);
  os::wake_all(gate_);
}

}  // namespace ashlar
