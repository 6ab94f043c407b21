// SPDX-License-Identifier: MIT
// spsc_ring: what one thread sees of it, and two threads that hand over numbers, texts and bytes.
// All interleavings: tests/model/spsc_ring_test.cpp.
#include "ashlar/container/spsc_ring.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <numeric>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/manager/arena/stack_manager.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "support/fault_log.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"

namespace ashlar {
namespace {

TEST(spsc_ring, hands_out_in_the_order_of_pushing_and_is_full_at_its_capacity) {
  spsc_ring<int> ring(3);
  EXPECT_EQ(ring.capacity(), 4u);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.try_push(i));
    EXPECT_FALSE(ring.try_push(4));
    EXPECT_EQ(ring.size(), 4u);
    int got = -1;
    for (int i = 0; i < 4; ++i) {
      EXPECT_TRUE(ring.try_pop(got));
      EXPECT_EQ(got, i);
    }
    EXPECT_FALSE(ring.try_pop(got));
    EXPECT_EQ(got, 3) << "left alone";
    EXPECT_TRUE(ring.empty());
    EXPECT_TRUE(ring.try_push(0) && ring.try_pop(got)) << "so that the next round begins elsewhere";
  }
}

TEST(spsc_ring, is_full_at_its_new_capacity_when_it_was_opened_anew) {
  spsc_ring<int> ring(8);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(ring.try_push(i));
  ASSERT_EQ(ring.try_open(2), status::success);
  EXPECT_TRUE(ring.try_push(1));
  EXPECT_TRUE(ring.try_push(2));
  EXPECT_FALSE(ring.try_push(3));
  ring.close();
  EXPECT_FALSE(ring.try_push(4)) << "there is no capacity";
}

TEST(spsc_ring, has_no_capacity_before_it_is_opened) {
  spsc_ring<int> ring;
  int got = 0;
  EXPECT_EQ(ring.capacity(), 0u);
  EXPECT_FALSE(ring.try_push(1));
  EXPECT_FALSE(ring.try_pop(got));
  EXPECT_EQ(ring.front(), nullptr);
  const int some[] = {1, 2};
  EXPECT_EQ(ring.push_some(some), 0u);
  EXPECT_EQ(ring.try_open(2), status::success);
  EXPECT_EQ(ring.push_some(some), 2u);
}

TEST(spsc_ring, refuses_what_is_too_large_and_is_as_it_was) {
  spsc_ring<int> ring(2);
  EXPECT_TRUE(ring.try_push(7));
  EXPECT_EQ(ring.try_open(static_cast<std::size_t>(-1)), status::too_large);
  EXPECT_EQ(*ring.front(), 7);
}

TEST(spsc_ring, pushes_and_pops_as_much_as_there_is_across_the_seam) {
  spsc_ring<std::uint16_t> ring(16);
  std::uint16_t in = 0;
  std::uint16_t out = 0;
  test::random_source random(1);
  for (int step = 0; step < 1'000; ++step) {
    std::array<std::uint16_t, 20> some;
    const std::size_t wanted = random.below(21);
    std::iota(some.begin(), some.end(), in);
    const std::size_t before = ring.size();
    const std::size_t pushed = ring.push_some(std::span(some).first(wanted));
    EXPECT_EQ(pushed, std::min(wanted, 16 - before));
    in = static_cast<std::uint16_t>(in + pushed);
    const std::size_t popped = ring.pop_some(std::span(some).first(random.below(21)));
    for (std::size_t i = 0; i < popped; ++i) EXPECT_EQ(some[i], out++);
  }
}

TEST(spsc_ring, moves_elements_and_ends_each_once) {
  const auto shared = std::make_shared<int>(1);
  {
    spsc_ring<std::shared_ptr<int>> ring(8);
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(ring.try_push(shared));
    std::vector<std::shared_ptr<int>> some(3);
    EXPECT_EQ(ring.pop_some(some), 3u);
    EXPECT_EQ(ring.push_some(some), 3u);
    EXPECT_EQ(shared.use_count(), 1 + 5 + 3);
  }
  EXPECT_EQ(shared.use_count(), 1);
}

TEST(spsc_ring, takes_elements_that_can_only_be_moved_and_any_alignment) {
  struct alignas(512) wide {
    std::unique_ptr<int> p;
  };
  spsc_ring<wide> ring(4);
  EXPECT_TRUE(ring.try_push(wide{std::make_unique<int>(5)}));
  EXPECT_TRUE(is_aligned(address_of(ring.front()), 512));
  wide got;
  EXPECT_TRUE(ring.try_pop(got));
  EXPECT_EQ(*got.p, 5);
}

TEST(spsc_ring, is_not_opened_anew_over_a_block_that_must_be_freed_first) {
  test::fault_log faults;
  stack_manager last_first;
  {
    spsc_ring<int> ring(8, last_first);
    EXPECT_EQ(ring.try_open(16, last_first), status::unsupported);
    EXPECT_EQ(ring.capacity(), 8u);
    ring.close();
    EXPECT_EQ(ring.try_open(16, last_first), status::success);
  }
  EXPECT_EQ(last_first.usage().live_blocks, 0u);
  EXPECT_EQ(faults.count(), 0u);
}

