// SPDX-License-Identifier: MIT
// What a heap holds, counted from its structures: nothing here can drift, for nothing is kept.
//
// All locks of the heap are held while counting, so that slabs and spans agree with each other;
// bins of running threads are read as they are. The slack of small blocks cannot be known without a
// size in each block; it is estimated from the sizes that were asked for when bins ran empty, which
// is a sample of all requests that costs the fast path nothing.
#include <algorithm>

#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/observe/snapshot.hpp"

namespace ashlar {

namespace {

static_assert(class_count <= observe::snapshot_class_limit);

void add_free_range(observe::snapshot& s, std::uint64_t count, std::uint64_t size) {
  s.free_ranges += count;
  for (std::uint32_t i = 0; i < observe::snapshot_fit_sizes; ++i)
    if (size >= observe::snapshot_fit_bytes[i]) s.fits[i] += count * size;
  if (count != 0 && size > s.largest_free) s.largest_free = size;
}

// Draws spans onto the map. Cells stand for the committed parts of regions, one after the other.
class cell_map {
 public:
  cell_map(observe::snapshot& s, std::uint64_t total_slices) : s_(s) {
    per_cell_ = 1;
    while (total_slices > per_cell_ * observe::snapshot_cell_limit) per_cell_ *= 2;
    s_.cell_bytes = per_cell_ * slice_size;
  }

  void add(std::uint64_t live, std::uint64_t free, std::uint64_t returned) {
    live_ += live;
    free_ += free;
    returned_ += returned;
    if (++slices_ == per_cell_) finish();
  }

  void finish() {
    if (slices_ == 0 || s_.cell_count == observe::snapshot_cell_limit) return;
    observe::cell& c = s_.cells[s_.cell_count++];
    c.used_share = share(live_);
    c.free_share = share(free_);
    c.returned_share = share(returned_);
    c.kind = live_ != 0          ? observe::cell_kind::used
             : returned_ > free_ ? observe::cell_kind::returned
             : free_ != 0        ? observe::cell_kind::free
                                 : observe::cell_kind::reserved;
    slices_ = live_ = free_ = returned_ = 0;
  }

 private:
  std::uint8_t share(std::uint64_t bytes) const {
    const std::uint64_t parts = (bytes * 255 + s_.cell_bytes / 2) / s_.cell_bytes;
    return static_cast<std::uint8_t>(bytes != 0 && parts == 0 ? 1 : parts > 255 ? 255 : parts);
  }

