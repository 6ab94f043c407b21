// SPDX-License-Identifier: MIT
// How threads come by their local heaps, what becomes of these when threads end, and fork.
//
// A thread binds a local heap at its first slow operation: one left behind by a thread that ended
// if there is any (its bins still filled), else a new one. When a thread ends, its local heap
// becomes idle: other threads free into its slabs as before, may take slabs with room from it, and
// the next new thread adopts it whole. Only the first few idle ones keep their bins. Where a hard
// limit is near, running threads give slabs with room away, too.
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/heap_registry.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/os/entropy.hpp"
#include "ashlar/os/thread_exit.hpp"

namespace ashlar {

local_heap* heap::adopt_or_create() noexcept {
  {
    lock_guard guard(mutex_);
    if (local_heap* const h = idle_; h != nullptr) {
      store_relaxed(idle_, h->next_idle);
      --idle_count_;
      h->state = local_state::active;
      return h;
    }
  }
  local_heap* const h = local_heap::create(*this, route_tag_);
  if (h == nullptr) return nullptr;
  lock_guard guard(mutex_);
  h->next_in_heap = locals_;
  locals_ = h;
  return h;
}

local_heap* heap::bind(bin_set** binding, bin_set* unbound) noexcept {
  if (thread_is_ending || !ready_ || tells_) return nullptr;
  local_heap* const h = adopt_or_create();
  if (h == nullptr) return nullptr;
  h->binding = binding;
  h->unbound = unbound;
  h->next_of_thread = thread_locals;
  thread_locals = h;
  if (binding != nullptr) *binding = h;
  // May call back into malloc (a thread's first key beyond the inline ones): we are bound already.
  (void)os::arm_thread_exit(h);
  return h;
}

local_heap* heap::local() noexcept {
  local_heap* const h = bound_to_this_thread();
  return h != nullptr ? h : bind(nullptr, nullptr);
}

local_heap* heap::bound_to_this_thread() noexcept {
  local_heap** link = &thread_locals;
  while (local_heap* const h = *link) {
    // acquire: pairs with the release in abandon_locals(), which is done with `h` after it.
    heap* const home = __atomic_load_n(&h->home, __ATOMIC_ACQUIRE);
    if (home == nullptr) {  // its heap was destroyed
      *link = h->next_of_thread;
      local_heap::destroy(h);
      continue;
    }
    if (home == this) {
      *link = h->next_of_thread;  // most recently used first
      h->next_of_thread = thread_locals;
      thread_locals = h;
      return h;
    }
    link = &h->next_of_thread;
  }
  return nullptr;
}

void heap_registry::on_thread_exit(void*) noexcept {
  thread_is_ending = true;
  while (local_heap* const h = thread_locals) {
    thread_locals = h->next_of_thread;
    if (h->binding != nullptr) *h->binding = h->unbound;
    // Held throughout, so that the heap is not destroyed meanwhile.
    lock_guard guard(process_heaps.mutex_);
    if (h->home != nullptr)
      h->home->retire(*h);
    else  // its heap was destroyed while this thread lived
      local_heap::destroy(h);
  }
}

void heap::retire(local_heap& h) noexcept {
  h.binding = nullptr;
  h.next_of_thread = nullptr;
  bool keep_bins = false;
  {
    lock_guard guard(mutex_);
    keep_bins = idle_count_ < load_relaxed(idle_with_bins_);
  }
  if (!keep_bins) h.flush_all();
  lock_guard guard(mutex_);
  h.state = local_state::idle;
  h.next_idle = idle_;
  store_relaxed(idle_, &h);
  ++idle_count_;
}

// Whether memory is so short that threads are to share slabs: each one's own would use up what the
// limit leaves, being nearly empty.
bool heap::is_short() const noexcept {
  return limits_.hard != heap_limits::none && counted_bytes() > limits_.hard / 2;
}

namespace {

// Null if it has none with room.
slab* hand_over_slab(local_heap& from, size_class c, local_heap& taker) noexcept {
  lock_guard guard(from.mutex);
  slab* const s = from.partial[c].pop_front();
  if (s == nullptr) return nullptr;
  // `linked` stays set though it is in no list: so that a free which already finds the taker as
  // owner neither links it nor gives it away. The taker links it when it has its own lock.
  from.disown(*s);
  // release: pairs with the acquire of whoever puts a block back. They lock the taker, and must
  // see what was done under the lock of the owner before.
  s->owner.store(&taker, std::memory_order_release);
  return s;
}

}  // namespace

// Takes a slab with room of class `c` from an idle local heap. No local heap's lock is held.
slab* heap::take_idle_slab(size_class c, local_heap& taker) noexcept {
  lock_guard guard(mutex_);
  slab* s = nullptr;
  for (local_heap* h = idle_; h != nullptr && s == nullptr; h = h->next_idle)
    s = hand_over_slab(*h, c, taker);
  return s;
}

// As `take_idle_slab`, from any. Looks at a few, and next time at those behind them: where there
// are many, a look at all would cost more than a new slab.
slab* heap::take_any_slab(size_class c, local_heap& taker) noexcept {
  constexpr int most_looks = 8;
  lock_guard guard(mutex_);
  slab* s = nullptr;
  for (int i = 0; i < most_looks && s == nullptr; ++i) {
    if (looked_at_ != nullptr) looked_at_ = looked_at_->next_in_heap;
    if (looked_at_ == nullptr) looked_at_ = locals_;
    if (looked_at_ != &taker) s = hand_over_slab(*looked_at_, c, taker);
  }
  return s;
}

// Where there is no memory for another slab: takes a block of class `c`, or of one up to `last`,
// from one that is there, whichever thread's it is. No lock is held.
void* heap::take_left_over(size_class c, size_class last) noexcept {
  lock_guard guard(mutex_);
  void* p = nullptr;
  for (local_heap* h = locals_; h != nullptr && p == nullptr; h = h->next_in_heap)
    p = h->take_left_over(c, last);
  return p;
}

local_heap* heap::shared_local() noexcept {
  lock_guard guard(mutex_);
  if (shared_ != nullptr) return shared_;
  local_heap* const h = local_heap::create(*this, route_tag_);
  if (h == nullptr) return nullptr;
  h->state = local_state::shared;
  h->next_in_heap = locals_;
  locals_ = h;
  shared_ = h;
  return h;
}

void* heap::allocate_unbound(size_class c) noexcept {
  local_heap* const h = ready_ ? shared_local() : nullptr;
  return h == nullptr ? nullptr : h->take_one(c);
}

// Local heaps bound to running threads are left to those threads, which free them when they end;
// the others go at once.
void heap::abandon_locals() noexcept {
  lock_guard registry_guard(process_heaps.mutex());
  for (local_heap* h = locals_; h != nullptr;) {
    local_heap* const next = h->next_in_heap;
    h->release_slots();
    const bool mine = unlink_from_this_thread(*h);
    if (h->state == local_state::active && !mine)
      __atomic_store_n(&h->home, nullptr, __ATOMIC_RELEASE);
    else
      local_heap::destroy(h);
    h = next;
  }
  locals_ = idle_ = shared_ = looked_at_ = nullptr;
  idle_count_ = 0;
}

bool heap::unlink_from_this_thread(const local_heap& h) noexcept {
  for (local_heap** link = &thread_locals; *link != nullptr; link = &(*link)->next_of_thread) {
    if (*link != &h) continue;
    *link = h.next_of_thread;
    if (h.binding != nullptr) *h.binding = h.unbound;
    return true;
  }
  return false;
}

// --- fork ---

void heap::lock_all() noexcept {
  mutex_.acquire();
  for (local_heap* h = locals_; h != nullptr; h = h->next_in_heap) h->mutex.acquire();
  store_.mutex().acquire();
}

void heap::unlock_all() noexcept {
  store_.mutex().release();
  for (local_heap* h = locals_; h != nullptr; h = h->next_in_heap) h->mutex.release();
  mutex_.release();
}

void heap::lock_headers() noexcept {
  mutex_.acquire();
  store_.mutex().acquire();
}

void heap::unlock_headers() noexcept {
  store_.mutex().release();
  mutex_.release();
}

void heap::lock_for_fork() noexcept {
  mutex_.acquire_for_fork();
  for (local_heap* h = locals_; h != nullptr; h = h->next_in_heap) h->mutex.acquire_for_fork();
  store_.lock_for_fork();
}

void heap::unlock_after_fork() noexcept {
  store_.mutex().release_after_fork();
  for (local_heap* h = locals_; h != nullptr; h = h->next_in_heap) h->mutex.release_after_fork();
  mutex_.release_after_fork();
}

// In the child only the forking thread exists. The slabs of the others are whole, for their locks
// were held. What lay in their bins is not trusted: those threads were running,
// and the copy may have caught a bin between its stack and its top. It stays allocated for ever;
// that is bounded by the capacity of the bins.
void heap::repair_after_fork() noexcept {
  store_.mutex().reset_after_fork();
  std::uint64_t seed = 0;
  for (local_heap* h = locals_; h != nullptr; h = h->next_in_heap) {
    h->mutex.reset_after_fork();
    if (h->sampled.state == local_state::sampling) {
      if (seed == 0) (void)os::fill_random(&seed, sizeof seed);
      h->draw_anew(seed);
    }
    if (h->state != local_state::active) continue;
    bool mine = false;
    for (const local_heap* m = thread_locals; m != nullptr; m = m->next_of_thread) mine |= m == h;
    if (mine) continue;
    h->drop_bins();
    h->binding = nullptr;
    h->next_of_thread = nullptr;
    h->state = local_state::idle;
    h->next_idle = idle_;
    idle_ = h;
    ++idle_count_;
  }
  mutex_.reset_after_fork();
}

}  // namespace ashlar
