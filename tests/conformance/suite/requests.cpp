// SPDX-License-Identifier: MIT
// What may be asked for: sizes, alignments, and what must be refused.
#include <gtest/gtest.h>

#include "conformance/suite/stage.hpp"
#include "support/pattern.hpp"

namespace ashlar::test {

namespace {

void table_and_capabilities_agree(const subject_kind& kind) {
  stage s(kind);
  const manager_ops& ops = s.subject().get().ops();
  const auto agrees = [&](capability one, bool has_entry) { return s.can(one) == has_entry; };
  EXPECT_NE(ops.kind, nullptr);
  EXPECT_NE(ops.allocate, nullptr);
  EXPECT_NE(ops.deallocate, nullptr);
  EXPECT_NE(ops.usage, nullptr);
  EXPECT_TRUE(agrees(capability::zero, ops.allocate_zeroed != nullptr));
  EXPECT_TRUE(agrees(capability::resize, ops.reallocate != nullptr));
  EXPECT_TRUE(agrees(capability::own, ops.owns != nullptr));
  EXPECT_TRUE(agrees(capability::size, ops.usable_size != nullptr));
  EXPECT_TRUE(agrees(capability::size, ops.deallocate_unsized != nullptr));
  EXPECT_TRUE(agrees(capability::free_all, ops.free_all != nullptr));
  EXPECT_TRUE(agrees(capability::rewind, ops.here != nullptr));
  EXPECT_TRUE(agrees(capability::rewind, ops.rewind != nullptr));
  EXPECT_TRUE(agrees(capability::walk, ops.walk != nullptr));
  EXPECT_TRUE(agrees(capability::trim, ops.trim != nullptr));
  EXPECT_EQ(s.finish(), "");
}

void construction_reserves_nothing(const subject_kind& kind) {
  stage s(kind);
  EXPECT_EQ(s.floor.calls(), 0u);
  s.model.check_all();
  EXPECT_EQ(s.finish(), "");
}

void zero_size_is_served_as_one(const subject_kind& kind) {
  stage s(kind);
  const allocation first = s.model.allocate({0, 1});
  const allocation second = s.model.allocate({0, 1}, fit::get_no_less);
  const allocation third = s.model.allocate({0, 16}, fit::get_exact, true);
  ASSERT_TRUE(first && second && third) << s.model.problem();
  EXPECT_NE(first.data(), second.data());
  EXPECT_NE(second.data(), third.data());
  EXPECT_NE(first.data(), third.data());
  EXPECT_EQ(s.finish(), "");
}

void absurd_requests_are_refused(const subject_kind& kind) {
  stage fresh(kind);
  fresh.model.ask_for_the_absurd();
  EXPECT_EQ(fresh.finish(), "");
  stage used(kind);
  used.model.allocate({1, 1});
  used.model.allocate({kind.largest, 1});
  used.model.ask_for_the_absurd();
  EXPECT_EQ(used.finish(), "");
}

void every_alignment(const subject_kind& kind) {
  for (std::size_t alignment = 1; alignment <= kind.max_alignment; alignment *= 2) {
    stage s(kind);
    std::size_t step = 0;
    for (const std::size_t size :
         {std::size_t{1}, alignment, alignment + alignment / 2, kind.largest}) {
      if (size > kind.largest) continue;
      s.model.allocate({size, alignment}, step % 2 == 0 ? fit::get_exact : fit::get_no_less);
      s.model.allocate({1, 1});  // puts what follows out of step
      if (++step % 2 == 0) s.model.end_all_blocks();
    }
    EXPECT_EQ(s.finish(), "") << "alignment " << alignment;
  }
}

void alignment_beyond_the_largest_is_served_or_refused(const subject_kind& kind) {
  stage s(kind, true);
  for (std::size_t alignment = kind.max_alignment * 2; alignment != 0; alignment *= 2)
    s.model.allocate({1, alignment});
  EXPECT_EQ(s.finish(), "");
}

void sizes_are_exact_or_no_less(const subject_kind& kind) {
  for (const std::size_t size : telling_sizes(kind.largest)) {
    stage s(kind);
    const allocation exact = s.model.allocate({size, 1}, fit::get_exact);
    EXPECT_TRUE(exact) << size;
    EXPECT_EQ(exact.size(), size);
    s.model.end_all_blocks();
    const allocation more = s.model.allocate({size, 1}, fit::get_no_less);
    EXPECT_TRUE(more) << size;
    EXPECT_GE(more.size(), size);
    EXPECT_EQ(s.finish(), "") << "size " << size;
  }
}

void blocks_do_not_overlap(const subject_kind& kind) {
  stage s(kind, true);
  const std::vector<std::size_t> sizes = telling_sizes(kind.largest);
  for (std::size_t round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      const std::size_t alignment = std::size_t{1} << (i + round) % 7;
      if (alignment > kind.max_alignment) continue;
      s.model.allocate({sizes[i], alignment}, i % 2 == 0 ? fit::get_exact : fit::get_no_less);
    }
    s.model.check_all();
    for (std::size_t i = 0; i < s.model.live().size(); i += 3) s.model.deallocate(i);
  }
  EXPECT_EQ(s.finish(), "");
}

void zeroed_memory_is_zero(const subject_kind& kind) {
  stage s(kind, true);
  for (const std::size_t size : telling_sizes(kind.largest)) {
    for (const fit wanted : {fit::get_exact, fit::get_no_less}) {
      s.model.allocate({size, 8}, wanted, true);
      s.model.allocate({size, 8}, wanted);  // the model fills it
    }
    s.model.end_all_blocks();  // and now it is dirty
    for (const fit wanted : {fit::get_exact, fit::get_no_less})
      s.model.allocate({size, 8}, wanted, true);
    s.model.end_all_blocks();
  }
  EXPECT_EQ(s.finish(), "");
}

}  // namespace

std::vector<conformance_test> request_tests() {
  return {{"table_and_capabilities_agree", table_and_capabilities_agree},
          {"construction_reserves_nothing", construction_reserves_nothing},
          {"zero_size_is_served_as_one", zero_size_is_served_as_one},
          {"absurd_requests_are_refused", absurd_requests_are_refused},
          {"every_alignment", every_alignment},
          {"alignment_beyond_the_largest_is_served_or_refused",
           alignment_beyond_the_largest_is_served_or_refused},
          {"sizes_are_exact_or_no_less", sizes_are_exact_or_no_less},
          {"blocks_do_not_overlap", blocks_do_not_overlap},
          {"zeroed_memory_is_zero", zeroed_memory_is_zero}};
}

}  // namespace ashlar::test
