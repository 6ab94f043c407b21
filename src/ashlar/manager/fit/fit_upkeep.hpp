// SPDX-License-Identifier: MIT
// What is done to fit managers now and then: emptying, extending, walking, reporting, checking. A
// part of fit_manager.cpp.
#pragma once

#include "ashlar/manager/fit/fit_manager.hpp"

namespace ashlar {

template <class Index>
std::size_t fit_manager<Index>::usable_size(const void* p) const noexcept {
  if (p == nullptr) return 0;
  if (const fit_block* const b = space_.live(p)) return space_.lent(b);
  report_fault(fault_kind::invalid_query, p);
  return 0;
}

template <class Index>
void fit_manager<Index>::free_all() noexcept {
  inner_blocks_ended();
  freed_ = nullptr;
  space_.reset();
  index_ = Index(space_.links());
  space_.for_each([this](fit_block* b) {
    index_.insert(b);  // of each added row there is one
    return true;
  });
  use_.clear();
}

template <class Index>
void fit_manager<Index>::walk(block_visitor visitor) noexcept {
  space_.for_each([&](fit_block* b) {
    return !b->is_used() || visitor({.data = b->payload(), .size = space_.lent(b)});
  });
}

template <class Index>
status fit_manager<Index>::add(std::span<std::byte> block) noexcept {
  if (const status ready = prepare(); ready != status::success) return ready;
  status reason{};
  if (fit_block* const b = space_.add(block, reason)) index_.insert(b);
  return reason;
}

template <class Index>
manager_usage fit_manager<Index>::usage() const noexcept {
  return {.used = use_.used(),
          .held = space_.held(),
          .peak_used = use_.peak(),
          .limit = limit_,
          .live_blocks = use_.live()};
}

template <class Index>
fragmentation_report fit_manager<Index>::fragmentation() const noexcept {
  finish_free();
  fragmentation_report r;
  const auto add_free = [&r](std::size_t size) {
    r.free_bytes += size;
    ++r.free_blocks;
    if (size < fit_block::smallest) return;  // a crumb: free, and of no use alone
    const std::size_t usable = size - fit_block::header;
    if (usable > r.largest_free) r.largest_free = usable;
  };
  space_.for_each([&](fit_block* b) {
    if (!b->is_used()) {
      add_free(b->size());
      return true;
    }
    ++r.live_blocks;
    r.live_bytes += b->usable() - b->slack();
    r.slack += b->slack();
    r.headers += fit_block::header;
    return true;
  });
  if (space_.room_now() >= fit_block::smallest) add_free(space_.room_now());
  r.footprint = space_.footprint();
  return r;
}

template <class Index>
tag_id fit_manager<Index>::tag_of(const void* p) const noexcept {
  if (const fit_block* const b = space_.live(p)) return b->tag();
  report_fault(fault_kind::invalid_query, p);
  return 0;
}

template <class Index>
void fit_manager<Index>::set_tag_of(void* p, tag_id tag) noexcept {
  fit_block* const b = space_.live(p);
  if (b == nullptr) return report_fault(fault_kind::invalid_query, p);
  b->set_used(b->size(), b->slack(), tag, b->head & fit_block::previous_used_bit);
}

template <class Index>
void fit_manager<Index>::check_invariants() const noexcept {
  finish_free();
  space_.check_invariants();
  std::size_t used = 0;
  std::size_t live = 0;
  std::size_t free = 0;
  space_.for_each([&](const fit_block* b) {
    used += b->is_used() ? b->usable() : 0;
    live += b->is_used();
    free += !b->is_used() && !b->is_crumb();
    return true;
  });
  ASHLAR_CHECK(index_.check_invariants() == free);                    // (1)
  ASHLAR_CHECK(used == use_.used() && live == use_.live());           // (2)
  ASHLAR_CHECK(use_.used() <= use_.peak() && use_.used() <= limit_);  // (3)
}

}  // namespace ashlar
