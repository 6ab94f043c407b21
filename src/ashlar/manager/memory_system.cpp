// SPDX-License-Identifier: MIT
#include "ashlar/manager/memory_system.hpp"

#include <cstring>

#include "ashlar/manager/forkable_lock.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar {

namespace {

constinit memory_system process_system;

constinit thread_local bool thread_is_reclaiming = false;

}  // namespace

memory_system& system() noexcept { return process_system; }

void memory_system::for_each(void* context,
                             bool (*visit)(void*, const manager&, unsigned)) noexcept {
  lock_guard guard(mutex_);
  (void)visit_children(nullptr, 0, context, visit);
}

bool memory_system::visit_children(const manager* parent, unsigned depth, void* context,
                                   bool (*visit)(void*, const manager&, unsigned)) noexcept {
  for (const manager* m = first_; m != nullptr; m = m->next_) {
    if (named_ancestor(*m) != parent) continue;
    if (!visit(context, *m, depth)) return false;
    if (!visit_children(m, depth + 1, context, visit)) return false;
  }
  return true;
}

const manager* memory_system::named_ancestor(const manager& m) noexcept {
  const manager* up = m.upstream();
  while (up != nullptr && up->name() == nullptr) up = up->upstream();
  return up;
}

manager* memory_system::find(const char* name) noexcept {
  lock_guard guard(mutex_);
  manager* m = last_;
  while (m != nullptr && std::strcmp(m->name_, name) != 0) m = m->previous_;
  return m;
}

// One that counts nothing has not counted what a child holds either.
const manager* memory_system::counting_ancestor(const manager& m) noexcept {
  const manager* up = named_ancestor(m);
  while (up != nullptr && up->ops().usage(*up).used == manager_usage::unknown)
    up = named_ancestor(*up);
  return up;
}

manager_usage memory_system::total() noexcept {
  lock_guard guard(mutex_);
  manager_usage sum;
  std::size_t counted_twice = 0;
  for (const manager* m = first_; m != nullptr; m = m->next_) {
    const manager_usage one = m->ops().usage(*m);
    const std::size_t held = one.held == manager_usage::unknown ? 0 : one.held;
    sum.used += one.used == manager_usage::unknown ? 0 : one.used;
    (counting_ancestor(*m) != nullptr ? counted_twice : sum.held) += held;
  }
  // Read one by one, they need not fit together.
  sum.used -= counted_twice < sum.used ? counted_twice : sum.used;
  return sum;
}

void memory_system::enter(manager& m, const char* name) noexcept {
  watch_forks();
  lock_guard guard(mutex_);
  m.name_ = name;
  m.previous_ = last_;
  m.next_ = nullptr;
  (last_ != nullptr ? last_->next_ : first_) = &m;
  last_ = &m;
}

void memory_system::leave(manager& m) noexcept {
  lock_guard guard(mutex_);
  (m.previous_ != nullptr ? m.previous_->next_ : first_) = m.next_;
  (m.next_ != nullptr ? m.next_->previous_ : last_) = m.previous_;
  m.name_ = nullptr;
}

bool memory_system::add_reclaimer(void* context,
                                  bool (*call)(void* context, std::size_t wanted)) noexcept {
  watch_forks();
  lock_guard guard(mutex_);
  for (reclaimer& r : reclaimers_) {
    if (r.call != nullptr) continue;
    r = {context, call};
    return true;
  }
  return false;
}

void memory_system::remove_reclaimer(void* context) noexcept {
  lock_guard guard(mutex_);
  for (reclaimer& r : reclaimers_)
    if (r.context == context) r = {};
}

bool memory_system::reclaim(std::size_t wanted) noexcept {
  if (thread_is_reclaiming) return false;
  thread_is_reclaiming = true;
  bool any = false;
  for (const reclaimer& entry : reclaimers_) {
    mutex_.acquire();
    const reclaimer r = entry;
    mutex_.release();  // the call may allocate
    if (r.call != nullptr) any |= r.call(r.context, wanted);
  }
  thread_is_reclaiming = false;
  return any;
}

// Not under the lock: it may allocate, and run out, and call the reclaimers.
void memory_system::watch_forks() noexcept {
  if (watches_forks_.exchange(true)) return;
  // First, so that its locks, which managers come to under theirs, are taken after those.
  observe::process_tracker().follow_forks();
  (void)os::on_fork(before_fork, after_fork_in_parent, after_fork_in_child);
}

// Two handlers want the lock in one fork, the heap's and our own, in the order in which they were
// registered. Whichever comes first takes it, and the same one gives it back: in between, handlers
// of the program may name managers, and are let through as parts of the forking thread.
bool memory_system::lock_for_fork() noexcept {
  if (thread_is_forking) return false;
  // Who holds a manager's lock may want ours.
  mutex_.acquire();
  while (!forkable_lock::try_hold_all_for_fork()) {
    mutex_.release();
    os::yield();
    mutex_.acquire();
  }
  mutex_.hold_for_fork();
  thread_is_forking = true;
  return true;
}

void memory_system::unlock_after_fork(bool in_child) noexcept {
  thread_is_forking = false;
  forkable_lock::release_all_after_fork(in_child);
  mutex_.end_fork(in_child);
}

// `took_lock_` is written when the lock is held, by the heap's handler or by us.
void memory_system::before_fork() noexcept {
  const bool took = process_system.lock_for_fork();
  process_system.took_lock_ = took;
}

void memory_system::after_fork_in_parent() noexcept {
  if (process_system.took_lock_) process_system.unlock_after_fork(false);
}

void memory_system::after_fork_in_child() noexcept {
  if (process_system.took_lock_) process_system.unlock_after_fork(true);
}

}  // namespace ashlar