TEST(spsc_ring, notices_a_pop_of_what_is_not_there) {
  test::fault_log faults;
  spsc_ring<std::string> ring(4);
  ring.pop_front();
  EXPECT_TRUE(faults.took(fault_kind::pop_beyond_start, &ring));
  ASSERT_TRUE(ring.try_push("one"));
  ASSERT_NE(ring.front(), nullptr);
  ring.pop_front();
  EXPECT_EQ(faults.count(), 0u);
  ring.pop_front();
  EXPECT_TRUE(faults.took(fault_kind::pop_beyond_start, &ring));
  EXPECT_TRUE(ring.empty());
}

TEST(spsc_ring, gives_its_memory_back) {
  os_manager& os = system_os();
  const std::size_t before = os.usage().used;
  {
    spsc_ring<int> ring(10'000, os);
    EXPECT_GE(os.usage().used, before + 40'000);
    ring.close();
    EXPECT_EQ(os.usage().used, before);
    EXPECT_EQ(ring.try_open(100, os), status::success);
  }
  EXPECT_EQ(os.usage().used, before);
}

// --- Two threads ---------------------------------------------------------------------------------

template <class Produce, class Consume>
void run_both(Produce produce, Consume consume) {
  std::thread producer(produce);
  consume();
  producer.join();
}

TEST(spsc_ring_threads, hand_over_numbers_one_by_one) {
  const std::uint64_t count = test::scaled(2'000'000);
  spsc_ring<std::uint64_t> ring(64);
  run_both(
      [&] {
        for (std::uint64_t i = 0; i < count; ++i)
          while (!ring.try_push(i)) std::this_thread::yield();
      },
      [&] {
        for (std::uint64_t i = 0; i < count; ++i) {
          std::uint64_t got = 0;
          while (!ring.try_pop(got)) std::this_thread::yield();
          ASSERT_EQ(got, i);
        }
      });
}

TEST(spsc_ring_threads, hand_over_texts_that_own_memory) {
  const std::size_t count = test::scaled(300'000);
  spsc_ring<std::string> ring(16);
  const auto text = [](std::size_t i) {
    return std::string(i % 50, static_cast<char>('a' + i % 26));
  };
  run_both(
      [&] {
        for (std::size_t i = 0; i < count; ++i)
          while (!ring.try_emplace(text(i))) std::this_thread::yield();
      },
      [&] {
        for (std::size_t i = 0; i < count; ++i) {
          while (ring.front() == nullptr) std::this_thread::yield();
          ASSERT_EQ(*ring.front(), text(i));
          ring.pop_front();
        }
      });
  EXPECT_TRUE(ring.empty());
}

TEST(spsc_ring_threads, hand_over_bytes_in_pieces_of_all_sizes) {
  const std::size_t count = test::scaled(20'000'000);
  const auto byte = [](std::size_t i) {
    return static_cast<unsigned char>(test::mixed(i / 64) >> i % 57);
  };
  spsc_ring<unsigned char> ring(4'096);
  run_both(
      [&] {
        test::random_source random(1);
        std::vector<unsigned char> piece(3'000);
        for (std::size_t at = 0; at < count;) {
          const std::size_t size = std::min(random.log_uniform(piece.size()), count - at);
          for (std::size_t i = 0; i < size; ++i) piece[i] = byte(at + i);
          const std::size_t pushed = ring.push_some(std::span(piece).first(size));
          if (pushed == 0) std::this_thread::yield();
          at += pushed;
        }
      },
      [&] {
        test::random_source random(2);
        std::vector<unsigned char> piece(3'000);
        std::size_t wrong = 0;
        for (std::size_t at = 0; at < count;) {
          const std::size_t popped =
              ring.pop_some(std::span(piece).first(random.log_uniform(piece.size())));
          for (std::size_t i = 0; i < popped; ++i) wrong += piece[i] != byte(at + i);
          if (popped == 0) std::this_thread::yield();
          at += popped;
        }
        EXPECT_EQ(wrong, 0u);
      });
}

TEST(spsc_ring_threads, let_others_ask_for_its_size) {
  const int count = static_cast<int>(test::scaled(200'000));
  spsc_ring<int> ring(8);
  std::atomic<bool> is_over{false};
  std::thread watcher([&] {
    while (!is_over.load()) EXPECT_LE(ring.size(), ring.capacity());
  });
  run_both(
      [&] {
        for (int i = 0; i < count; ++i)
          while (!ring.try_push(i)) std::this_thread::yield();
      },
      [&] {
        int got = 0;
        for (int i = 0; i < count; ++i)
          while (!ring.try_pop(got)) std::this_thread::yield();
      });
  is_over = true;
  watcher.join();
}

}  // namespace
}  // namespace ashlar
