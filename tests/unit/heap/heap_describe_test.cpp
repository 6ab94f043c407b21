// SPDX-License-Identifier: MIT
// The figures of a heap agree exactly with what a program that knows all its blocks knows, and the
// walk visits just these.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/heap/heap.hpp"
#include "ashlar/heap/size_class.hpp"
#include "ashlar/observe/snapshot.hpp"
#include "unit/heap/heap_fixture.hpp"

namespace ashlar {
namespace {

std::unique_ptr<observe::snapshot> figures(heap& h) {
  auto s = std::make_unique<observe::snapshot>();
  h.describe(*s);
  return s;
}

void expect_parts_to_make_the_whole(heap& h, const observe::snapshot& s) {
  EXPECT_EQ(s.live + s.slack + s.cached + s.free,
            h.used_bytes() + h.store().current_totals().dirty);
  EXPECT_EQ(s.total_free, s.free + s.cached + s.returned);
  EXPECT_EQ(s.unused, s.total_free + s.slack);
  for (std::uint32_t c = 0; c < s.class_count; ++c) {
    const observe::size_class_record& r = s.classes[c];
    const std::uint64_t blocks = r.live_blocks + r.cached_blocks + r.free_blocks;
    EXPECT_EQ(blocks, r.slabs * size_classes[c].capacity) << c;
    EXPECT_EQ(r.span_bytes, r.slabs * size_classes[c].slices * slice_size) << c;
  }
}

using describe = test::plain_heaps;

TEST_F(describe, an_empty_heap_has_nothing) {
  heap h{heap_options{}};
  const auto s = figures(h);
  EXPECT_EQ(s->live + s->slack + s->cached + s->free + s->returned, 0u);
  EXPECT_EQ(s->total_free + s->unused + s->largest_free + s->free_ranges, 0u);
  EXPECT_EQ(s->class_count, class_count);
  expect_parts_to_make_the_whole(h, *s);
}

TEST_F(describe, counts_the_tables_of_its_regions) {
  heap h{heap_options{}};
  h.deallocate(h.allocate({300_KiB}).data());
  const std::uint64_t before = figures(h)->metadata;
  constexpr std::size_t blocks = 2000;
  for (std::size_t i = 0; i < blocks; ++i) ASSERT_TRUE(h.allocate({300_KiB}));
  EXPECT_GE(figures(h)->metadata, before + blocks * 5 * sizeof(slice_record) - 64_KiB);
}

TEST_F(describe, counts_every_live_block_of_every_class) {
  heap h{heap_options{}};
  std::vector<void*> blocks;
  for (size_class c = 0; c < class_count; ++c)
    for (size_class i = 0; i <= c % 5; ++i)
      blocks.push_back(h.allocate({size_classes[c].block_size}).data());
  auto s = figures(h);
  std::uint64_t live = 0;
  for (size_class c = 0; c < class_count; ++c) {
    EXPECT_EQ(s->classes[c].live_blocks, c % 5 + 1);
    EXPECT_EQ(s->classes[c].block_size, size_classes[c].block_size);
    EXPECT_EQ(s->classes[c].slack_bytes, 0u);
    live += (c % 5 + 1) * size_classes[c].block_size;
  }
  EXPECT_EQ(s->live, live);
  EXPECT_EQ(s->slack, 0u);
  expect_parts_to_make_the_whole(h, *s);

  for (void* const p : blocks) h.deallocate(p);
  s = figures(h);
  EXPECT_EQ(s->live, 0u);
  EXPECT_GE(s->cached, live / 2) << "bins hold what was freed, or gave it back to slabs";
  expect_parts_to_make_the_whole(h, *s);

  h.trim(0);
  s = figures(h);
  EXPECT_EQ(s->live + s->slack + s->cached + s->free, 0u);
  EXPECT_GT(s->returned, 0u);
}

TEST_F(describe, estimates_slack_from_what_was_asked_for) {
  heap h{heap_options{}};
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(h.allocate({1030}));  // class of 1152
  const auto s = figures(h);
  EXPECT_EQ(s->slack, 1000u * (1152 - 1030));
  EXPECT_EQ(s->live, 1000u * 1030);
  EXPECT_GT(s->classes[class_of(1030)].requests_sampled, 0u);
  expect_parts_to_make_the_whole(h, *s);
}

TEST_F(describe, knows_large_blocks_exactly) {
  heap h{heap_options{}};
  const std::size_t sizes[] = {300'001, 1'000'000, 40'000'001};
  for (const std::size_t size : sizes) ASSERT_TRUE(h.allocate({size}));
  const auto s = figures(h);
  EXPECT_EQ(s->large.live_blocks, 3u);
  EXPECT_EQ(s->large.live_bytes, 41'300'002u);
  std::uint64_t slack = 0;
  for (const std::size_t size : sizes) slack += align_up(size, os::page_size()) - size;
  EXPECT_EQ(s->large.slack_bytes, slack);
  EXPECT_EQ(s->slack, slack);
  EXPECT_EQ(s->live, 41'300'002u);
  EXPECT_EQ(s->large.span_bytes, h.used_bytes());
  expect_parts_to_make_the_whole(h, *s);
}

TEST_F(describe, knows_what_is_free_and_how_much_of_it_in_one_piece) {
  heap h{heap_options{}};
  void* const a = h.allocate({8_MiB}).data();
  void* const fence = h.allocate({1_MiB}).data();
  std::memset(a, 1, 8_MiB);
  h.deallocate(a);
  auto s = figures(h);
  EXPECT_EQ(s->free, 8_MiB);
  EXPECT_EQ(s->largest_free, 8_MiB);
  EXPECT_EQ(s->free_ranges, 1u);
  EXPECT_EQ(s->fits[0], 8_MiB);
  EXPECT_EQ(s->fits[2], 8_MiB);  // of at least 1 MiB
  EXPECT_EQ(s->fits[3], 0u);     // of at least 16 MiB
  expect_parts_to_make_the_whole(h, *s);
  h.trim(0);
  s = figures(h);
  EXPECT_EQ(s->free, 0u);
  EXPECT_EQ(s->returned, 8_MiB);
  EXPECT_EQ(s->total_free, 8_MiB);
  h.deallocate(fence);
}

TEST_F(describe, draws_a_map_whose_cells_add_up) {
  heap h{heap_options{}};
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(h.allocate({1_MiB}));
  const auto s = figures(h);
  ASSERT_GT(s->cell_count, 0u);
  ASSERT_LE(s->cell_count, observe::snapshot_cell_limit);
  EXPECT_EQ(s->cell_bytes * s->cell_count, h.store().current_totals().committed);
  std::uint64_t used = 0;
  for (std::uint32_t i = 0; i < s->cell_count; ++i)
    used += s->cells[i].kind == observe::cell_kind::used;
  EXPECT_EQ(used * s->cell_bytes, h.used_bytes());
}

TEST_F(describe, counts_what_is_resident_and_what_is_untouched) {
  heap h{heap_options{}};
  void* const p = h.allocate({10_MiB}).data();
  EXPECT_EQ(figures(h)->untouched, 10_MiB);
  std::memset(p, 1, 4_MiB);
  EXPECT_EQ(figures(h)->untouched, 6_MiB);
}

TEST_F(describe, sees_the_peak) {
  heap h{heap_options{}};
  void* const a = h.allocate({20_MiB}).data();
  void* const b = h.allocate({100_MiB}).data();
  h.deallocate(a);
  h.deallocate(b);
  EXPECT_GE(figures(h)->peak_live_spans, 120_MiB);
}

// --- walking ---

struct visited {
  std::set<void*> blocks;
  std::size_t stop_after = static_cast<std::size_t>(-1);
  bool twice = false;

  static bool visit(void* context, const walked_block& b) {
    auto& self = *static_cast<visited*>(context);
    self.twice |= !self.blocks.insert(b.data).second;
    EXPECT_EQ(b.size, heap::usable_size(b.data));
    return self.blocks.size() < self.stop_after;
  }
};

using walk = test::plain_heaps;

TEST_F(walk, visits_each_live_block_once_and_nothing_else) {
  heap h{heap_options{}};
  std::set<void*> live;
  for (std::size_t i = 0; i < 3000; ++i) {
    void* const p = h.allocate({i * 13 % 5000}).data();
    if (i % 3 == 0)
      live.insert(p);
    else
      h.deallocate(p);
  }
  for (const std::size_t size : {100_KiB, 300_KiB, 2_MiB, 33_MiB})
    live.insert(h.allocate({size}).data());
  // Blocks of another thread, and blocks in its bins.
  std::thread([&] {
    for (std::size_t i = 0; i < 500; ++i) {
      void* const p = h.allocate({i * 10}).data();
      if (i % 2 == 0)
        live.insert(p);
      else
        h.deallocate(p);
    }
  }).join();
  visited v;
  h.walk({&v, visited::visit});
  EXPECT_FALSE(v.twice);
  EXPECT_EQ(v.blocks, live);
}

TEST_F(walk, stops_when_told_to) {
  heap h{heap_options{}};
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(h.allocate({100}));
  ASSERT_TRUE(h.allocate({1_MiB}));
  ASSERT_TRUE(h.allocate({40_MiB}));
  for (const std::size_t count : {1u, 50u, 101u}) {
    visited v;
    v.stop_after = count;
    h.walk({&v, visited::visit});
    EXPECT_EQ(v.blocks.size(), count);
  }
}

}  // namespace
}  // namespace ashlar
