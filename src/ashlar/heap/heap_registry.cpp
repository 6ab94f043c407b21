// SPDX-License-Identifier: MIT
#include "ashlar/heap/heap_registry.hpp"

#include <bit>

#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/os/thread_exit.hpp"

namespace ashlar {

constinit heap_registry process_heaps;
constinit thread_local local_heap* thread_locals = nullptr;
constinit thread_local bool thread_is_ending = false;

bool heap_registry::start() noexcept {
  lock_guard guard(mutex_);
  if (started_) return true;
  if (!process_page_map.initialize().ok()) return false;
  if (!hooked_) {
    (void)os::on_thread_exit(on_thread_exit);
    (void)os::on_fork(before_fork, after_fork_in_parent, after_fork_in_child);
  }
  started_ = hooked_ = true;
  return true;
}

void heap_registry::stop() noexcept {
  lock_guard guard(mutex_);
  started_ = false;
}

void heap_registry::add(heap& h) noexcept {
  lock_guard guard(mutex_);
  h.prev_ = nullptr;
  h.next_ = first_;
  if (first_ != nullptr) first_->prev_ = &h;
  first_ = &h;
}

void heap_registry::remove(heap& h) noexcept {
  lock_guard guard(mutex_);
  (h.prev_ != nullptr ? h.prev_->next_ : first_) = h.next_;
  if (h.next_ != nullptr) h.next_->prev_ = h.prev_;
}

std::uint32_t heap_registry::take_owner_number() noexcept {
  lock_guard guard(mutex_);
  constexpr std::uint32_t words = page_map::owner_limit / 64;
  for (std::uint32_t i = 0; i < words; ++i) {
    const std::uint32_t w = (owner_hint_ + i) % words;
    if (owners_[w] == ~std::uint64_t{0}) continue;
    const auto bit = static_cast<std::uint32_t>(std::countr_one(owners_[w]));
    const std::uint32_t number = w * 64 + bit;
    if (number == shared_owner) continue;
    owners_[w] |= std::uint64_t{1} << bit;
    owner_hint_ = w;
    return number;
  }
  return shared_owner;
}

void heap_registry::give_owner_number(std::uint32_t number) noexcept {
  lock_guard guard(mutex_);
  give_owner_number_locked(number);
}

void heap_registry::give_owner_number_locked(std::uint32_t number) noexcept {
  if (number == shared_owner) return;
  owners_[number / 64] &= ~(std::uint64_t{1} << (number % 64));
}

bool heap_registry::reclaim(std::size_t wanted) noexcept {
  bool any = false;
  for (const reclaimer& r : reclaimers_)
    if (r.call != nullptr) any |= r.call(r.context, wanted);
  return any;
}

bool register_reclaimer(void* context, bool (*reclaim)(void*, std::size_t)) noexcept {
  lock_guard guard(process_heaps.mutex_);
  for (auto& r : process_heaps.reclaimers_) {
    if (r.call != nullptr) continue;
    r = {context, reclaim};
    return true;
  }
  return false;
}

void unregister_reclaimer(void* context) noexcept {
  lock_guard guard(process_heaps.mutex_);
  for (auto& r : process_heaps.reclaimers_)
    if (r.context == context) r = {};
}

// Lock order in a fork: registry, then every heap (its list, its local heaps, its store), then the
// metadata. Everything below is a leaf.
void heap_registry::before_fork() {
  process_heaps.mutex_.acquire();
  for (heap* h = process_heaps.first_; h != nullptr; h = h->next_) h->lock_all();
  process_metadata.mutex().acquire();
  process_page_map.growth_mutex().acquire();
}

void heap_registry::after_fork_in_parent() {
  process_page_map.growth_mutex().release();
  process_metadata.mutex().release();
  for (heap* h = process_heaps.first_; h != nullptr; h = h->next_) h->unlock_all();
  process_heaps.mutex_.release();
}

void heap_registry::after_fork_in_child() {
  process_page_map.growth_mutex().reset_after_fork();
  process_metadata.mutex().reset_after_fork();
  for (heap* h = process_heaps.first_; h != nullptr; h = h->next_) h->repair_after_fork();
  process_heaps.mutex_.reset_after_fork();
}

}  // namespace ashlar