  observe::snapshot& s_;
  std::uint64_t per_cell_;
  std::uint64_t slices_ = 0;
  std::uint64_t live_ = 0;
  std::uint64_t free_ = 0;
  std::uint64_t returned_ = 0;
};

// Returns the live bytes of the slab (cached ones included: which blocks those are is not known).
std::uint64_t add_slab(observe::snapshot& s, const slab& b) {
  observe::size_class_record& record = s.classes[b.class_index];
  const std::uint32_t taken = b.capacity - b.free_count;
  record.slabs += 1;
  record.span_bytes += b.slices * slice_size;
  record.free_blocks += b.free_count;
  record.live_blocks += taken;  // the cached ones are taken off later
  s.free += b.slices * slice_size - std::uint64_t{b.capacity} * b.block_size;  // the tail
  return std::uint64_t{taken} * b.block_size;
}

std::uint64_t add_large(observe::snapshot& s, const slab& b, std::uint64_t span_bytes) {
  // A resize in another thread may have cut the span already, and not yet the size.
  const std::uint64_t requested = std::min(std::uint64_t{load_relaxed(b.requested)}, span_bytes);
  const std::uint64_t used = std::min(align_up(requested, os::page_size()), span_bytes);
  s.large.live_blocks += 1;
  s.large.live_bytes += requested;
  s.large.slack_bytes += used - requested;
  s.large.span_bytes += span_bytes;
  s.free += span_bytes - used;
  return used;
}

void add_free_span(observe::snapshot& s, cell_map& cells, const slice_record* first,
                   std::uint32_t committed) {
  std::uint32_t usable = 0;
  for (std::uint32_t i = 0; i < first->length; ++i) {
    const slice_record& r = first[i];
    const bool dirty = r.state == slice_state::dirty;
    const bool purged = r.state == slice_state::purged;
    s.free += dirty ? slice_size : 0;
    s.returned += purged ? slice_size : 0;
    usable += dirty || purged;
    if (i < committed) cells.add(0, dirty ? slice_size : 0, purged ? slice_size : 0);
  }
  if (usable != 0) add_free_range(s, 1, usable * slice_size);
}

void add_used_span(observe::snapshot& s, cell_map& cells, const slice_record& first,
                   const std::byte* start) {
  const std::uint64_t bytes = first.length * slice_size;
  const slab* const b = process_page_map.header_acquired(start);
  std::uint64_t live = 0;
  if (b == nullptr)  // between two steps of another thread
    s.free += bytes;
  else
    live = b->is_slab() ? add_slab(s, *b) : add_large(s, *b, bytes);
  // Live blocks lie anywhere in a slab, and from the start on in a span with one large block.
  const bool spread = b != nullptr && b->is_slab();
  for (std::uint64_t k = 0; k < first.length; ++k) {
    const std::uint64_t left = live > k * slice_size ? live - k * slice_size : 0;
    const std::uint64_t here =
        spread ? live / first.length : (left < slice_size ? left : slice_size);
    cells.add(here, slice_size - here, 0);
  }
}

void add_locals(observe::snapshot& s, const local_heap* h, request_sample* samples) {
  for (; h != nullptr; h = h->next_in_heap) {
    (h->state == local_state::idle ? s.idle_heaps : s.heaps) += 1;
    for (size_class c = 0; c < class_count; ++c) {
      s.classes[c].cached_blocks += h->bins[c].count();
      samples[c].requests += load_relaxed(h->samples[c].requests);
      samples[c].bytes += load_relaxed(h->samples[c].bytes);
    }
  }
}

void finish_classes(observe::snapshot& s, const request_sample* samples) {
  s.class_count = class_count;
  for (size_class c = 0; c < class_count; ++c) {
    observe::size_class_record& r = s.classes[c];
    r.block_size = size_classes[c].block_size;
    // A bin that is being pushed to may briefly count more than its slabs have given out.
    if (r.cached_blocks > r.live_blocks) r.cached_blocks = r.live_blocks;
    r.live_blocks -= r.cached_blocks;
    r.requests_sampled = samples[c].requests;
    if (samples[c].requests != 0) {
      const std::uint64_t asked = samples[c].bytes / samples[c].requests;
      r.slack_bytes = r.live_blocks * (r.block_size - asked);
    }
    s.live += r.live_blocks * r.block_size - r.slack_bytes;
    s.slack += r.slack_bytes;
    s.cached += r.cached_blocks * r.block_size;
    s.free += r.free_blocks * r.block_size;
    add_free_range(s, r.free_blocks + r.cached_blocks, r.block_size);
  }
  s.live += s.large.live_bytes;
  s.slack += s.large.slack_bytes;
}

}  // namespace

void heap::describe(observe::snapshot& s) noexcept {
  request_sample samples[class_count] = {};
  lock_all();
  std::uint64_t committed = 0;
  for (std::uint32_t i = 0; i < store_.region_count(); ++i)
    committed += store_.region_at(i).committed;
  cell_map cells(s, committed);
  std::uint64_t resident = 0;

  for (std::uint32_t i = 0; i < store_.region_count(); ++i) {
    const region& r = store_.region_at(i);
    if (r.records == nullptr) continue;  // its region was given back
    s.metadata += metadata_store::direct_resident_bytes(
        r.records - 1, (std::size_t{r.slices} + 2) * sizeof(slice_record));
    if (r.committed != 0) resident += os::resident_bytes({r.base, r.committed * slice_size});
    for (std::uint32_t at = 0; at < r.slices; at += r.records[at].length) {
      const slice_record* const first = &r.records[at];
      if (first->free)
        add_free_span(s, cells, first, r.committed > at ? r.committed - at : 0);
      else
        add_used_span(s, cells, *first, r.base + at * slice_size);
    }
  }
  cells.finish();
  const span_store::totals t = store_.current_totals();
  for (const slab* b = direct_; b != nullptr; b = b->next) {
    add_large(s, *b, b->reserved_size);
    resident += os::resident_bytes({b->start, b->reserved_size});
  }
  add_locals(s, locals_, samples);
  const std::uint64_t taken = t.used + t.dirty + direct_bytes_;
  s.peak_live_spans = store_.peak_used_bytes() + peak_direct_;
  unlock_all();

  finish_classes(s, samples);
  s.untouched += taken > resident ? taken - resident : 0;
  s.total_free = s.free + s.cached + s.returned;
  s.unused = s.total_free + s.slack;
}

}  // namespace ashlar
