// SPDX-License-Identifier: MIT
#include "ashlar/manager/arena/shared_arena.hpp"

#include "ashlar/manager/arena/ended_range.hpp"
#include "ashlar/manager/backing_scope.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/os/thread_exit.hpp"

namespace ashlar {

/// At the start of the memory that it describes.
struct shared_arena::run {
  run* next;
  std::byte* end;
  std::size_t size;
  std::size_t alignment;
  std::size_t used;  // while it is retired

  std::byte* memory() { return reinterpret_cast<std::byte*>(this); }
  std::byte* data() { return memory() + sizeof(run); }
};

/// All shared arenas, for threads that end. Lock order: this one before an arena's.
class shared_arena_registry {
 public:
  static void enter(shared_arena& a) noexcept {
    follow_forks();
    lock_guard guard(mutex_);
    a.next_ = first_;
    if (first_ != nullptr) first_->previous_ = &a;
    first_ = &a;
  }
  static void leave(shared_arena& a) noexcept {
    lock_guard guard(mutex_);
    (a.previous_ != nullptr ? a.previous_->next_ : first_) = a.next_;
    if (a.next_ != nullptr) a.next_->previous_ = a.previous_;
  }
  /// In a child of fork: what the threads had that did not come along is for whoever comes.
  static void on_fork_in_child() noexcept {
    lock_guard guard(mutex_);
    for (shared_arena* a = first_; a != nullptr; a = a->next_) a->leave_slots_but_of(&cache);
  }
  static void on_thread_exit(void* thread) noexcept {
    lock_guard guard(mutex_);
    for (shared_arena* a = first_; a != nullptr; a = a->next_) a->leave_slots_of(thread);
    for (shared_arena::cached_slot& c : shared_arena_registry::cache) c = {};
  }

  static thread_local constinit shared_arena::cached_slot cache[shared_arena::cached_count];

 private:
  static void follow_forks() noexcept {
    static constinit std::atomic<bool> follows{false};
    if (!follows.exchange(true, std::memory_order_relaxed))
      (void)os::on_fork(nullptr, nullptr, on_fork_in_child);
  }

