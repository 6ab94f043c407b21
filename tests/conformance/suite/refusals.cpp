// SPDX-License-Identifier: MIT
// No memory: bounded managers run out, upstreams refuse at any call; nothing is lost or changed.
#include <gtest/gtest.h>

#include "conformance/suite/stage.hpp"

namespace ashlar::test {

namespace {

// What `not_enough_memory` says must be true to the byte.
void check_would_fit(stage& s, const allocation& refused, std::size_t alignment) {
  if (refused.reason() != status::not_enough_memory) return;
  const std::size_t fits = refused.would_fit();
  EXPECT_FALSE(s.model.allocate({fits + 1, alignment})) << "more than would_fit fits";
  if (fits == 0) return;
  EXPECT_TRUE(s.model.allocate({fits, alignment})) << "would_fit does not fit";
}

// Largest blocks first, then ever smaller ones, until not even one byte is left.
void take_everything(stage& s, const subject_kind& kind, std::size_t alignment) {
  constexpr std::size_t most_blocks = 20000;
  for (std::size_t size = kind.largest; size != 0; size /= 2) {
    while (s.is_well() && s.model.live().size() < most_blocks) {
      const allocation a = s.model.allocate({size, alignment}, fit::get_exact, size % 3 == 0);
      if (a) continue;
      check_would_fit(s, a, alignment);
      break;
    }
  }
  EXPECT_LT(s.model.live().size(), most_blocks) << "it never runs out";
}

void serves_again_after_it_ran_out(const subject_kind& kind) {
  stage s(kind, true);
  const bool is_bounded = s.can(capability::bounded) || kind.may_run_out;
  // Who takes memory from a place that the suite cannot limit is asked for too much instead.
  if (!is_bounded && !kind.uses_upstream) {
    const status why = s.model.allocate({max_size / 2, 1}).reason();
    EXPECT_TRUE(why == status::no_memory || why == status::too_large) << to_string(why);
    return;
  }
  if (!is_bounded) s.floor.limit(kind.largest * 2 + 256_KiB);
  for (const std::size_t alignment : {std::size_t{8}, std::size_t{1}}) {
    take_everything(s, kind, alignment);
    s.model.check_all();
    s.model.ask_for_the_absurd();
    s.model.end_all_blocks();
    s.model.check_all();
    if (!s.model.reuses_memory()) break;
    EXPECT_TRUE(s.model.allocate({kind.largest, alignment})) << "after all was freed";
    s.model.end_all_blocks();
  }
  EXPECT_EQ(s.finish(), "");
}

// A little of everything. Any call may be refused; the model sees to it that nothing changes then.
void do_a_bit_of_everything(stage& s, const subject_kind& kind) {
  const std::size_t sizes[] = {1, kind.largest / 3 + 1, kind.largest < 16 ? 1 : std::size_t{16},
                               kind.largest};
  for (const std::size_t size : sizes) {
    s.model.allocate({size, 8});
    s.model.allocate({size, 1}, fit::get_no_less, true);
  }
  if (!s.model.is_lifo() || s.can(capability::resize)) {
    s.model.reallocate(1, {.size = kind.largest});
    s.model.reallocate(0, {.size = kind.largest / 2, .wanted = fit::get_no_less});
  }
  s.model.deallocate(2);
  s.model.trim(0);
  s.model.allocate({kind.largest, kind.max_alignment < 4096 ? kind.max_alignment : 4096});
  s.model.check_all();
  s.model.end_all_blocks();
  s.model.trim(0);
  s.model.allocate({kind.largest, 8});
  s.model.check_all();
}

void survives_a_refusal_at_every_call(const subject_kind& kind) {
  for (const bool all_after : {false, true}) {
    bool was_refused = true;
    for (std::size_t n = 1; was_refused && n < 3000; ++n) {
      stage s(kind, true);
      s.floor.refuse_call(n, all_after);
      do_a_bit_of_everything(s, kind);
      was_refused = s.floor.refusals() != 0;
      s.floor.accept_all();
      s.model.end_all_blocks();
      EXPECT_TRUE(s.model.allocate({kind.largest, 8})) << "after the refusal of call " << n;
      ASSERT_EQ(s.finish(), "") << "call " << n << (all_after ? " and all after it" : "");
    }
    EXPECT_FALSE(was_refused);
  }
}

}  // namespace

std::vector<conformance_test> refusal_tests() {
  return {{"serves_again_after_it_ran_out", serves_again_after_it_ran_out},
          {"survives_a_refusal_at_every_call", survives_a_refusal_at_every_call}};
}

}  // namespace ashlar::test
