// SPDX-License-Identifier: MIT
// Visiting every live block of a heap, and checking the heap as a whole.
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/heap_registry.hpp"

namespace ashlar {

namespace {

// Blocks of `s` that lie in bins: taken from the slab, but not live.
void mark_cached(const local_heap* locals, const slab& s, std::uint64_t* marks) {
  const auto mark = [&](const void* p) {
    if (process_page_map.header_of(p) != &s) return;
    const std::uint32_t index = s.index_of(p);
    marks[index / 64] |= std::uint64_t{1} << (index % 64);
  };
  for (const local_heap* h = locals; h != nullptr; h = h->next_in_heap) {
    const bin& b = h->bins[s.class_index];
    const std::uint32_t count = b.count();
    for (std::uint32_t i = 1; i <= count; ++i) mark(load_relaxed(b.base[i]));
  }
}

bool visit_slab(const local_heap* locals, const slab& s, block_visitor visitor) {
  std::uint64_t not_live[64] = {};
  for (std::uint32_t w = 0; w < slab::words_for(s.capacity); ++w) not_live[w] = s.words()[w];
  mark_cached(locals, s, not_live);
  for (std::uint32_t i = 0; i < s.capacity; ++i) {
    if ((not_live[i / 64] >> (i % 64) & 1) != 0) continue;
    std::byte* const p = s.block_at(i);
    if (!visitor({p, s.told ? s.asked_for(p) : s.block_size})) return false;
  }
  return true;
}

}  // namespace

void heap::walk(block_visitor visitor) noexcept {
  lock_all();
  bool go_on = true;
  store_.for_each_span([&](const slice_record& first, std::byte* start) {
    if (!go_on || first.free) return;
    const slab* const s = process_page_map.header_acquired(start);
    if (s == nullptr) return;
    go_on = s->is_slab() ? visit_slab(locals_, *s, visitor)
                         : visitor({s->start, usable_size(s->start)});
  });
  for (const slab* s = direct_; s != nullptr && go_on; s = s->next)
    go_on = visitor({s->start, usable_size(s->start)});
  unlock_all();
}

void heap::walk_records(record_visitor visitor) noexcept {
  const auto visit = [visitor](slab* s) {
    if (s == nullptr || !load_relaxed(s->watched)) return;
    const std::uint32_t count = s->is_slab() ? s->capacity : 1;
    for (std::uint32_t i = 0; i < count; ++i) {
      observe::block_record& record = s->record_at(i);
      if (!record.is_live()) continue;
      std::byte* const data = s->is_slab() ? s->block_at(i) : s->start;
      visitor.visit(visitor.context, {*s, data, usable_bytes_of(*s), record});
    }
  };
  store_.for_each_span([&](const slice_record& first, std::byte* start) {
    if (!first.free) visit(process_page_map.header_acquired(start));
  });
  for (slab* s = direct_; s != nullptr; s = s->next) visit(s);
}

void heap::walk_ranges(range_visitor visitor) noexcept {
  for (std::uint32_t i = 0; i < store_.region_count(); ++i) {
    const region& r = store_.region_at(i);
    visitor.visit(visitor.context, {r.base, r.slices * slice_size});
  }
  for (const slab* s = direct_; s != nullptr; s = s->next)
    visitor.visit(visitor.context, {s->start, s->reserved_size});
}

bool heap::owns(const void* p) const noexcept {
  if (owner_of(p) == this) return true;
  const std::uintptr_t a = address_of(p);
  const auto holds = [a](const std::byte* start, std::size_t size) {
    return a - address_of(start) < size;
  };
  heap& self = const_cast<heap&>(*this);  // for the locks
  {
    lock_guard guard(self.store_.mutex());
    for (std::uint32_t i = 0; i < store_.region_count(); ++i) {
      const region& r = store_.region_at(i);
      if (holds(r.base, r.slices * slice_size)) return true;
    }
  }
  lock_guard guard(self.mutex_);
  const slab* s = direct_;
  while (s != nullptr && !holds(s->start, s->reserved_size)) s = s->next;
  return s != nullptr;
}

void heap::check_invariants() noexcept {
  lock_all();
  store_.check_invariants();
  store_.for_each_span([](const slice_record& first, std::byte* start) {
    if (first.free) {
      ASHLAR_CHECK(process_page_map.header_of(start) == nullptr);
      return;
    }
    const slab* const s = process_page_map.header_acquired(start);
    if (s != nullptr && s->is_slab()) s->check_invariants();
  });
  for (const local_heap* h = locals_; h != nullptr; h = h->next_in_heap) {
    if (h->state == local_state::active && h != thread_locals) continue;  // may be running
    for (const bin& b : h->bins) {
      ASHLAR_CHECK(*b.base == nullptr);
      ASHLAR_CHECK(b.top >= b.base && b.top <= b.end && b.end <= b.base + b.capacity);
    }
  }
  unlock_all();
}

}  // namespace ashlar