  static constinit forkable_lock mutex_;
  static constinit shared_arena* first_;
};

constinit forkable_lock shared_arena_registry::mutex_;
constinit shared_arena* shared_arena_registry::first_ = nullptr;
thread_local constinit shared_arena::cached_slot
    shared_arena_registry::cache[shared_arena::cached_count] = {};

namespace {

using registry = shared_arena_registry;

constinit os::thread_exit_hook hook;

// Never given twice: what a thread remembers of an arena that ended means no other one.
std::uint64_t next_id() noexcept {
  static constinit std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;  // relaxed: only a number
}

// Names the calling thread while it lives.
const void* this_thread() noexcept { return &registry::cache; }

std::size_t gap_at(const std::byte* p, std::size_t alignment) {
  return (0 - address_of(p)) & (alignment - 1);
}

}  // namespace

shared_arena::shared_arena(const shared_arena_options& options) noexcept
    : manager(ops_for<shared_arena>,
              options.upstream ? options.upstream.get() : static_cast<manager*>(&system_os())),
      id_(next_id()),
      options_(options) {
  registry::enter(*this);
  join_registry(options.name);
}

shared_arena::~shared_arena() {
  leave_registry();
  registry::leave(*this);
  free_all();
  slot* s = slots_.load(std::memory_order_relaxed);  // relaxed: no other thread is here
  while (s != nullptr) {
    slot* const next = s->next;
    upstream_handle().deallocate({s, s->size}, alignof(slot));
    s = next;
  }
}

shared_arena::cached_slot& shared_arena::cached(std::uint64_t arena) noexcept {
  return registry::cache[arena % cached_count];
}

// --- pushing -------------------------------------------------------------------------------------

allocation shared_arena::allocate(layout request, fit wanted) noexcept {
  const cached_slot& c = cached(id_);
  // acquire: pairs with the release in clear(): what was done before it is seen by this thread.
  if (c.arena == id_ && c.mine->epoch == epoch_.load(std::memory_order_acquire)) [[likely]] {
    std::byte* p = nullptr;
    if (take(*c.mine, request, p)) [[likely]]
      return allocation::of(p, request.size);
  }
  return allocate_slow(request, wanted);
}

ASHLAR_COLD allocation shared_arena::allocate_slow(layout request, fit wanted) noexcept {
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  if (request.size > max_size / 2 || request.alignment > max_size / 4)
    return allocation::failed(status::too_large);
  const layout needed{at_least_one(request.size), request.alignment};
  slot* const s = find_slot();
  if (s == nullptr) return allocation::failed(status::no_memory);
  lock_guard guard(mutex_);
  refresh(*s);
  std::byte* p = nullptr;
  if (!take(*s, needed, p)) {
    const bool is_large = needed.size + needed.alignment > options_.run_size / 4;
    const allocation a = is_large ? push_large(needed) : push_into_new_run(*s, needed);
    if (!a) return a;
    p = static_cast<std::byte*>(a.data());
  }
  return allocation::of(p, wanted == fit::get_exact ? request.size : needed.size);
}

// The contents of the run have ended since this thread was here last.
void shared_arena::refresh(slot& s) noexcept {
  const std::uint64_t now = epoch_.load(std::memory_order_relaxed);  // relaxed: under the lock
  if (s.epoch == now) return;
  run* const r = s.current;
  store_relaxed(s.start, r != nullptr ? r->data() : nullptr);
  store_relaxed(s.cur, s.start);
  store_relaxed(s.end, r != nullptr ? r->end : nullptr);
  store_relaxed(s.epoch, now);
}

// A run that ends retired at once: nobody else pushes onto it.
allocation shared_arena::push_large(layout needed) noexcept {
  const std::size_t total = align_up(sizeof(run), needed.alignment) + needed.size;
  run* r = take_idle(needed, total * 2);
  if (r == nullptr) {
    const allocation a = take_new(needed, total);
    if (!a) return a;
    r = static_cast<run*>(a.data());
  }
  r->used = needed.size;
  store_relaxed(retired_used_, retired_used_ + r->used);
  put(*r, retired_);
  std::byte* const data = r->data();
  return allocation::of(data + gap_at(data, needed.alignment), needed.size);
}

// The full run is retired only when there is another one: a refusal changes nothing.
allocation shared_arena::push_into_new_run(slot& s, layout needed) noexcept {
  run* r = take_idle(needed, max_size);
  if (r == nullptr) {
    const std::size_t total = align_up(sizeof(run), needed.alignment) + needed.size;
    allocation a = take_new(needed, larger(options_.run_size, total));
    if (!a && options_.run_size > total) a = take_new(needed, total);
    if (!a) return a;
    r = static_cast<run*>(a.data());
  }
  if (run* const full = s.current; full != nullptr) {
    full->used = static_cast<std::size_t>(s.cur - full->data());
    store_relaxed(retired_used_, retired_used_ + full->used);
    put(*full, retired_);
  }
  s.current = r;
  store_relaxed(s.start, r->data());
  store_relaxed(s.cur, r->data());
  store_relaxed(s.end, r->end);
  std::byte* p = nullptr;
  (void)take(s, needed, p);
  return allocation::of(p, needed.size);
}

// --- slots ---------------------------------------------------------------------------------------

// The slot of this thread: its own, one that was left, or a new one. Null: no memory.
shared_arena::slot* shared_arena::find_slot() noexcept {
  cached_slot& c = cached(id_);
  if (c.arena == id_) return c.mine;
  const void* const self = this_thread();
  (void)hook.create(registry::on_thread_exit);
  // If this fails, the slot stays this thread's: it is lost to others until the arena ends.
  (void)hook.arm(const_cast<void*>(self));
  lock_guard guard(mutex_);
  slot* found = nullptr;
  slot* const first = slots_.load(std::memory_order_relaxed);  // relaxed: changed under the lock
  for (slot* s = first; s != nullptr; s = s->next) {
    if (s->owner == self) found = s;
    if (s->owner == nullptr && found == nullptr) found = s;
  }
  if (found == nullptr) found = make_slot();
  if (found == nullptr) return nullptr;
  found->owner = self;
  c = {id_, found};
  return found;
}

shared_arena::slot* shared_arena::make_slot() noexcept {
  const backing_scope counted(*this);
  const allocation a = upstream_handle().allocate({sizeof(slot), alignof(slot)}, fit::get_no_less);
  if (!a) return nullptr;
  slot* const s = ::new (a.data()) slot{};
  s->size = a.size();
  s->next = slots_.load(std::memory_order_relaxed);  // relaxed: changed under the lock
  slots_.store(s, std::memory_order_release);        // release: pairs with the acquire in usage()
  store_relaxed(held_, held_ + s->size);
  return s;
}

void shared_arena::leave_slots_of(const void* thread) noexcept {
  lock_guard guard(mutex_);
  slot* const first = slots_.load(std::memory_order_relaxed);  // relaxed: changed under the lock
  for (slot* s = first; s != nullptr; s = s->next)
    if (s->owner == thread) s->owner = nullptr;
}

// The window of a slot is one word, which its thread moves in one step; all else changes under the
// lock. So a slot is whole wherever its thread was at the fork.
void shared_arena::leave_slots_but_of(const void* thread) noexcept {
  lock_guard guard(mutex_);
  slot* const first = slots_.load(std::memory_order_relaxed);  // relaxed: changed under the lock
  for (slot* s = first; s != nullptr; s = s->next)
    if (s->owner != thread) s->owner = nullptr;
}

// --- runs ----------------------------------------------------------------------------------------

void shared_arena::put(run& r, run*& list) noexcept {
  r.next = list;
  list = &r;
}

// An idle run with room. A large block takes none that it would use less than half of.
shared_arena::run* shared_arena::take_idle(layout needed, std::size_t most) noexcept {
  for (run** link = &idle_; *link != nullptr; link = &(*link)->next) {
    run* const r = *link;
    const auto room = static_cast<std::size_t>(r->end - r->data());
    const std::size_t gap = gap_at(r->data(), needed.alignment);
    if (r->size > most || gap > room || needed.size > room - gap) continue;
    *link = r->next;
    idle_size_ -= r->size;
    return r;
  }
  return nullptr;
}

allocation shared_arena::take_new(layout needed, std::size_t size) noexcept {
  const std::size_t alignment = larger(alignof(run), needed.alignment);
  const std::size_t cost = align_up(sizeof(run), alignment);
  const backing_scope counted(*this);
  const allocation a = upstream_handle().allocate({size, alignment}, fit::get_no_less);
  if (!a) {
    if (a.reason() != status::not_enough_memory) return a;
    return allocation::failed(a.reason(), a.would_fit() > cost ? a.would_fit() - cost : 0);
  }
  auto* const end = static_cast<std::byte*>(a.data()) + a.size();
  ::new (a.data()) run{nullptr, end, a.size(), alignment, 0};
  store_relaxed(held_, held_ + a.size());
  return a;
}

void shared_arena::give_back(run& r) noexcept {
  store_relaxed(held_, held_ - r.size);
  upstream_handle().deallocate({r.memory(), r.size}, r.alignment);
}

// --- letting go ----------------------------------------------------------------------------------

// Before the epoch steps on: of what a thread pushes from then on, nothing has ended.
void shared_arena::end_blocks_in_runs() noexcept {
  const slot* const first = slots_.load(std::memory_order_relaxed);  // relaxed: under the lock
  for (const slot* s = first; s != nullptr; s = s->next)
    if (run* const r = s->current; r != nullptr) detail::inner_blocks_ended_in(r->data(), r->end);
  for (run* r = retired_; r != nullptr; r = r->next)
    detail::inner_blocks_ended_in(r->data(), r->end);
}

void shared_arena::clear() noexcept {
  lock_guard guard(mutex_);
  end_blocks_in_runs();
  // release: pairs with the acquire in allocate().
  epoch_.fetch_add(1, std::memory_order_release);
  while (retired_ != nullptr) {
    run& r = *retired_;
    retired_ = r.next;
    idle_size_ += r.size;
    put(r, idle_);
  }
  store_relaxed(retired_used_, std::size_t{0});
  (void)trim_idle(options_.keep);
}

void shared_arena::free_all() noexcept {
  clear();
  lock_guard guard(mutex_);
  slot* const first = slots_.load(std::memory_order_relaxed);  // relaxed: changed under the lock
  for (slot* s = first; s != nullptr; s = s->next) {
    if (s->current != nullptr) give_back(*s->current);
    s->current = nullptr;
  }
  (void)trim_idle(0);
}

std::size_t shared_arena::trim(std::size_t keep) noexcept {
  lock_guard guard(mutex_);
  return trim_idle(keep);
}

std::size_t shared_arena::trim_idle(std::size_t keep) noexcept {
  std::size_t given_back = 0;
  while (idle_ != nullptr && idle_size_ > keep) {
    run& r = *idle_;
    idle_ = r.next;
    idle_size_ -= r.size;
    given_back += r.size;
    give_back(r);
  }
  return given_back;
}

// --- what it says of itself ----------------------------------------------------------------------

bool shared_arena::owns(const void* p) const noexcept {
  const auto* const byte = static_cast<const std::byte*>(p);
  lock_guard guard(mutex_);
  bool found = false;
  for (run* r = retired_; r != nullptr; r = r->next)
    found = found || (byte >= r->data() && byte < r->end);
  const slot* const first = slots_.load(std::memory_order_relaxed);  // relaxed: under the lock
  for (const slot* s = first; s != nullptr; s = s->next)
    found =
        found || (s->current != nullptr && byte >= s->current->data() && byte < s->current->end);
  return found;
}

// Words of a slot are read one by one while its owner may change them: what they say together may
// mean nothing, but it is never more than all.
manager_usage shared_arena::usage() const noexcept {
  const std::size_t held = load_relaxed(held_);
  std::size_t used = load_relaxed(retired_used_);
  const std::uint64_t now = epoch_.load(std::memory_order_relaxed);  // relaxed: for figures
  // acquire: pairs with the release in make_slot().
  for (const slot* s = slots_.load(std::memory_order_acquire); s != nullptr; s = s->next) {
    if (load_relaxed(s->epoch) != now) continue;
    const auto in_run = static_cast<std::size_t>(load_relaxed(s->cur) - load_relaxed(s->start));
    used += smaller(in_run, held);
  }
  return {.used = smaller(used, held), .held = held};
}

bool shared_arena::check_invariants() const noexcept {
  lock_guard guard(mutex_);
  std::size_t held = 0;
  std::size_t idle = 0;
  for (const run* r = idle_; r != nullptr; r = r->next) idle += r->size;
  for (const run* r = retired_; r != nullptr; r = r->next) held += r->size;
  const slot* const first = slots_.load(std::memory_order_relaxed);  // relaxed: under the lock
  for (const slot* s = first; s != nullptr; s = s->next)
    held += s->size + (s->current != nullptr ? s->current->size : 0);
  return idle == idle_size_ && held + idle == held_;
}

}  // namespace ashlar
