// SPDX-License-Identifier: MIT
// How blocks end: one by one with any allowed size, all at once, down to a mark; and what the
// manager knows of them while they live.
#include <gtest/gtest.h>

#include "conformance/suite/stage.hpp"

namespace ashlar::test {

namespace {

void takes_blocks_back_with_each_allowed_size(const subject_kind& kind) {
  for (const std::size_t size : telling_sizes(kind.largest)) {
    stage s(kind);
    for (const std::size_t part : {0, 1, 2}) {
      const allocation a = s.model.allocate({size, 8}, fit::get_no_less);
      ASSERT_TRUE(a) << size;
      s.model.deallocate(0, (a.size() - size) * part / 2);
      if (s.can(capability::no_op_deallocate)) s.model.end_all_blocks();
    }
    EXPECT_EQ(s.finish(), "") << "size " << size;
  }
}

void takes_blocks_back_without_a_size(const subject_kind& kind) {
  stage s(kind, true);
  for (const std::size_t size : telling_sizes(kind.largest)) {
    s.model.allocate({size, 8}, size % 2 == 0 ? fit::get_exact : fit::get_no_less);
    if (!s.can(capability::size)) continue;
    if (size % 3 == 0) s.model.deallocate_unsized(0);
  }
  EXPECT_EQ(s.can(capability::size), s.handle().get()->ops().usable_size != nullptr);
  EXPECT_EQ(s.finish(), "");
}

void ignores_an_empty_block(const subject_kind& kind) {
  stage s(kind);
  s.handle().deallocate({});
  s.handle().deallocate({}, 1);
  s.handle().deallocate({nullptr, 100}, 64);
  s.model.allocate({1, 1});
  s.handle().deallocate({});
  if (s.can(capability::size))
    s.handle().get()->ops().deallocate_unsized(*s.handle().get(), nullptr);
  EXPECT_EQ(s.finish(), "");
}

void frees_all_at_once(const subject_kind& kind) {
  stage s(kind, true);
  if (!s.can(capability::free_all)) {
    EXPECT_EQ(s.handle().get()->ops().free_all, nullptr);
    return;
  }
  s.model.free_all();  // there is nothing yet
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t size : telling_sizes(kind.largest)) s.model.allocate({size, 8});
    s.model.check_all();
    s.model.free_all();
    s.model.check_all();
    EXPECT_TRUE(s.model.allocate({kind.largest, 8}));
  }
  EXPECT_EQ(s.finish(), "");
}

void rewinds_to_marks(const subject_kind& kind) {
  stage s(kind, true);
  if (!s.can(capability::rewind)) {
    EXPECT_EQ(s.handle().get()->ops().rewind, nullptr);
    return;
  }
  s.model.take_mark();
  for (int round = 0; round < 2; ++round) {
    for (const std::size_t size : telling_sizes(kind.largest)) {
      s.model.take_mark();
      s.model.allocate({size, 8});
      if (size % 3 == 0) s.model.rewind();
    }
    s.model.check_all();
  }
  while (s.model.live().size() > 1) s.model.rewind();
  s.model.rewind();
  EXPECT_TRUE(s.model.allocate({kind.largest, 8}));
  EXPECT_EQ(s.finish(), "");
}

void gives_idle_memory_back(const subject_kind& kind) {
  stage s(kind, true);
  s.model.trim(0);
  for (const std::size_t size : telling_sizes(kind.largest)) s.model.allocate({size, 8});
  s.model.trim(0);
  s.model.check_all();
  for (std::size_t i = 0; i < s.model.live().size(); i += 2) s.model.deallocate(i);
  s.model.trim(kind.largest);
  s.model.trim(0);
  s.model.check_all();
  s.model.end_all_blocks();
  s.model.trim(0);
  EXPECT_TRUE(s.model.allocate({kind.largest, 8}, fit::get_exact, true));
  EXPECT_EQ(s.finish(), "");
}

void a_walk_can_be_ended(const subject_kind& kind) {
  stage s(kind, true);
  if (!s.can(capability::walk)) {
    EXPECT_EQ(s.handle().get()->ops().walk, nullptr);
    return;
  }
  for (int i = 0; i < 5; ++i) s.model.allocate({kind.largest / 8 + 1, 8});
  int visits = 0;
  s.handle().walk(
      {&visits, [](void* n, const walked_block&) { return ++*static_cast<int*>(n) < 3; }});
  EXPECT_EQ(visits, s.model.live().size() < 3 ? static_cast<int>(s.model.live().size()) : 3);
  EXPECT_EQ(s.finish(), "");
}

void who_can_free_all_may_end_with_live_blocks(const subject_kind& kind) {
  ground floor;
  {
    const auto subject = kind.make(floor.upstream());
    const memory m = subject->get();
    // Blocks belong to the upstream where the manager keeps no record of them.
    if (!m.can(capability::free_all)) {
      EXPECT_EQ(m.get()->ops().free_all, nullptr);
      return;
    }
    for (int i = 0; i < 10; ++i) (void)m.allocate({kind.largest / 16 + 1, 8});
  }
  EXPECT_TRUE(floor.is_bare());
  EXPECT_EQ(floor.problem(), "");
}

}  // namespace

std::vector<conformance_test> lifetime_tests() {
  return {{"takes_blocks_back_with_each_allowed_size", takes_blocks_back_with_each_allowed_size},
          {"takes_blocks_back_without_a_size", takes_blocks_back_without_a_size},
          {"ignores_an_empty_block", ignores_an_empty_block},
          {"frees_all_at_once", frees_all_at_once},
          {"rewinds_to_marks", rewinds_to_marks},
          {"gives_idle_memory_back", gives_idle_memory_back},
          {"a_walk_can_be_ended", a_walk_can_be_ended},
          {"who_can_free_all_may_end_with_live_blocks", who_can_free_all_may_end_with_live_blocks}};
}

}  // namespace ashlar::test
