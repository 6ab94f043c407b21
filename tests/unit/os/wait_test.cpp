// SPDX-License-Identifier: MIT
// Threads sleep on a word and are woken.
#include "ashlar/os/wait.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "ashlar/os/clock.hpp"

namespace ashlar {
namespace {

TEST(wait, returns_at_once_if_the_word_has_changed_already) {
  const os::wait_word word{1};
  EXPECT_TRUE(os::wait(word, 0));
}

TEST(wait, says_when_the_time_has_passed) {
  const os::wait_word word{0};
  const std::uint64_t before = os::monotonic_ns();
  while (os::wait(word, 0, 5'000'000)) {
  }
  EXPECT_GE(os::monotonic_ns() - before, 5'000'000u);
}

TEST(wait, is_ended_by_wake_all) {
  os::wait_word word{0};
  std::vector<std::thread> sleepers;
  for (int i = 0; i < 3; ++i) {
    sleepers.emplace_back([&word] {
      while (word.load() == 0) os::wait(word, 0);
    });
  }
  word.store(1);
  os::wake_all(word);
  for (std::thread& sleeper : sleepers) sleeper.join();
}

TEST(wait, hands_a_turn_back_and_forth_with_wake_one) {
  os::wait_word turn{0};
  const auto play = [&turn](std::uint32_t mine) {
    for (std::uint32_t i = 0; i < 1000; ++i) {
      for (std::uint32_t now; (now = turn.load()) % 2 != mine;) os::wait(turn, now);
      turn.fetch_add(1);
      os::wake_one(turn);
    }
  };
  std::thread other(play, 1u);
  play(0);
  other.join();
  EXPECT_EQ(turn.load(), 2000u);
}

}  // namespace
}  // namespace ashlar
