// SPDX-License-Identifier: MIT
// Random walks of the offset manager against a model of every unit: what fits is served, nothing
// overlaps, alignment is kept, moves keep contents and handles; invariants after every step.
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "model/offset_model.hpp"
#include "support/scale.hpp"

namespace ashlar::test {
namespace {

class offset_walk {
 public:
  offset_walk(std::uint64_t seed, std::uint64_t first)
      : random_(seed),
        first_(first),
        model_(first, 1'000),
        subject_(std::in_place, offset_options{.units = 1'000, .first = first}) {}

  void run(std::size_t steps) {
    for (std::size_t i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      step();
      subject_->check_invariants();
      if (testing::Test::HasFatalFailure()) return;
      compare();
    }
  }

 private:
  void step() {
    switch (random_.below(20)) {
      case 0: return defragment(false);
      case 1: return defragment(true);
      case 2: return begin_moves();
      case 3: return end_moves();
      case 4: return resize();
      case 5: return random_.one_in(10) ? grow() : resize();
      case 6: return random_.one_in(10) ? trim() : resize();
      case 7: return random_.one_in(20) ? take_image_over() : exchange();
      case 8: return random_.one_in(40) ? free_all() : allocate();
      default: return random_.below(1'000) < 2 * live_.size() ? deallocate() : allocate();
    }
  }

  void allocate() {
    const offset_layout wanted{random_.log_uniform(random_.one_in(10) ? 400 : 40),
                               std::uint64_t{1} << random_.below(random_.one_in(3) ? 8 : 1)};
    const std::uint64_t most = model_.largest(wanted.alignment);
    ASSERT_EQ(subject_->largest_free(wanted.alignment), most);
    const std::uint64_t stamp = next_stamp_++;
    const offset_allocation got = subject_->allocate(wanted, stamp);
    if (wanted.units > most) {
      ASSERT_FALSE(got) << "what was served does not fit";
      ASSERT_EQ(got.reason, status::not_enough_memory);
      ASSERT_EQ(got.would_fit, most);
      return;
    }
    ASSERT_TRUE(got) << wanted.units << " at " << wanted.alignment << " would fit";
    ASSERT_EQ(got.range.units, wanted.units);
    ASSERT_EQ(got.range.offset % wanted.alignment, 0u);
    ASSERT_TRUE(model_.is_free(got.range.offset, got.range.units));
    live_.push_back({got.range.handle, got.range.offset, wanted.units, wanted.alignment, stamp});
    model_.set_owner(got.range.offset, got.range.units, stamp);
    model_.fill(live_.back());
  }

  model_range* pick() {
    if (live_.empty()) return nullptr;
    model_range& r = live_[random_.below(live_.size())];
    return is_moving(r.handle) ? nullptr : &r;
  }
  bool is_moving(offset_handle h) const {
    return std::any_of(open_.begin(), open_.end(),
                       [h](const offset_move& m) { return m.handle == h; });
  }
  model_range& range_of(offset_handle h) {
    return *std::find_if(live_.begin(), live_.end(),
                         [h](const model_range& r) { return r.handle == h; });
  }

  void forget(model_range& r) {
    model_.set_owner(r.offset, r.units, 0);
    stale_ = r.handle;
    r = live_.back();
    live_.pop_back();
  }
  void deallocate() {
    model_range* const r = pick();
    if (r == nullptr) return;
    ASSERT_TRUE(model_.has_contents(*r));
    subject_->deallocate(r->handle);
    forget(*r);
  }

  void resize() {
    model_range* const r = pick();
    if (r == nullptr) return;
    const std::uint64_t units = random_.log_uniform(2 * r->units);
    const bool fits = units <= r->units || model_.is_free(r->offset + r->units, units - r->units);
    ASSERT_EQ(subject_->resize(r->handle, units),
              fits ? status::success : status::not_enough_memory);
    if (!fits) return;
    model_.set_owner(r->offset, r->units, 0);
    r->units = units;
    model_.set_owner(r->offset, r->units, r->stamp);
    model_.fill(*r);
  }

  void exchange() {
    model_range* const a = pick();
    model_range* const b = pick();
    if (a == nullptr || b == nullptr || a == b) return;
    subject_->exchange(a->handle, b->handle);
    std::swap(a->offset, b->offset);
    std::swap(a->units, b->units);
    std::swap(a->alignment, b->alignment);
    for (const model_range* r : {a, b}) {
      model_.set_owner(r->offset, r->units, r->stamp);
      model_.fill(*r);
    }
  }

  void grow() {
    const std::uint64_t more = random_.below(100);
    ASSERT_EQ(subject_->grow(more), status::success);
    model_.resize(model_.units() + more);
  }
  void trim() {
    const std::uint64_t keep = random_.below(100);
    const std::uint64_t tail = model_.free_at_end();
    const std::uint64_t cut = tail > keep ? tail - keep : 0;
    ASSERT_EQ(subject_->trim(keep), cut);
    model_.resize(model_.units() - cut);
  }

  void free_all() {
    subject_->free_all();
    open_.clear();
    live_.clear();
    model_.set_owner(first_, model_.units(), 0);
  }

  // --- moves

  void apply(const offset_move& m, move_answer answer) {
    model_range& r = range_of(m.handle);
    if (answer == move_answer::copied) {
      model_.copy(m.from, m.to, m.units);
      model_.set_owner(r.offset, r.units, 0);
      r.offset = m.to;
      model_.set_owner(r.offset, r.units, r.stamp);
    } else if (answer == move_answer::destroyed) {
      forget(r);
    }
  }

  void check_move(const offset_move& m, bool may_overlap) {
    const model_range& r = range_of(m.handle);
    ASSERT_EQ(m.user, r.stamp);
    ASSERT_EQ(m.from, r.offset);
    ASSERT_EQ(m.units, r.units);
    ASSERT_LT(m.to, m.from);
    ASSERT_EQ(m.to % r.alignment, 0u);
    const bool overlaps = m.to + m.units > m.from;
    ASSERT_TRUE(may_overlap || !overlaps);
    ASSERT_TRUE(model_.is_free(m.to, overlaps ? m.from - m.to : m.units));
  }

  move_answer any_answer() {
    if (random_.one_in(30)) return move_answer::destroyed;
    return random_.one_in(4) ? move_answer::ignored : move_answer::copied;
  }

  void defragment(bool may_overlap) {
    const defragment_limits limits{.max_moves = static_cast<std::uint32_t>(random_.below(6)),
                                   .max_units = random_.one_in(3) ? 60 : ~std::uint64_t{0},
                                   .may_overlap = may_overlap};
    std::uint32_t moves = 0;
    std::uint64_t units = 0;
    const defragment_outcome outcome = subject_->defragment(limits, [&](const offset_move& m) {
      check_move(m, may_overlap);
      ++moves;
      units += m.units;
      const move_answer answer = any_answer();
      if (random_.one_in(4)) deallocate_another(m.handle);
      apply(m, answer);
      return answer;
    });
    ASSERT_EQ(outcome.moves, moves);
    ASSERT_EQ(outcome.units, units);
    ASSERT_LE(moves, limits.max_moves);
    ASSERT_LE(units, limits.max_units);
  }
  // Freeing while a move is open, as a callback may.
  void deallocate_another(offset_handle moving) {
    model_range* const r = pick();
    if (r == nullptr || r->handle == moving) return;
    subject_->deallocate(r->handle);
    forget(*r);
  }

  void begin_moves() {
    offset_move moves[4];
    const bool may_overlap = random_.one_in(2);
    const defragment_outcome outcome =
        subject_->begin_moves(moves, {.max_moves = 4, .may_overlap = may_overlap});
    for (std::uint32_t i = 0; i < outcome.moves; ++i) {
      check_move(moves[i], may_overlap);
      if (testing::Test::HasFatalFailure()) return;
      const std::uint64_t held = std::min(moves[i].units, moves[i].from - moves[i].to);
      model_.set_owner(moves[i].to, held, held_stamp);
      open_.push_back(moves[i]);
    }
  }
  void end_moves() {
    while (!open_.empty() && !random_.one_in(3)) {
      const offset_move m = open_.back();
      open_.pop_back();
      const move_answer answer = any_answer();
      subject_->end_move(m, answer);
      model_.set_owner(m.to, std::min(m.units, m.from - m.to), 0);
      apply(m, answer);
    }
  }

  // The state goes to another manager, by its image or whole.
  void take_image_over() {
    if (!open_.empty()) return;
    const std::span<const std::byte> image = subject_->image();
    std::optional<offset_manager> other(std::in_place);
    if (random_.one_in(2)) {
      ASSERT_TRUE(other->restore(image));
    } else {
      other->adopt(*subject_);
    }
    subject_.emplace();
    subject_->adopt(*other);
  }

  void compare() {
    const offset_report report = subject_->report();
    ASSERT_EQ(report.units, model_.units());
    ASSERT_EQ(report.used + report.held_by_moves, model_.used());
    ASSERT_EQ(report.free, model_.units() - model_.used());
    ASSERT_EQ(report.largest_free, model_.largest(1));
    ASSERT_EQ(report.free_ranges, model_.free_ranges());
    ASSERT_EQ(report.used_ranges, live_.size());
    for (const model_range& r : live_) {
      const offset_range found = subject_->find(r.handle);
      ASSERT_EQ(found.offset, r.offset);
      ASSERT_EQ(found.units, r.units);
      ASSERT_EQ(subject_->user(r.handle), r.stamp);
      ASSERT_TRUE(!random_.one_in(16) || model_.has_contents(r));
    }
    ASSERT_FALSE(subject_->owns(stale_));
  }

  static constexpr std::uint64_t held_stamp = ~std::uint64_t{0};

  random_source random_;
  std::uint64_t first_;
  offset_model model_;
  std::optional<offset_manager> subject_;
  std::vector<model_range> live_;
  std::vector<offset_move> open_;
  offset_handle stale_;
  std::uint64_t next_stamp_ = 1;
};

TEST(offset_manager_walk, agrees_with_the_model) {
  for (std::uint64_t seed = 1; seed <= scaled(24); ++seed) {
    SCOPED_TRACE(seed);
    offset_walk(seed, seed % 2 == 0 ? 0 : 37 * seed).run(scaled(6'000));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace ashlar::test
