// SPDX-License-Identifier: MIT
// Random walks of an arena beside a plain model of it: a list of blocks with their positions.
//
// The model checks after each step: the position; that a push takes no more positions than its size
// and alignment explain; the contents of all live blocks; that zeroed memory is zero although all
// memory was written to before; which marks are stale; in which order owned objects end; and the
// arena's own invariants.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/manager/source/default_manager.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"

namespace ashlar::test {
namespace {

struct pushed_block {
  std::byte* data;
  std::size_t size;
  std::size_t end;  // position behind it
  std::uint64_t stamp;
};

struct taken_mark {
  mark place;
  bool is_stale;
};

struct owned_object {
  std::vector<std::uint64_t>* ended;
  std::uint64_t number;
  owned_object(std::vector<std::uint64_t>& list, std::uint64_t n) : ended(&list), number(n) {}
  ~owned_object() { ended->push_back(number); }
};

class arena_walk {
 public:
  arena_walk(const arena_options& options, std::uint64_t seed)
      : options_(options), arena_(options), random_(seed) {}

  void step() {
    const std::size_t n = random_.below(100);
    if (n < 55) return push();
    if (n < 62) return own();
    if (n < 67) return resize_last();
    if (n < 74) return take_mark();
    if (n < 80) return rewind();
    if (n < 84) return pop_to(random_.below(arena_.pos() + 1));
    if (n < 88) return use_child();
    if (n < 90) return adopt();
    if (n < 93) return clear();
    if (n < 97) return static_cast<void>(arena_.trim(random_.log_uniform(1_MiB)));
    if (n < 98) return free_all();
    align();
  }

  /// How many stale marks passed, of all that were rewound to.
  double share_of_stale_marks_passed() const {
    return static_cast<double>(passed_) / static_cast<double>(rewinds_ + 1);
  }

  void check() {
    ASSERT_TRUE(arena_.check_invariants());
    ASSERT_EQ(arena_.pos(), position_);
    for (const pushed_block& b : blocks_) {
      ASSERT_TRUE(has_pattern(b.data, b.size, b.stamp));
      ASSERT_TRUE(arena_.owns(b.data) && arena_.owns(b.data + b.size - 1));
    }
    ASSERT_EQ(faults_.count(), 0u);
  }

 private:
  void enter(void* data, std::size_t size) {
    position_ = arena_.pos();
    blocks_.push_back({static_cast<std::byte*>(data), size, position_, ++stamp_});
    fill_pattern(data, size, stamp_);
  }

