// SPDX-License-Identifier: MIT
// The rounding of sizes to bins: what must hold for every size, tried on all small sizes and round
// all borders of large ones.
#include "ashlar/manager/fit/fit_bins.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "ashlar/base/units.hpp"
#include "ashlar/manager/fit/fit_indexes.hpp"

namespace ashlar {
namespace {

using bins = fit_bins<fit_block::reach>;

std::vector<std::size_t> telling_granules() {
  std::vector<std::size_t> all;
  for (std::size_t g = 3; g < 70000; ++g) all.push_back(g);
  for (unsigned bin = bins::exact; bin < bins::bin_count; ++bin) {
    const std::size_t border = bins::least_of(bin);
    for (std::size_t g = border - 2; g <= border + 2; ++g) all.push_back(g);
  }
  return all;
}

TEST(fit_bins, hold_each_size_in_one_bin_and_in_order) {
  for (const std::size_t g : telling_granules()) {
    const unsigned bin = bins::bin_of(g);
    ASSERT_LT(bin, bins::bin_count) << g;
    ASSERT_LE(bins::least_of(bin), g);
    ASSERT_GT(bins::least_of(bin + 1), g);
    ASSERT_LE(bin, bins::bin_of(g + 1));
  }
}

TEST(fit_bins, serve_a_request_from_bins_that_are_large_enough_and_no_larger_than_need_be) {
  for (const std::size_t g : telling_granules()) {
    const unsigned bin = bins::bin_above(g);
    ASSERT_GE(bins::least_of(bin), g);
    ASSERT_LT(bins::least_of(bin - 1), g) << "a lower bin would do";
  }
}

TEST(fit_bins, waste_at_most_a_sixteenth) {
  for (const std::size_t g : telling_granules()) {
    const std::size_t rounded = bins::least_of(bins::bin_above(g));
    ASSERT_LE(rounded - g, g / bins::divisions);
    if (g < bins::exact) {
      ASSERT_EQ(rounded, g);
    }
  }
}

TEST(fit_bins, know_the_bin_of_a_border) {
  for (unsigned bin = 0; bin < bins::bin_count; ++bin) {
    ASSERT_EQ(bins::bin_of(bins::least_of(bin)), bin);
    ASSERT_EQ(bins::bin_above(bins::least_of(bin)), bin);
  }
}

// A row of free blocks, without a manager.
template <class Index>
class fit_index_test : public testing::Test {
 protected:
  fit_block* make(std::size_t size) {
    fit_block* const b = fit_block::of(memory + 16 + used);
    used += size + 32;  // a gap, as a used block would be
    b->set_free(size);
    return b;
  }

