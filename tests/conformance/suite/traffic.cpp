// SPDX-License-Identifier: MIT
// Long random walks against the model, made small where they fail; and several threads.
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "conformance/suite/stage.hpp"
#include "model/shrink.hpp"
#include "support/pattern.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"

namespace ashlar::test {

namespace {

enum class deed : std::uint8_t {
  allocate,
  allocate_more,
  allocate_zeroed,
  deallocate,
  deallocate_unsized,
  reallocate,
  resize_in_place,
  mark,
  rewind,
  free_all,
  trim,
  check
};

constexpr const char* deed_names[] = {"allocate",
                                      "allocate_more",
                                      "allocate_zeroed",
                                      "deallocate",
                                      "deallocate_unsized",
                                      "reallocate",
                                      "resize_in_place",
                                      "mark",
                                      "rewind",
                                      "free_all",
                                      "trim",
                                      "check"};

// Blocks are named by a number taken modulo how many live, so that any list of steps makes sense.
struct walk_step {
  deed what;
  std::size_t size;
  std::size_t alignment;
  std::size_t which;
};

deed pick_deed(random_source& random) {
  const std::size_t n = random.below(100);
  if (n < 30) return deed::allocate;
  if (n < 38) return deed::allocate_more;
  if (n < 44) return deed::allocate_zeroed;
  if (n < 74) return deed::deallocate;
  if (n < 80) return deed::deallocate_unsized;
  if (n < 88) return deed::reallocate;
  if (n < 92) return deed::resize_in_place;
  if (n < 95) return deed::mark;
  if (n < 97) return deed::rewind;
  if (n < 98) return deed::check;
  return random.one_in(4) ? deed::free_all : deed::trim;
}

std::vector<walk_step> random_steps(std::uint64_t seed, std::size_t count,
                                    const subject_kind& kind) {
  random_source random(seed);
  std::vector<walk_step> steps(count);
  for (walk_step& step : steps) {
    const std::size_t highest = random.one_in(8) ? kind.max_alignment : 16;
    std::size_t alignment = 1;
    while (alignment < highest && alignment < kind.max_alignment && !random.one_in(4))
      alignment *= 2;
    const std::size_t size = random.one_in(50) ? 0 : random.log_uniform(kind.largest);
    step = {pick_deed(random), size, alignment, random.below(1 << 20)};
  }
  return steps;
}

void apply(const walk_step& step, stage& s, const subject_kind& kind) {
  manager_model& m = s.model;
  const bool may_resize = !m.is_lifo() || s.can(capability::resize);
  const bool is_full = m.live().size() >= kind.most_live;
  switch (is_full && step.what <= deed::allocate_zeroed ? deed::deallocate : step.what) {
    case deed::allocate: m.allocate({step.size, step.alignment}); break;
    case deed::allocate_more: m.allocate({step.size, step.alignment}, fit::get_no_less); break;
    case deed::allocate_zeroed:
      m.allocate({step.size, step.alignment}, fit::get_exact, true);
      break;
    case deed::deallocate: m.deallocate(step.which, step.size % 64); break;
    case deed::deallocate_unsized:
      if (s.can(capability::size)) m.deallocate_unsized(step.which);
      break;
    case deed::reallocate:
      if (may_resize)
        m.reallocate(step.which,
                     {.size = step.size,
                      .used = step.which % 3 == 0 ? step.size / 2 : resize::all,
                      .wanted = step.which % 2 == 0 ? fit::get_exact : fit::get_no_less});
      break;
    case deed::resize_in_place:
      m.reallocate(step.which, {.size = step.size, .may_move = false});
      break;
    case deed::mark:
      if (s.can(capability::rewind)) m.take_mark();
      break;
    case deed::rewind: m.rewind(); break;
    case deed::free_all:
      if (s.can(capability::free_all)) m.free_all();
      break;
    case deed::trim: m.trim(step.size); break;
    case deed::check: m.check_all(); break;
  }
  // What is never given back one by one fills up.
  if (s.can(capability::no_op_deallocate) && step.which % 256 == 0) m.end_all_blocks();
}

std::string run(const std::vector<walk_step>& steps, const subject_kind& kind) {
  stage s(kind);
  for (const walk_step& step : steps) {
    apply(step, s, kind);
    if (s.is_well() && !s.subject().is_well()) return "the invariants do not hold";
    if (!s.model.is_well()) return s.model.problem();
    if (!s.floor.problem().empty()) return s.floor.problem();
  }
  return s.finish();
}

std::string to_text(const std::vector<walk_step>& steps) {
  std::string text;
  for (const walk_step& s : steps)
    text += std::string("  ") + deed_names[static_cast<int>(s.what)] + " size " +
            std::to_string(s.size) + " alignment " + std::to_string(s.alignment) + " block " +
            std::to_string(s.which) + "\n";
  return text;
}

void agrees_with_the_model_on_random_walks(const subject_kind& kind) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    const auto steps = random_steps(seed, scaled(kind.steps), kind);
    const std::string problem = run(steps, kind);
    if (problem.empty()) continue;
    const auto fewer = shrink(
        steps, [&](const std::vector<walk_step>& some) { return !run(some, kind).empty(); }, 500);
    FAIL() << "seed " << seed << ": " << problem << "; made small: " << run(fewer, kind) << "\n"
           << to_text(fewer);
  }
}

// Blocks of one thread: allocated, filled, checked, freed. Returns whether all was well.
bool make_traffic(memory m, const subject_kind& kind, std::uint64_t seed, std::mutex* turn) {
  random_source random(seed);
  const std::size_t largest = kind.largest < 4_KiB ? kind.largest : 4_KiB;
  bool is_well = true;
  for (std::size_t i = 0; i < scaled(2000); ++i) {
    const std::unique_lock guard =
        turn != nullptr ? std::unique_lock(*turn) : std::unique_lock<std::mutex>();
    allocation some[3];
    for (allocation& a : some) {
      a = m.allocate({random.log_uniform(largest), 8});
      if (a) fill_pattern(a.data(), a.size(), seed);
    }
    for (int k = 2; k >= 0; --k) {
      if (!some[k]) continue;
      is_well = is_well && has_pattern(some[k].data(), some[k].size(), seed);
      m.deallocate(some[k].get(), 8);
    }
  }
  return is_well;
}

// Who is not thread-safe serves one thread at a time, but any thread. Threads that free the last
// block first must take turns too.
void serves_several_threads(const subject_kind& kind) {
  stage s(kind, true);
  s.floor.limit(64_MiB);
  const memory m = s.handle();
  std::mutex turn;
  std::mutex* const one_at_a_time =
      m.can(capability::thread_safe) && !s.model.is_lifo() ? nullptr : &turn;
  bool outcome[4] = {};
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 4; ++i)
    threads.emplace_back([&, i] { outcome[i] = make_traffic(m, kind, i + 1, one_at_a_time); });
  for (std::thread& t : threads) t.join();
  for (const bool is_well : outcome) EXPECT_TRUE(is_well);
  s.model.end_all_blocks();
  EXPECT_EQ(s.finish(), "");
}

}  // namespace

std::vector<conformance_test> traffic_tests() {
  return {{"agrees_with_the_model_on_random_walks", agrees_with_the_model_on_random_walks},
          {"serves_several_threads", serves_several_threads}};
}

}  // namespace ashlar::test
