// SPDX-License-Identifier: MIT
// Broken rules: the fault is told, and the manager is as it was.
#include "ashlar/fit.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "support/fault_log.hpp"
#include "support/unwatched.hpp"

namespace ashlar {
namespace {

template <class Manager>
class fit_faults_test : public testing::Test {
 protected:
  fit_faults_test() {
    for (auto& p : blocks) p = static_cast<std::byte*>(fit.allocate({size}).data());
  }
  ~fit_faults_test() override { fit.check_invariants(); }

  /// Frees `p`, and expects this fault and nothing else to happen.
  void expect_fault(void* p, fault_kind kind) {
    const manager_usage before = fit.usage();
    fit.deallocate(p);
    EXPECT_TRUE(log.took(kind, p)) << fault_name(kind);
    fit.deallocate(block{p, size});
    EXPECT_TRUE(log.took(kind, p)) << fault_name(kind);
    EXPECT_FALSE(fit.reallocate({p, size}, 16, {.size = 2 * size}));
    EXPECT_TRUE(log.took(fault_kind::invalid_resize, p));
    EXPECT_EQ(fit.usage().used, before.used);
    EXPECT_EQ(fit.usage().live_blocks, before.live_blocks);
  }

  static constexpr std::size_t size = 200;
  test::unwatched exact;  // under a tool blocks are larger, and their ends hidden
  test::fault_log log;
  alignas(16) std::byte memory[64_KiB] = {};
  Manager fit{memory};
  std::byte* blocks[5] = {};
};

using managers = testing::Types<best_fit_manager, tlsf_manager, hybrid_manager>;
TYPED_TEST_SUITE(fit_faults_test, managers);

TYPED_TEST(fit_faults_test, tells_a_double_free_wherever_the_block_went) {
  this->fit.deallocate(this->blocks[1]);
  this->expect_fault(this->blocks[1], fault_kind::double_free);  // a free block
  this->fit.deallocate(this->blocks[2]);
  this->expect_fault(this->blocks[2], fault_kind::double_free);  // joined to the one before
  this->fit.deallocate(this->blocks[0]);
  this->expect_fault(this->blocks[1], fault_kind::double_free);  // joined to the one behind
  this->fit.deallocate(this->blocks[4]);
  this->expect_fault(this->blocks[4], fault_kind::double_free);  // fallen to the wilderness
}

TYPED_TEST(fit_faults_test, tells_a_double_free_of_a_block_joined_on_both_sides) {
  for (const int i : {1, 3, 2}) this->fit.deallocate(this->blocks[i]);
  this->expect_fault(this->blocks[2], fault_kind::double_free);
  this->expect_fault(this->blocks[3], fault_kind::double_free);
}

TYPED_TEST(fit_faults_test, tells_an_interior_pointer) {
  for (const std::size_t offset : {1u, 8u, 16u, 96u, 199u})
    this->expect_fault(this->blocks[1] + offset, fault_kind::interior_free);
}

TYPED_TEST(fit_faults_test, is_not_taken_in_by_a_word_that_looks_like_a_header) {
  const std::uint64_t fake = 64 | fit_block::used_bit | fit_block::previous_used_bit;
  std::memcpy(this->blocks[1] + 56, &fake, sizeof fake);
  this->expect_fault(this->blocks[1] + 64, fault_kind::interior_free);
}

TYPED_TEST(fit_faults_test, tells_a_foreign_pointer) {
  alignas(16) std::byte mine[64] = {};
  const auto heap = std::make_unique<std::byte[]>(64);
  this->expect_fault(mine + 16, fault_kind::invalid_free);
  this->expect_fault(heap.get(), fault_kind::invalid_free);
  this->expect_fault(this->memory, fault_kind::invalid_free);
  this->expect_fault(at_address(16), fault_kind::invalid_free);
  EXPECT_EQ(this->fit.usable_size(mine), 0u);
  EXPECT_TRUE(this->log.took(fault_kind::invalid_query, mine));
}

TYPED_TEST(fit_faults_test, tells_no_tag_of_what_is_no_block) {
  this->fit.deallocate(this->blocks[1]);
  EXPECT_EQ(this->fit.tag_of(this->blocks[1]), 0u);
  EXPECT_TRUE(this->log.took(fault_kind::invalid_query, this->blocks[1]));
}

TYPED_TEST(fit_faults_test, tells_a_wrong_size) {
  for (const std::size_t wrong : {std::size_t{0}, std::size_t{199}, std::size_t{201}}) {
    this->fit.deallocate(block{this->blocks[2], wrong});
    EXPECT_TRUE(this->log.took(fault_kind::size_mismatch, this->blocks[2])) << wrong;
  }
  this->fit.deallocate(block{this->blocks[2], 200});
  EXPECT_EQ(this->log.count(), 0u);
}

TYPED_TEST(fit_faults_test, notices_a_header_that_was_overwritten) {
  for (const int garbage : {0x00, 0xff, 0x41}) {
    std::byte* const behind = this->blocks[2] + 200;
    std::byte saved[8];
    std::memcpy(saved, behind, 8);
    std::memset(behind, garbage, 8);
    this->fit.deallocate(this->blocks[2]);
    EXPECT_TRUE(this->log.took(fault_kind::corruption, this->blocks[2]));
    std::memcpy(behind, saved, 8);
  }
}

// One byte too many of a text, which makes the used block behind look free: by the next call, where
// nothing but the foot that is missing tells.
TYPED_TEST(fit_faults_test, notices_a_header_that_became_that_of_a_free_block) {
  for (const std::size_t asked : {std::size_t{1000}, std::size_t{984}}) {
    auto* const p = static_cast<std::byte*>(this->fit.allocate({200}).data());
    auto* const next = static_cast<std::byte*>(this->fit.allocate({asked}).data());
    ASSERT_EQ(next, p + 208);
    std::memset(next, 'x', asked);
    const std::byte saved = p[200];
    for (int letter = 0; letter < 256; ++letter) {
      p[200] = static_cast<std::byte>(letter);
      if ((letter & 3) != 2) continue;
      this->fit.deallocate(p);
      (void)this->fit.footprint();
      EXPECT_TRUE(this->log.took(fault_kind::corruption, p)) << letter;
      EXPECT_FALSE(this->fit.reallocate({p, 200}, 16, {.size = 400}));
      EXPECT_TRUE(this->log.took(fault_kind::invalid_resize, p)) << letter;
    }
    p[200] = saved;
  }
}

TYPED_TEST(fit_faults_test, notices_a_foot_that_was_overwritten) {
  this->fit.deallocate(this->blocks[1]);
  this->fit.check_invariants();  // a call after the free: now it has a foot
  for (const std::size_t at : {192, 196}) {
    std::byte* const foot = this->blocks[1] + at;
    const std::byte saved = *foot;
    *foot ^= std::byte{0x30};
    this->fit.deallocate(this->blocks[2]);
    EXPECT_TRUE(this->log.took(fault_kind::corruption, this->blocks[2]));
    *foot = saved;
  }
}

TYPED_TEST(fit_faults_test, notices_the_header_of_a_free_block_before_by_the_next_call) {
  this->fit.deallocate(this->blocks[1]);
  this->fit.check_invariants();
  const manager_usage before = this->fit.usage();
  std::byte* const header = this->blocks[1] - 8;
  const std::byte saved = *header;
  *header ^= std::byte{0x30};
  this->fit.deallocate(this->blocks[2]);
  (void)this->fit.footprint();
  EXPECT_TRUE(this->log.took(fault_kind::corruption, this->blocks[2]));
  EXPECT_EQ(this->fit.usage().used, before.used);
  *header = saved;
  this->fit.deallocate(this->blocks[2]);  // it had not been freed
}

TYPED_TEST(fit_faults_test, tells_a_block_as_freed_before_it_is_joined) {
  this->fit.deallocate(this->blocks[1]);
  EXPECT_EQ(this->fit.usable_size(this->blocks[1]), 0u);
  EXPECT_TRUE(this->log.took(fault_kind::invalid_query, this->blocks[1]));
  this->fit.walk({this->blocks[1], [](void* gone, const walked_block& b) {
                    EXPECT_NE(b.data, gone);
                    return true;
                  }});
}

}  // namespace
}  // namespace ashlar
