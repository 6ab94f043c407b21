// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/thread_records.hpp"

#include "ashlar/manager/forkable_lock.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/os/thread.hpp"
#include "ashlar/os/thread_exit.hpp"

namespace ashlar {

namespace detail {

thread_local constinit record_cache records_of_thread{};

}  // namespace detail

namespace {

using detail::record_cache;
using detail::records_of_thread;

// Guards all states, all lists, and the numbers.
constinit forkable_lock process_lock;
constinit thread_records* first_manager = nullptr;
constinit std::uint64_t last_manager_number = 0;
constinit std::uint64_t last_thread_number = 0;
constinit os::thread_exit_hook exit_hook;

void remember(std::uint64_t manager_number, thread_record* record) {
  records_of_thread.entries[manager_number % record_cache::size] = {manager_number, record};
}

}  // namespace

/// What happens when a thread ends: its records are retired one by one. And when others do not come
/// along into the child of a fork.
struct ends_of_threads {
  static void run(void*) noexcept {
    // Destructors that run later find nothing here and claim again.
    for (record_cache::entry& e : records_of_thread.entries) e = {};
    while (thread_record* const record = begin_leaving()) {
      record->manager->retire_(*record);
      record->manager->give_back(*record);
    }
  }

  static void follow_forks() noexcept {
    static constinit std::atomic<bool> follows{false};
    if (!follows.exchange(true, std::memory_order_relaxed))
      (void)os::on_fork(nullptr, nullptr, lose_records_of_others);
  }

  static void lose_records_of_others() noexcept {
    const lock_guard guard(process_lock);
    for (const thread_records* m = first_manager; m != nullptr; m = m->next_)
      for (thread_record* r = m->first(); r != nullptr; r = r->next) {
        const bool is_ours = r->thread == records_of_thread.thread;
        const bool is_taken = r->is == thread_record::state::taken;
        if (r->is == thread_record::state::leaving || (is_taken && !is_ours))
          r->is = thread_record::state::lost;
      }
  }

  static thread_record* begin_leaving() noexcept {
    const lock_guard guard(process_lock);
    for (const thread_records* m = first_manager; m != nullptr; m = m->next_)
      for (thread_record* r = m->first(); r != nullptr; r = r->next)
        if (r->thread == records_of_thread.thread && r->is == thread_record::state::taken) {
          r->is = thread_record::state::leaving;
          return r;
        }
    return nullptr;
  }
};

thread_record* thread_records::claim() noexcept {
  (void)exit_hook.create(ends_of_threads::run);  // the first one does it
  ends_of_threads::follow_forks();
  // Before the lock: libc may allocate. If it cannot, the record stays taken when the thread ends,
  // and the manager gives all back at its own end.
  (void)exit_hook.arm(&records_of_thread);
  const lock_guard guard(process_lock);
  enter_process_list();
  if (records_of_thread.thread == 0) records_of_thread.thread = ++last_thread_number;
  thread_record* idle = nullptr;
  for (thread_record* r = first(); r != nullptr; r = r->next) {
    if (r->is == thread_record::state::idle) idle = r;
    if (r->is != thread_record::state::taken || r->thread != records_of_thread.thread) continue;
    remember(number_, r);
    return r;
  }
  if (idle != nullptr) take(*idle);
  return idle;
}

void thread_records::add(thread_record& fresh) noexcept {
  const lock_guard guard(process_lock);
  fresh.manager = this;
  fresh.next = first_.load(std::memory_order_relaxed);
  take(fresh);
  // release: pairs with the acquire in first(): whoever sees the record sees what is in it.
  first_.store(&fresh, std::memory_order_release);
}

// Requires: the lock is held.
void thread_records::take(thread_record& record) noexcept {
  record.is = thread_record::state::taken;
  record.thread = records_of_thread.thread;
  remember(number_, &record);
}

thread_record* thread_records::borrow(const thread_record* after) noexcept {
  const lock_guard guard(process_lock);
  thread_record* r = after != nullptr ? after->next : first();
  while (r != nullptr && r->is != thread_record::state::idle) r = r->next;
  if (r != nullptr) r->is = thread_record::state::leaving;
  return r;
}

void thread_records::give_back(thread_record& borrowed) noexcept {
  const lock_guard guard(process_lock);
  borrowed.is = thread_record::state::idle;
}

// Requires: the lock is held.
void thread_records::enter_process_list() noexcept {
  if (number_ != 0) return;
  store_relaxed(number_, ++last_manager_number);
  next_ = first_manager;
  if (next_ != nullptr) next_->previous_ = this;
  first_manager = this;
}

void thread_records::end() noexcept {
  for (;; os::yield()) {
    const lock_guard guard(process_lock);
    const thread_record* r = first();
    while (r != nullptr && r->is != thread_record::state::leaving) r = r->next;
    if (r != nullptr) continue;
    if (number_ == 0) return;
    (previous_ != nullptr ? previous_->next_ : first_manager) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    store_relaxed(number_, std::uint64_t{0});
    return;
  }
}

}  // namespace ashlar
