// SPDX-License-Identifier: MIT
#include "ashlar/heap/sampling_bins.hpp"

#include <algorithm>

#include "ashlar/heap/local_heap.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/os/entropy.hpp"

namespace ashlar {

namespace {

// Blocks in a batch. A program that allocates and frees in turns goes through all of them, so they
// are to fit the first-level cache; medium classes have none, since malloc looks for them on its
// slow path anyhow.
constexpr std::uint32_t batch_of(size_class c) {
  const std::uint32_t size = size_classes[c].block_size;
  if (size <= 128) return 63;
  if (size <= 512) return 31;
  if (size <= 2_KiB) return 15;
  return c < small_class_count ? 3 : 0;
}

// Slots of two bins, four at a time: this loop is most of what sampling costs.
void copy_slots(void** __restrict to, void* const* __restrict from, std::uint32_t count) {
  for (; count >= 4; count -= 4, to += 4, from += 4) {
    store_relaxed(to[0], from[0]);
    store_relaxed(to[1], from[1]);
    store_relaxed(to[2], from[2]);
    store_relaxed(to[3], from[3]);
  }
  for (std::uint32_t i = 0; i < count; ++i) store_relaxed(to[i], from[i]);
}

constexpr std::size_t slot_bytes() {
  std::size_t slots = 0;
  for (size_class c = 0; c < class_count; ++c) slots += batch_of(c) + 1;
  return slots * sizeof(void*);
}

}  // namespace

local_heap& sampling_bins::own() noexcept {
  return *reinterpret_cast<local_heap*>(reinterpret_cast<std::byte*>(this) + distance);
}

bool sampling_bins::start(std::size_t mean) noexcept {
  if (slots_ != nullptr) return true;
  auto** const slots = static_cast<void**>(process_metadata.allocate(slot_bytes()));
  if (slots == nullptr) return false;
  void** next = slots;
  std::uint64_t seed = 0;
  (void)os::fill_random(&seed, sizeof seed);
  // Walkers read the bins under it, and a fork waits for it: the child finds all of this, or
  // nothing.
  lock_guard guard(own().mutex);
  tag = own().tag ^ distance;
  state = local_state::sampling;
  points_.start(mean, seed ^ address_of(this));
  for (size_class c = 0; c < class_count; ++c) {
    const auto capacity = static_cast<std::uint16_t>(batch_of(c));
    bins[c] = {next, next, next, 0, 0, capacity, 0, 0, 0};
    pops_left_[c] = draw(c);
    next += capacity + 1;
  }
  slots_ = slots;
  return true;
}

std::uint32_t sampling_bins::draw(size_class c) noexcept {
  constexpr std::uint64_t most = 0xffff'ffff;
  const std::uint64_t pops = points_.gap() / size_classes[c].block_size;
  return static_cast<std::uint32_t>(pops < most ? pops : most);
}

bool sampling_bins::is_due(size_class c) noexcept {
  if (pops_left_[c] != 0) {
    --pops_left_[c];
    return false;
  }
  pops_left_[c] = draw(c);
  return true;
}

void sampling_bins::refill(size_class c) noexcept {
  bin& from = own().bins[c];
  bin& to = bins[c];
  const std::uint32_t batch = batch_of(c);
  auto held = static_cast<std::uint32_t>(from.top - from.base);  // none if it is parked
  // Where blocks go round in small batches, what comes with each batch is most of the cost.
  if (held != 0 && held < batch / 2) held += own().take_more(c, batch - held);
  const std::uint32_t count = std::min({batch, held, pops_left_[c]});
  void** const first = from.top - count;
  copy_slots(to.base + 1, first + 1, count);
  store_relaxed(from.top, first);
  store_relaxed(to.top, to.base + count);
  pops_left_[c] -= count;
}

void sampling_bins::give_back() noexcept {
  if (slots_ == nullptr) return;
  for (size_class c = 0; c < class_count; ++c) {
    while (void* const p = bins[c].pop()) {
      own().push(c, p);
      ++pops_left_[c];
    }
  }
}

void sampling_bins::drop() noexcept {
  if (slots_ == nullptr) return;
  for (bin& b : bins) store_relaxed(b.top, b.base);
  draw_anew();
}

void sampling_bins::draw_anew() noexcept {
  if (slots_ == nullptr) return;
  std::uint64_t seed = 0;
  (void)os::fill_random(&seed, sizeof seed);
  points_.stir(seed);
  for (size_class c = 0; c < class_count; ++c) pops_left_[c] = draw(c);
}

void sampling_bins::release_slots() noexcept {
  if (slots_ == nullptr) return;
  process_metadata.deallocate(slots_, slot_bytes());
  slots_ = nullptr;
}

}  // namespace ashlar
