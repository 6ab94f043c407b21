// SPDX-License-Identifier: MIT
// Fork: locks are held over it, and the child keeps what the threads that it lacks have counted.
#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/fork.hpp"

namespace ashlar::observe {

void tracker::follow_forks() noexcept {
  if (__atomic_exchange_n(&follows_forks_, true, __ATOMIC_RELAXED)) return;
  (void)os::on_fork(before_fork, after_fork_in_parent, after_fork_in_child);
}

void tracker::before_fork() {
  tracker& self = process_tracker();
  self.late_mutex_.acquire_for_fork();
  self.mutex_.acquire_for_fork();
  self.sites.mutex().acquire_for_fork();
  self.tags.mutex().acquire_for_fork();
  self.inner.mutex().acquire_for_fork();
}

void tracker::after_fork_in_parent() {
  tracker& self = process_tracker();
  self.inner.mutex().release_after_fork();
  self.tags.mutex().release_after_fork();
  self.sites.mutex().release_after_fork();
  self.mutex_.release_after_fork();
  self.late_mutex_.release_after_fork();
}

// Only the forking thread exists in the child. The cells of the others are as they were: each
// number is whole.
void tracker::after_fork_in_child() {
  tracker& self = process_tracker();
  self.inner.mutex().reset_after_fork();
  self.tags.mutex().reset_after_fork();
  self.sites.mutex().reset_after_fork();
  self.late_mutex_.reset_after_fork();
  self.mutex_.reset_after_fork();
  self.fold_others();
  self.count_anew();
}

void tracker::fold_others() noexcept {
  lock_guard late_guard(late_mutex_);
  lock_guard guard(mutex_);
  for (thread_tally* t = first_; t != nullptr;) {
    thread_tally* const next = t->next;
    if (t != this_thread().tally) {
      if (t->number != 0) store_relaxed(threads_[t->number].ended, std::uint32_t{1});
      fold(*t);
    }
    t = next;
  }
}

}  // namespace ashlar::observe
