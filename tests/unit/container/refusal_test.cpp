// SPDX-License-Identifier: MIT
#include "ashlar/container/refusal.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "ashlar/base/units.hpp"
#include "ashlar/manager/memory_system.hpp"
#include "support/child.hpp"
#include "support/ledger.hpp"
#include "without_exceptions.hpp"

namespace ashlar {
namespace {

using test::ledger;

TEST(container_refusal, is_thrown_with_its_reason) {
  for (const status why : {status::no_memory, status::not_enough_memory, status::over_budget,
                           status::bad_alignment, status::unsupported}) {
    try {
      throw_refusal(why);
    } catch (const bad_allocation& refused) {
      EXPECT_EQ(refused.reason(), why);
      EXPECT_EQ(refused.what(), std::string("ashlar: ") + to_string(why));
    }
  }
  EXPECT_THROW(throw_refusal(status::too_large), std::length_error);
}

struct reclaimer {
  std::size_t calls = 0;
  std::size_t wanted = 0;
  bool frees = true;

  reclaimer() {
    EXPECT_TRUE(system().add_reclaimer(this, [](void* context, std::size_t size) {
      auto& self = *static_cast<reclaimer*>(context);
      ++self.calls;
      self.wanted = size;
      return self.frees;
    }));
  }
  ~reclaimer() { system().remove_reclaimer(this); }
};

TEST(container_refusal, asks_the_reclaimers_once_and_only_where_they_can_help) {
  reclaimer r;
  std::size_t attempts = 0;
  const auto refuse = [&](status why) {
    return [&attempts, why] {
      ++attempts;
      return why;
    };
  };
  EXPECT_THROW(insist(100, refuse(status::no_memory)), bad_allocation);
  EXPECT_EQ(attempts, 2u);
  EXPECT_EQ(r.calls, 1u);
  EXPECT_EQ(r.wanted, 100u);
  EXPECT_THROW(insist(100, refuse(status::bad_alignment)), bad_allocation);
  EXPECT_EQ(attempts, 3u);
  r.frees = false;
  EXPECT_THROW(insist(100, refuse(status::over_budget)), bad_allocation);
  EXPECT_EQ(attempts, 4u);
  EXPECT_EQ(r.calls, 2u);
}

TEST(container_refusal, ends_a_program_that_is_built_without_exceptions) {
  ledger from;
  from.budget = 4_KiB;
  EXPECT_EQ(test::fill_until_refused(from), status::not_enough_memory);
  EXPECT_EQ(from.live_blocks(), 0u);
  // noexcept: in such a program nobody catches.
  const int status = test::run_in_child([&]() noexcept { test::push_until_the_end(from); });
  EXPECT_TRUE(test::was_aborted(status));
}

}  // namespace
}  // namespace ashlar
