// SPDX-License-Identifier: MIT
#include "ashlar/heap/heap_registry.hpp"

#include <bit>

#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/manager/memory_system.hpp"
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

std::uint32_t heap_registry::take_number() noexcept {
  lock_guard guard(mutex_);
  for (std::uint32_t w = 0; w < page_map::number_limit / 64; ++w) {
    if (numbers_[w] == ~std::uint64_t{0}) continue;
    const auto bit = static_cast<std::uint32_t>(std::countr_one(numbers_[w]));
    const std::uint32_t number = w * 64 + bit;
    if (number == no_number) break;
    numbers_[w] |= std::uint64_t{1} << bit;
    return number;
  }
  return no_number;
}

void heap_registry::give_number(std::uint32_t number) noexcept {
  if (number == no_number) return;
  lock_guard guard(mutex_);
  numbers_[number / 64] &= ~(std::uint64_t{1} << (number % 64));
}

// Lock order in a fork: memory system and managers (a reclaimer, or a manager, may use a heap),
// registry, then every heap (its list, its local heaps, its store), then the metadata. Everything
// below is a leaf.
void heap_registry::before_fork() {
  process_heaps.took_system_ = system().lock_for_fork();
  process_heaps.mutex_.acquire_for_fork();
  for (heap* h = process_heaps.first_; h != nullptr; h = h->next_) h->lock_for_fork();
  process_metadata.mutex().acquire_for_fork();
  process_page_map.growth_mutex().acquire_for_fork();
}

void heap_registry::after_fork_in_parent() {
  process_page_map.growth_mutex().release_after_fork();
  process_metadata.mutex().release_after_fork();
  for (heap* h = process_heaps.first_; h != nullptr; h = h->next_) h->unlock_after_fork();
  const bool took_system = process_heaps.took_system_;
  process_heaps.mutex_.release_after_fork();
  if (took_system) system().unlock_after_fork(false);
}

void heap_registry::after_fork_in_child() {
  process_page_map.growth_mutex().reset_after_fork();
  process_metadata.mutex().reset_after_fork();
  for (heap* h = process_heaps.first_; h != nullptr; h = h->next_) h->repair_after_fork();
  process_heaps.mutex_.reset_after_fork();
  if (process_heaps.took_system_) system().unlock_after_fork(true);
}

}  // namespace ashlar
