// SPDX-License-Identifier: MIT
// Blocks leave a slab once, lowest first, and come back once.
#include "ashlar/heap/slab.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/random.hpp"

namespace ashlar {
namespace {

/// A slab of a class over addresses that nobody touches.
class bare_slab {
 public:
  explicit bare_slab(size_class c)
      : memory_(slab::bytes_for(size_classes[c].capacity, false) / sizeof(std::uint64_t)) {
    get().start = at_address(0x123450000);
    get().block_size = size_classes[c].block_size;
    get().magic = size_classes[c].magic;
    get().capacity = size_classes[c].capacity;
    get().slices = size_classes[c].slices;
    get().kind = c < small_class_count ? slab_kind::small : slab_kind::medium;
    get().fill();
  }

  slab& get() { return *reinterpret_cast<slab*>(memory_.data()); }

 private:
  std::vector<std::uint64_t> memory_;
};

void expect_bitmap_to_be_right(const slab& s) {
  std::uint32_t free = 0;
  for (std::uint32_t i = 0; i < s.capacity; ++i) free += s.is_free(i);
  ASSERT_EQ(free, s.free_count);
  for (std::uint32_t w = 0; w < slab::words_for(s.capacity); ++w)
    ASSERT_EQ(s.words()[w] != 0, ((s.summary >> w) & 1) != 0);
}

TEST(slab, of_every_class_gives_all_its_blocks_in_order) {
  for (size_class c = 0; c < class_count; ++c) {
    bare_slab memory(c);
    slab& s = memory.get();
    EXPECT_EQ(s.free_count, s.capacity);
    std::vector<void*> slots(s.capacity + 1);
    ASSERT_EQ(s.take(&slots[s.capacity], s.capacity + 5), s.capacity) << c;
    EXPECT_EQ(s.free_count, 0u);
    EXPECT_EQ(s.summary, 0u);
    // Written downwards: the lowest address lies on top.
    for (std::uint32_t i = 0; i < s.capacity; ++i)
      ASSERT_EQ(slots[s.capacity - i], s.block_at(i)) << "class " << c << " block " << i;
    void* none = nullptr;
    EXPECT_EQ(s.take(&none, 1), 0u);
    EXPECT_LE(s.block_at(s.capacity - 1) + s.block_size, s.start + s.slices * slice_size);
  }
}

TEST(slab, takes_back_each_block_once) {
  for (const size_class c : {size_class{0}, size_class{8}, size_class{30}, small_class_count - 1,
                             small_class_count, class_count - 1}) {
    bare_slab memory(c);
    slab& s = memory.get();
    std::vector<void*> slots(s.capacity);
    ASSERT_EQ(s.take(&slots[s.capacity - 1], s.capacity), s.capacity);
    for (void* const p : slots) ASSERT_EQ(s.put(p), slab::put_result::done);
    EXPECT_EQ(s.free_count, s.capacity);
    for (void* const p : slots) ASSERT_EQ(s.put(p), slab::put_result::already_free);
    EXPECT_EQ(s.free_count, s.capacity);
    expect_bitmap_to_be_right(s);
  }
}

TEST(slab, knows_what_is_no_block) {
  for (size_class c = 0; c < class_count; ++c) {
    bare_slab memory(c);
    slab& s = memory.get();
    void* p = nullptr;
    ASSERT_EQ(s.take(&p, 1), 1u);
    auto* const bytes = static_cast<std::byte*>(p);
    EXPECT_EQ(s.put(bytes + 1), slab::put_result::not_a_block);
    EXPECT_EQ(s.put(bytes + 8), slab::put_result::not_a_block);
    EXPECT_EQ(s.put(bytes + s.block_size - 1), slab::put_result::not_a_block);
    std::byte* const tail = s.start + std::size_t{s.capacity} * s.block_size;
    if (tail < s.start + s.slices * slice_size) {
      EXPECT_EQ(s.put(tail), slab::put_result::not_a_block);
      EXPECT_EQ(s.put(s.start + s.slices * slice_size - 1), slab::put_result::not_a_block);
    }
    EXPECT_EQ(s.free_count, s.capacity - 1);
  }
}

TEST(slab, survives_a_random_walk) {
  test::random_source random(7);
  for (const size_class c :
       {size_class{0}, size_class{5}, size_class{21}, size_class{40}, small_class_count + 3}) {
    bare_slab memory(c);
    slab& s = memory.get();
    std::vector<bool> is_taken(s.capacity);
    std::vector<void*> taken;
    std::vector<void*> batch(s.capacity);
    for (int step = 0; step < 200; ++step) {
      if (random.one_in(2)) {
        const auto wanted = static_cast<std::uint32_t>(1 + random.below(s.capacity));
        const std::uint32_t got = s.take(&batch[wanted - 1], wanted);
        for (std::uint32_t i = wanted - got; i < wanted; ++i) {
          const std::uint32_t index = s.index_of(batch[i]);
          ASSERT_FALSE(is_taken[index]) << "handed out twice";
          is_taken[index] = true;
          taken.push_back(batch[i]);
        }
      } else {
        for (std::size_t i = random.below(taken.size() + 1); i > 0; --i) {
          void*& victim = taken[random.below(taken.size())];
          ASSERT_EQ(s.put(victim), slab::put_result::done);
          is_taken[s.index_of(victim)] = false;
          victim = taken.back();
          taken.pop_back();
        }
      }
      ASSERT_EQ(s.free_count + taken.size(), s.capacity);
      expect_bitmap_to_be_right(s);
    }
  }
}

}  // namespace
}  // namespace ashlar