  alignas(16) std::byte memory[1_MiB];
  std::size_t used = 0;
  Index index{fit_links(address_of(memory) - 8 - 16)};
};

using indexes = testing::Types<fit_tree, fit_tlsf, fit_hybrid>;
TYPED_TEST_SUITE(fit_index_test, indexes);

TYPED_TEST(fit_index_test, finds_nothing_in_nothing) {
  for (std::size_t size = 24; size < 2_GiB; size = size * 2 + 8)
    EXPECT_EQ(this->index.find(size), nullptr);
  EXPECT_EQ(this->index.check_invariants(), 0u);
}

TYPED_TEST(fit_index_test, finds_the_only_block_up_to_its_size) {
  for (std::size_t size = 24; size < 200_KiB; size = size * 3 / 2 / 8 * 8) {
    this->used = 0;
    fit_block* const b = this->make(size);
    this->index.insert(b);
    for (std::size_t wanted = 24; wanted <= size; wanted += 8)
      ASSERT_EQ(this->index.find(wanted), b) << wanted << " of " << size;
    ASSERT_EQ(this->index.find(size + 8), nullptr);
    ASSERT_EQ(this->index.check_invariants(), 1u);
    this->index.remove(b);
    ASSERT_EQ(this->index.check_invariants(), 0u);
  }
}

TYPED_TEST(fit_index_test, takes_blocks_of_one_size_out_in_any_order) {
  for (unsigned order = 0; order < 48; ++order) {
    const std::size_t size = order < 24 ? 160 : fit_block::smallest;
    this->used = 0;
    std::vector<fit_block*> blocks;
    for (int i = 0; i < 4; ++i) blocks.push_back(this->make(size));
    for (fit_block* const b : blocks) this->index.insert(b);
    for (unsigned left = 4, code = order % 24; left > 0; code /= left--) {
      ASSERT_EQ(this->index.check_invariants(), left);
      ASSERT_NE(this->index.find(size), nullptr);
      this->index.remove(blocks[code % left]);
      blocks.erase(blocks.begin() + code % left);
    }
    ASSERT_EQ(this->index.check_invariants(), 0u);
  }
}

TYPED_TEST(fit_index_test, does_not_notice_crumbs) {
  fit_block* const crumb = this->make(fit_block::crumb);
  const std::uint64_t head = crumb->head;
  this->index.insert(crumb);
  EXPECT_EQ(this->index.check_invariants(), 0u);
  EXPECT_EQ(this->index.find(fit_block::smallest), nullptr);
  this->index.remove(crumb);
  EXPECT_EQ(crumb->head, head);
  EXPECT_TRUE(crumb->is_foot_whole());
}

TYPED_TEST(fit_index_test, goes_on_from_the_smallest_blocks_to_larger_ones) {
  fit_block* const large = this->make(160);
  this->index.insert(large);
  fit_block* const small = this->make(fit_block::smallest);
  this->index.insert(small);
  EXPECT_EQ(this->index.find(fit_block::smallest), small);
  this->index.remove(small);
  EXPECT_EQ(this->index.find(fit_block::smallest), large);
}

TEST(fit_tree, finds_the_next_behind_the_smallest) {
  alignas(16) static std::byte memory[1_KiB];
  fit_tree tree{fit_links(address_of(memory) - 8 - 16)};
  fit_block* blocks[3] = {};
  for (std::size_t i = 0; i < 3; ++i) {
    blocks[i] = fit_block::of(memory + 16 + i * 64);
    blocks[i]->set_free(i < 2 ? fit_block::smallest : 40);
    tree.insert(blocks[i]);
  }
  EXPECT_EQ(tree.find(fit_block::smallest), blocks[1]) << "freed last";
  EXPECT_EQ(tree.find_next(blocks[1]), blocks[0]);
  EXPECT_EQ(tree.find_next(blocks[0]), blocks[2]);
  EXPECT_EQ(tree.find_next(blocks[2]), nullptr);
}

TEST(fit_tree, finds_the_smallest_that_fits) {
  alignas(16) static std::byte memory[64_KiB];
  fit_tree tree{fit_links(address_of(memory) - 8 - 16)};
  std::size_t at = 16;
  for (std::size_t i = 0; i < 60; ++i) {
    fit_block* const b = fit_block::of(memory + at);
    const std::size_t size = 64 + i * 37 % 60 * 16;
    b->set_free(size);
    tree.insert(b);
    at += size + 32;
  }
  for (std::size_t size = 64; size < 64 + 60 * 16; size += 16)
    EXPECT_EQ(tree.find(size)->size(), size);
  EXPECT_EQ(tree.check_invariants(), 60u);
}

// Neither what begins in front of all links nor what ends behind them.
TEST(fit_links, reach_a_range_only_if_they_reach_both_ends) {
  constexpr std::uintptr_t origin = std::uintptr_t{1} << 40;
  const auto reach = [](std::uintptr_t from, std::uintptr_t to) {
    return fit_links(origin).reach(at_address(origin + from), at_address(origin + to));
  };
  EXPECT_TRUE(reach(16, fit_block::reach));
  EXPECT_FALSE(reach(8, 4_KiB)) << "too close to link 0";
  EXPECT_FALSE(reach(16, fit_block::reach + 1));
  EXPECT_FALSE(reach(0 - 1_KiB, 1_KiB)) << "astride the origin";
  EXPECT_FALSE(reach(0 - 2_KiB, 0 - 1_KiB));
  EXPECT_FALSE(reach(fit_block::reach, fit_block::reach + 1_KiB));
}

// That of a region at low addresses lies below zero.
TEST(fit_links, reach_beyond_an_origin_below_zero) {
  const fit_links links(0 - 4_KiB);
  EXPECT_TRUE(links.reach(at_address(1_KiB), at_address(fit_block::reach - 4_KiB)));
  EXPECT_FALSE(links.reach(at_address(1_KiB), at_address(fit_block::reach)));
}

}  // namespace
}  // namespace ashlar