  std::size_t random_size() {
    return random_.one_in(12) ? random_.log_uniform(300'000) : random_.log_uniform(700);
  }

  void push() {
    const std::size_t size = random_size();
    const std::size_t alignment = std::size_t{1} << random_.below(random_.one_in(10) ? 13 : 5);
    const bool zeroed = random_.one_in(2);
    const allocation a =
        zeroed ? arena_.allocate_zeroed({size, alignment}) : arena_.allocate({size, alignment});
    if (!a) {
      EXPECT_NE(a.reason(), status::no_memory);
      return;
    }
    EXPECT_TRUE(is_aligned(address_of(a.data()), alignment));
    EXPECT_GE(arena_.pos(), position_ + size);
    EXPECT_LT(arena_.pos(), position_ + size + alignment);
    if (zeroed) {
      EXPECT_EQ(first_nonzero(a.data(), size), size);
    }
    enter(a.data(), size);
  }

  void own() {
    if (arena_.own<owned_object>(ended_, ++stamp_) == nullptr) return;
    position_ = arena_.pos();
    owned_.push_back({nullptr, 0, position_, stamp_});
  }

  void resize_last() {
    if (blocks_.empty() || blocks_.back().end != position_) return;
    const pushed_block old = blocks_.back();
    const std::size_t size = random_size();
    const bool may_move = random_.one_in(2);
    const allocation a =
        arena_.reallocate({old.data, old.size}, 1, {.size = size, .may_move = may_move});
    if (!a) return;
    const std::size_t kept = std::min(old.size, size);
    EXPECT_EQ(first_difference(a.data(), kept, old.stamp) >= kept / 8 * 8, true);
    blocks_.pop_back();
    const bool shrank = arena_.pos() < position_;
    EXPECT_TRUE(!shrank || a.data() == old.data);
    enter(a.data(), size);
  }

  void take_mark() {
    if (marks_.size() < 30) marks_.push_back({arena_.here(), false});
  }

  void rewind() {
    if (marks_.empty()) return;
    const std::size_t i = random_.below(marks_.size());
    const taken_mark m = marks_[i];
    arena_.rewind(m.place);
    // Of the stale ones that lie low enough, a few in a narrow band may pass; none of the good ones
    // may be refused.
    if (faults_.count() != 0) {
      EXPECT_TRUE(m.is_stale && faults_.took(fault_kind::stale_mark, &arena_));
      marks_.erase(marks_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
    passed_ += m.is_stale;
    ++rewinds_;
    end_above(m.place.position);
  }

  void pop_to(std::size_t position) {
    arena_.pop_to(position);
    end_above(position);
  }

  // What the model does when the arena goes back.
  void end_above(std::size_t position) {
    while (!blocks_.empty() && blocks_.back().end > position) blocks_.pop_back();
    for (taken_mark& m : marks_) m.is_stale = m.is_stale || m.place.position > position;
    std::vector<std::uint64_t> expected;
    for (; !owned_.empty() && owned_.back().end > position; owned_.pop_back())
      expected.push_back(owned_.back().stamp);
    EXPECT_EQ(ended_, expected);
    ended_.clear();
    position_ = position;
  }

  void clear() {
    arena_.clear();
    end_above(0);
  }

  void free_all() {
    arena_.free_all();
    end_above(0);
    EXPECT_EQ(arena_.usage().held, options_.kind == backing::fixed ? options_.buffer.size() : 0u);
  }

  void align() {
    const std::size_t alignment = std::size_t{1} << random_.below(14);
    if (!arena_.push_aligner(alignment)) return;
    position_ = arena_.pos();
    const allocation a = arena_.allocate({1, 1});
    if (!a) return;
    EXPECT_TRUE(is_aligned(address_of(a.data()), alignment));
    enter(a.data(), 1);
  }

  // A life within: pushes, and while it is open, nothing below it may go.
  void use_child() {
    const std::size_t before = arena_.pos();
    bool took_memory = false;
    bool was_pushed = false;
    {
      arena child = arena_.sub({.growth = {.first = 600, .cap = 8192}});
      for (std::size_t i = random_.below(20); i != 0; --i) {
        const std::size_t size = random_.log_uniform(3000);
        void* const p = child.push(size);
        if (p == nullptr) break;
        took_memory = true;
        EXPECT_EQ(first_nonzero(p, size), size);
        std::memset(p, 0xee, size);
        EXPECT_TRUE(arena_.owns(p));
        position_ = arena_.pos();
        if (random_.one_in(10)) {
          was_pushed = true;
          push();
        }
      }
      EXPECT_TRUE(child.check_invariants());
      if (took_memory) {
        arena_.pop_to(before);
        EXPECT_TRUE(faults_.took(fault_kind::still_in_use, &arena_));
      }
    }
    if (!was_pushed) {
      EXPECT_EQ(arena_.pos(), before);
    }
    position_ = arena_.pos();
  }

  void adopt() {
    arena other({.kind = random_.one_in(2) ? backing::reserved : backing::chained,
                 .reserve = 1_MiB,
                 .growth = {.first = 600, .cap = 8192},
                 .upstream = default_manager()});
    std::vector<pushed_block> theirs;
    for (std::size_t i = random_.below(12); i != 0; --i) {
      const std::size_t size = random_.log_uniform(3000);
      auto* const data = static_cast<std::byte*>(other.push(size));
      theirs.push_back({data, size, 0, ++stamp_});
      fill_pattern(data, size, stamp_);
    }
    const status outcome = arena_.adopt(other);
    position_ = arena_.pos();
    EXPECT_TRUE(other.check_invariants());
    if (outcome != status::success) return;
    EXPECT_EQ(other.pos(), 0u);
    // They end together: all have the position behind the last one.
    for (pushed_block b : theirs) {
      b.end = position_;
      blocks_.push_back(b);
    }
  }

  arena_options options_;
  fault_log faults_;
  std::vector<std::uint64_t> ended_;
  arena arena_;
  random_source random_;
  std::vector<pushed_block> blocks_;
  std::vector<pushed_block> owned_;
  std::vector<taken_mark> marks_;
  std::size_t position_ = 0;
  std::uint64_t stamp_ = 0;
  std::size_t passed_ = 0;  // stale marks that were not told
  std::size_t rewinds_ = 0;
};

void walk(const arena_options& options) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    auto w = std::make_unique<arena_walk>(options, seed);
    for (std::size_t i = 0; i < scaled(6000); ++i) {
      w->step();
      w->check();
      if (::testing::Test::HasFailure()) FAIL() << "seed " << seed << " step " << i;
    }
    EXPECT_LT(w->share_of_stale_marks_passed(), 0.02);
  }
}

TEST(arena_model, reserved) { walk({.reserve = 8_MiB, .commit_step = 8_KiB}); }

TEST(arena_model, reserved_that_keeps_little) {
  walk({.reserve = 8_MiB, .commit_step = 1, .keep = 64_KiB});
}

TEST(arena_model, chained) { walk({.kind = backing::chained, .upstream = default_manager()}); }

TEST(arena_model, chained_small_chunks) {
  walk({.kind = backing::chained,
        .growth = {.first = 700, .percent = 30, .cap = 16_KiB},
        .limit = 2_MiB,
        .keep = 100'000,
        .upstream = default_manager()});
}

TEST(arena_model, fixed) {
  std::vector<std::byte> buffer(300'000, std::byte{0xaa});
  walk({.kind = backing::fixed, .buffer = std::span(buffer).subspan(3)});
}

TEST(arena_model, inline_then_chained) {
  std::vector<std::byte> buffer(5'000, std::byte{0xaa});
  walk({.kind = backing::inline_then_chained,
        .growth = {.first = 2_KiB, .cap = 64_KiB},
        .buffer = buffer,
        .upstream = default_manager()});
}

}  // namespace
}  // namespace ashlar::test
