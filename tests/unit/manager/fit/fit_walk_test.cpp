// SPDX-License-Identifier: MIT
// Random walks on regions so small that blocks touch, join, slide and run out all the time; all
// invariants, and the contents of a block, are checked at every other step: between those a call
// meets what the one before left to do.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "ashlar/fit.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"

namespace ashlar {
namespace {

struct live_block {
  std::byte* data;
  std::size_t size;
  std::size_t alignment;
  std::uint64_t stamp;
};

template <class Manager>
class walk {
 public:
  walk(Manager& fit, std::uint64_t seed, std::size_t largest)
      : fit_(fit), random_(seed), largest_(largest) {}

  void step() {
    switch (random_.below(8)) {
      case 0:
      case 1:
      case 2: allocate(); break;
      case 3:
      case 4: deallocate(); break;
      case 5:
      case 6: reallocate(); break;
      default: rare(); break;
    }
    if (random_.below(2) == 0) fit_.check_invariants();
  }

  void finish() {
    while (!live_.empty()) deallocate();
    fit_.check_invariants();
    EXPECT_EQ(fit_.usage().used, 0u);
  }

  std::size_t refusals = 0;
  std::size_t moves = 0;
  std::size_t kept = 0;

 private:
  std::size_t next_size() { return random_.log_uniform(largest_) - random_.below(2); }

  void enter(const allocation& a, std::size_t size, std::size_t alignment) {
    ASSERT_EQ(a.size(), size);
    ASSERT_EQ(address_of(a.data()) % alignment, 0u);
    live_.push_back({static_cast<std::byte*>(a.data()), size, alignment, random_.next()});
    test::fill_pattern(a.data(), size, live_.back().stamp);
  }

  void allocate() {
    const std::size_t size = next_size();
    const std::size_t alignment = std::size_t{1} << random_.below(random_.one_in(4) ? 10 : 5);
    const bool zeroed = random_.one_in(4);
    const allocation a =
        zeroed ? fit_.allocate_zeroed({size, alignment}) : fit_.allocate({size, alignment});
    if (!a) return refused(a, size, alignment);
    if (zeroed) {
      ASSERT_EQ(test::first_nonzero(a.data(), size), size);
    }
    enter(a, size, alignment);
  }

  void refused(const allocation& a, std::size_t size, std::size_t alignment) {
    ++refusals;
    if (a.reason() != status::not_enough_memory) {
      ASSERT_EQ(a.reason(), status::over_budget);
      return;
    }
    ASSERT_LT(a.would_fit(), std::max(size, std::size_t{1}));
    const allocation fits = fit_.allocate({a.would_fit(), alignment});
    if (fits) fit_.deallocate(fits.get());
    ASSERT_TRUE(fits || a.would_fit() == 0);
    // How far a block's end is from its first aligned place depends on the block, and not all
    // blocks are tried: beyond 8 a larger request may be lucky.
    if (alignment <= fit_block::granule) {
      ASSERT_FALSE(fit_.allocate({a.would_fit() + 1, alignment}));
    }
  }

  live_block leave() {
    std::swap(live_[random_.below(live_.size())], live_.back());
    const live_block b = live_.back();
    live_.pop_back();
    EXPECT_TRUE(test::has_pattern(b.data, b.size, b.stamp));
    return b;
  }

  void deallocate() {
    if (live_.empty()) return;
    const live_block b = leave();
    const std::size_t usable = fit_.usable_size(b.data);
    ASSERT_GE(usable, b.size);
    if (random_.one_in(3)) return fit_.deallocate(b.data);
    fit_.deallocate({b.data, b.size + random_.below(usable - b.size + 1)}, b.alignment);
  }

  void reallocate() {
    if (live_.empty()) return;
    const live_block b = leave();
    const std::size_t size = next_size();
    const std::size_t used = random_.one_in(2) ? resize::all : random_.below(b.size + 1);
    const bool may_move = !random_.one_in(4);
    const allocation a = fit_.reallocate({b.data, b.size}, b.alignment,
                                         {.size = size, .used = used, .may_move = may_move});
    if (!a) {
      ++refusals;
      live_.push_back(b);  // it is as it was
      return;
    }
    ASSERT_TRUE(may_move || a.data() == b.data);
    ++(a.data() == b.data ? kept : moves);
    const std::size_t same = std::min({size, used, b.size});
    ASSERT_GE(test::first_difference(a.data(), same, b.stamp), same);
    enter(a, size, b.alignment);
  }

  void rare() {
    if (random_.one_in(300)) {
      fit_.free_all();
      live_.clear();
    } else if (random_.one_in(4)) {
      fit_.trim(random_.below(16_KiB));
    }
    std::size_t found = 0;
    fit_.walk({&found, [](void* count, const walked_block&) {
                 ++*static_cast<std::size_t*>(count);
                 return true;
               }});
    ASSERT_EQ(found, live_.size());
  }

  Manager& fit_;
  test::random_source random_;
  std::size_t largest_;
  std::vector<live_block> live_;
};

template <class Manager>
class fit_walk_test : public testing::Test {
 protected:
  void run(Manager& fit, std::uint64_t seed, std::size_t largest) {
    const test::fault_log log;
    walk<Manager> w(fit, seed, largest);
    for (std::size_t i = 0; i < test::scaled(12000) && !this->HasFailure(); ++i) w.step();
    w.finish();
    EXPECT_EQ(log.count(), 0u);
    EXPECT_GT(w.moves, 0u);
    EXPECT_GT(w.kept, 0u);
    refusals += w.refusals;
  }

  std::size_t refusals = 0;
};

using managers = testing::Types<best_fit_manager, tlsf_manager, hybrid_manager>;
TYPED_TEST_SUITE(fit_walk_test, managers);

TYPED_TEST(fit_walk_test, holds_in_a_crowded_block) {
  std::vector<std::byte> memory(16_KiB, std::byte{0xa5});
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    TypeParam fit{std::span(memory).subspan(seed)};
    this->run(fit, seed, 2_KiB);
  }
  EXPECT_GT(this->refusals, 20u);
}

TYPED_TEST(fit_walk_test, holds_in_several_blocks) {
  std::vector<std::byte> memory(64_KiB, std::byte{0xa5});
  TypeParam fit{std::span(memory).first(4_KiB), {.limit = 30_KiB}};
  for (std::size_t at = 5_KiB; at < 60_KiB; at += 9_KiB)
    ASSERT_EQ(fit.add(std::span(memory).subspan(at + at % 7, 5_KiB)), status::success);
  this->run(fit, 5, 5_KiB);
  EXPECT_GT(this->refusals, 20u);
}

TYPED_TEST(fit_walk_test, holds_over_address_space) {
  TypeParam fit({.reserve = 1_MiB, .commit_step = 4_KiB, .limit = 900_KiB});
  this->run(fit, 6, 200_KiB);
  EXPECT_GT(this->refusals, 20u);
}

}  // namespace
}  // namespace ashlar
