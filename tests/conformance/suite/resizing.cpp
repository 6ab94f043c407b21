// SPDX-License-Identifier: MIT
// Reallocation: in place or by moving, and what is kept. Managers that cannot resize are asked too:
// the handle does it for them, and must tell that in place is unsupported.
#include <gtest/gtest.h>

#include "conformance/suite/stage.hpp"

namespace ashlar::test {

namespace {

// A manager that frees the last block first cannot take the old block back below the new one.
bool can_move(const stage& s) { return !s.model.is_lifo() || s.can(capability::resize); }

void keeps_contents_when_resized(const subject_kind& kind) {
  stage s(kind, true);
  if (!can_move(s)) {
    EXPECT_EQ(s.handle().get()->ops().reallocate, nullptr);
    return;
  }
  const std::vector<std::size_t> sizes = telling_sizes(kind.largest);
  for (std::size_t i = 0; i < sizes.size() && s.is_well(); ++i) {
    s.model.allocate({sizes[i], 8});
    s.model.allocate({1, 1});
    if (s.model.is_lifo()) s.model.deallocate(0);
    const std::size_t which = s.model.live().size() - (s.model.is_lifo() ? 1 : 2);
    s.model.reallocate(which, {.size = sizes[sizes.size() - 1 - i], .wanted = fit::get_no_less});
    s.model.reallocate(s.model.live().size() - 1, {.size = sizes[i]});
    s.model.reallocate(s.model.live().size() - 1,
                       {.size = sizes[(i * 7) % sizes.size()], .used = sizes[i] / 2});
    s.model.end_all_blocks();
  }
  EXPECT_EQ(s.finish(), "");
}

void does_not_move_what_must_stay(const subject_kind& kind) {
  stage s(kind, true);
  const std::size_t middle = kind.largest / 2;
  s.model.allocate({middle, 8});
  for (const std::size_t size : {middle + 1, middle / 2, std::size_t{1}, middle, kind.largest}) {
    const allocation a = s.model.reallocate(0, {.size = size, .may_move = false});
    if (!s.can(capability::resize)) {
      EXPECT_EQ(a.reason(), status::unsupported);
    }
  }
  EXPECT_EQ(s.finish(), "");
}

void an_absurd_resize_changes_nothing(const subject_kind& kind) {
  stage s(kind, true);
  s.model.allocate({kind.largest / 2, 8});
  for (const bool may_move : {true, false}) {
    for (const std::size_t size : {max_size, max_size + 1, SIZE_MAX, SIZE_MAX - 15}) {
      const allocation a = s.model.reallocate(0, {.size = size, .may_move = may_move});
      EXPECT_FALSE(a);
      if (size > max_size && may_move && can_move(s)) {
        EXPECT_EQ(a.reason(), status::too_large);
      }
    }
  }
  EXPECT_EQ(s.finish(), "");
}

void a_resize_with_an_impossible_alignment_changes_nothing(const subject_kind& kind) {
  stage s(kind, true);
  s.model.allocate({kind.largest / 2, 8});
  ASSERT_EQ(s.model.live().size(), 1u) << s.finish();
  const block b{s.model.live()[0].data, s.model.live()[0].size};
  const manager_usage before = s.handle().usage();
  // To the same size, to a smaller one, to larger ones that fit behind it or elsewhere, to none.
  const std::size_t sizes[] = {b.size, b.size / 2, b.size + 1, kind.largest, max_size};
  for (const std::size_t alignment : {0, 3, 24, 65535})
    for (const std::size_t size : sizes)
      for (const bool may_move : {true, false}) {
        const status why =
            s.handle().reallocate(b, alignment, {.size = size, .may_move = may_move}).reason();
        const bool is_due = may_move || s.can(capability::resize);
        EXPECT_TRUE(why == status::bad_alignment || (!is_due && why == status::unsupported))
            << to_string(why) << " for " << size << " bytes aligned to " << alignment;
      }
  EXPECT_EQ(s.handle().usage().used, before.used);
  EXPECT_EQ(s.finish(), "");
}

void an_empty_block_is_allocated_by_a_resize(const subject_kind& kind) {
  stage s(kind);
  const allocation a = s.handle().reallocate({}, 8, {.size = kind.largest});
  ASSERT_TRUE(a);
  EXPECT_EQ(a.size(), kind.largest);
  s.handle().deallocate(a.get(), 8);
  EXPECT_EQ(s.finish(), "");
}

void returns_a_part_of_used_memory(const subject_kind& kind) {
  stage s(kind, true);
  s.model.allocate({kind.largest, 8});
  for (std::size_t size = kind.largest; size > 1; size /= 2) {
    const std::size_t used = s.handle().usage().used;
    const allocation a = s.model.reallocate(0, {.size = size / 2, .may_move = false});
    if (a) {
      EXPECT_LE(s.handle().usage().used, used);
    }
  }
  EXPECT_EQ(s.finish(), "");
}

}  // namespace

std::vector<conformance_test> resize_tests() {
  return {{"keeps_contents_when_resized", keeps_contents_when_resized},
          {"does_not_move_what_must_stay", does_not_move_what_must_stay},
          {"an_absurd_resize_changes_nothing", an_absurd_resize_changes_nothing},
          {"a_resize_with_an_impossible_alignment_changes_nothing",
           a_resize_with_an_impossible_alignment_changes_nothing},
          {"an_empty_block_is_allocated_by_a_resize", an_empty_block_is_allocated_by_a_resize},
          {"returns_a_part_of_used_memory", returns_a_part_of_used_memory}};
}

}  // namespace ashlar::test
