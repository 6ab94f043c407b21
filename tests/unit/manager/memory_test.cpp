// SPDX-License-Identifier: MIT
// The handle: the window inline, the table behind it, and what it does for managers that cannot.
#include "ashlar/manager/memory.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "support/pattern.hpp"
#include "unit/manager/plain_manager.hpp"

namespace ashlar {
namespace {

using test::plain_manager;
using test::window_manager;

TEST(memory, of_nothing_is_false) {
  plain_manager plain;
  EXPECT_FALSE(memory());
  EXPECT_TRUE(memory(plain));
  EXPECT_EQ(memory(plain), memory(plain));
  EXPECT_FALSE(memory(plain) == memory());
}

TEST(memory, takes_from_an_open_window_without_a_call) {
  window_manager w;
  const memory m = w;
  const allocation a = m.allocate({10, 1});
  const allocation b = m.allocate({8, 64});
  EXPECT_EQ(a.data(), w.buffer);
  EXPECT_EQ(a.size(), 10u);
  EXPECT_EQ(b.data(), w.buffer + 64);
  EXPECT_EQ(m.usage().used, 72u);
  const allocation all = m.allocate({1024 - 72, 8});
  EXPECT_EQ(all.data(), w.buffer + 72);
  EXPECT_EQ(w.calls, 0);
  EXPECT_FALSE(m.allocate({1, 1}));
  EXPECT_EQ(w.calls, 1);
}

TEST(memory, leaves_the_window_alone_where_a_request_is_odd) {
  window_manager w;
  const memory m = w;
  const layout odd[] = {
      {0, 1},        {8, 0},        {8, 3},           {8, 48},         {1025, 1},
      {max_size, 8}, {SIZE_MAX, 1}, {SIZE_MAX, 4096}, {1, 1ULL << 63}, {1024, 1ULL << 62}};
  int calls = 0;
  (void)m.allocate({1, 1});  // so that alignment costs something
  for (const layout request : odd) {
    EXPECT_FALSE(m.allocate(request)) << request.size << ' ' << request.alignment;
    EXPECT_EQ(w.calls, ++calls);
  }
  EXPECT_EQ(m.usage().used, 1u);
}

TEST(memory, with_a_closed_window_asks_the_table) {
  window_manager w;
  w.close_window();
  EXPECT_FALSE(memory(w).allocate({1, 1}));
  EXPECT_FALSE(memory(w).allocate({0, 1}));
  EXPECT_EQ(w.calls, 2);
}

TEST(memory, zeroes_for_managers_that_cannot) {
  window_manager w;
  std::memset(w.buffer, 0xff, sizeof(w.buffer));
  const allocation a = memory(w).allocate_zeroed({100, 16});
  ASSERT_TRUE(a);
  EXPECT_EQ(test::first_nonzero(a.data(), 100), 100u);
  plain_manager refusing;
  refusing.refuse = true;
  EXPECT_EQ(memory(refusing).allocate_zeroed({1, 1}).reason(), status::no_memory);
}

TEST(memory, moves_blocks_for_managers_that_cannot_resize) {
  plain_manager plain;
  const memory m = plain;
  const allocation a = m.allocate({100, 8});
  test::fill_pattern(a.data(), 100, 1);
  EXPECT_EQ(m.reallocate(a.get(), 8, {.size = 200, .may_move = false}).reason(),
            status::unsupported);
  const allocation b = m.reallocate(a.get(), 8, {.size = 200});
  ASSERT_TRUE(b);
  EXPECT_EQ(b.size(), 200u);
  EXPECT_TRUE(test::has_pattern(b.data(), 100, 1));
  const allocation c = m.reallocate(b.get(), 8, {.size = 50, .used = 20});
  EXPECT_TRUE(test::has_pattern(c.data(), 20, 1));
  plain.refuse = true;
  EXPECT_EQ(m.reallocate(c.get(), 8, {.size = 60}).reason(), status::no_memory);
  EXPECT_TRUE(test::has_pattern(c.data(), 20, 1)) << "the block is as it was";
  m.deallocate(c.get(), 8);
}

TEST(memory, allocates_where_an_empty_block_is_resized) {
  plain_manager plain;
  const allocation a = memory(plain).reallocate({}, 8, {.size = 10, .may_move = false});
  ASSERT_TRUE(a);
  memory(plain).deallocate(a.get(), 8);
}

TEST(memory, trims_nothing_where_the_manager_cannot) {
  plain_manager plain;
  EXPECT_EQ(memory(plain).trim(), 0u);
}

}  // namespace
}  // namespace ashlar
