// SPDX-License-Identifier: MIT
// What the quarantine keeps and lets go of, as threads on many processors free into it.
#include "ashlar/replace/debug/quarantine.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <vector>

#include "ashlar/base/bits.hpp"
#include "support/scale.hpp"

namespace ashlar::replace {
namespace {

constexpr std::size_t block_size = 1000;
constexpr std::uint64_t limit = 1000 * block_size;

// Blocks are numbers: nothing is read from where they lie.
std::byte* address_of_block(std::uint64_t number) { return at_address(0x10000 + number * 4096); }
std::uint64_t number_of(const dead_block& d) { return (address_of(d.data) - 0x10000) / 4096; }

dead_block make(std::uint64_t number) {
  dead_block dead = {};
  dead.data = address_of_block(number);
  dead.was.store({.site = 1, .size = block_size, .born = 1});
  return dead;
}

class quarantine_test : public testing::Test {
 protected:
  quarantine_test() { kept_.limit_to(limit, 0); }
  ~quarantine_test() override { kept_.release(); }

  // As a thread on `processor` that frees block `number`. Appends those that leave to `left`.
  void free(std::uint32_t processor, std::uint64_t number, std::vector<std::uint64_t>& left) {
    bool is_over = false;
    ASSERT_TRUE(kept_.put(processor, make(number), is_over));
    bool any = is_over;
    while (any) {
      any = false;
      quarantine::excess leaving = kept_.find_excess(processor);
      dead_block out[quarantine::most_taken];
      while (const std::uint32_t count = kept_.take(leaving, out)) {
        for (std::uint32_t i = 0; i < count; ++i) left.push_back(number_of(out[i]));
        any = leaving.is_part;
      }
      any = any && leaving.is_part;
    }
  }

  bool knows(std::uint64_t number) {
    dead_block found;
    return kept_.find(address_of_block(number), false, found) && number_of(found) == number;
  }

  quarantine kept_;
};

TEST_F(quarantine_test, lets_the_oldest_go_first) {
  std::vector<std::uint64_t> left;
  for (std::uint64_t i = 0; i < 5000; ++i) free(0, i, left);
  ASSERT_GE(left.size(), 4000u);
  EXPECT_LE(left.size(), 4000u + 1000 / 64);
  for (std::uint64_t i = 0; i < left.size(); ++i) ASSERT_EQ(left[i], i);
}

// Whether the system moves the thread seldom or often, to two processors or to all.
TEST_F(quarantine_test, keeps_blocks_of_a_thread_that_is_moved_about_half_as_long_as_others) {
  for (const std::uint32_t processors : {2u, 3u, quarantine::ring_count}) {
    for (const std::uint64_t stay : {1u, 7u, 160u, 900u, 20'000u}) {
      quarantine_test::kept_.release();
      std::vector<std::uint64_t> left;
      for (std::uint64_t i = 0; i < 60'000; ++i) {
        const std::size_t before = left.size();
        free(static_cast<std::uint32_t>(i / stay * 7 % processors), i, left);
        for (std::size_t k = before; k < left.size(); ++k)
          ASSERT_GE(i - left[k], 450u) << processors << " processors, " << stay << " each";
      }
      EXPECT_GE(left.size(), 60'000u - 1063) << "no more than may be rests";
      EXPECT_LE(left.size(), 60'000u - 900) << "what may rest does";
    }
  }
}

TEST_F(quarantine_test, knows_what_rests_through_all_growth) {
  kept_.limit_to(limit * 1000, 0);
  std::vector<std::uint64_t> left;
  constexpr std::uint64_t count = 200'000;  // beyond each doubling but the last
  for (std::uint64_t i = 0; i < count; ++i) free(3, i, left);
  EXPECT_TRUE(left.empty());
  for (std::uint64_t i = 0; i < count; i += 997) EXPECT_TRUE(knows(i)) << i;
  std::uint64_t next = 0;
  kept_.for_each([&next](const dead_block& d) { ASSERT_EQ(number_of(d), next++); });
  EXPECT_EQ(next, count);
}

TEST_F(quarantine_test, remembers_what_has_left) {
  std::vector<std::uint64_t> left;
  for (std::uint64_t i = 0; i < 15'000; ++i) free(0, i, left);
  for (std::uint64_t i = 0; i < 15'000; i += 99) EXPECT_TRUE(knows(i)) << i;
}

TEST_F(quarantine_test, remembers_more_where_none_may_rest) {
  kept_.limit_to(0, 0);
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    bool is_over = false;
    ASSERT_FALSE(kept_.put(0, make(i), is_over));
    kept_.remember(0, make(i));
  }
  for (std::uint64_t i = 0; i < 200'000; i += 997) EXPECT_TRUE(knows(i)) << i;
}

TEST_F(quarantine_test, threads_on_many_processors_never_hold_much_more_than_may_be) {
  constexpr std::uint32_t threads = 8;
  const std::uint64_t each = test::scaled(20'000);
  std::vector<std::vector<std::uint64_t>> left(threads);
  std::vector<std::thread> running;
  for (std::uint32_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < each; ++i) free(t, t * each + i, left[t]);
    });
  }
  for (std::thread& r : running) r.join();
  std::uint64_t resting = 0;
  kept_.for_each([&resting](const dead_block&) { ++resting; });
  std::uint64_t gone = 0;
  for (const auto& l : left) gone += l.size();
  EXPECT_EQ(resting + gone, threads * each) << "each leaves once";
  EXPECT_LE(resting, 1000u + 1000 / 16 + threads);
  EXPECT_GE(resting, 500u);
}

}  // namespace
}  // namespace ashlar::replace
