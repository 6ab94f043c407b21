// SPDX-License-Identifier: MIT
// The registry: the tree of named managers, its sums, reclaimers, and forks at any time.
#include "ashlar/manager/memory_system.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/compose.hpp"
#include "ashlar/sources.hpp"
#include "support/child.hpp"
#include "support/scale.hpp"
#include "unit/manager/plain_manager.hpp"

namespace ashlar {
namespace {

using test::plain_manager;

// "a b.1 c.2": names with their depths. Managers of other tests have no names.
std::string tree() {
  std::string text;
  system().for_each(&text, [](void* context, const manager& m, unsigned depth) {
    auto& out = *static_cast<std::string*>(context);
    out += (out.empty() ? "" : " ") + std::string(m.name());
    if (depth != 0) out += "." + std::to_string(depth);
    return true;
  });
  return text;
}

TEST(memory_system, lists_named_managers_as_a_tree) {
  EXPECT_EQ(tree(), "");
  plain_manager nameless;
  plain_manager game("game");
  plain_manager other("other");
  plain_manager between(nullptr, &game);
  plain_manager level("level", &between);
  plain_manager mesh("mesh", &level);
  {
    plain_manager audio("audio", &game);
    EXPECT_EQ(tree(), "game level.1 mesh.2 audio.1 other");
  }
  EXPECT_EQ(tree(), "game level.1 mesh.2 other");
}

TEST(memory_system, shows_a_child_before_its_parent_in_age_below_it) {
  plain_manager first("first");
  plain_manager second("second", &first);
  plain_manager third("third", &second);
  plain_manager sibling("sibling", &first);
  EXPECT_EQ(tree(), "first second.1 third.2 sibling.1");
}

TEST(memory_system, ends_a_visit_when_told_to) {
  plain_manager a("a");
  plain_manager b("b", &a);
  plain_manager c("c");
  int visits = 0;
  system().for_each(&visits,
                    [](void* n, const manager&, unsigned) { return ++*static_cast<int*>(n) < 2; });
  EXPECT_EQ(visits, 2);
}

TEST(memory_system, finds_the_newest_of_a_name) {
  plain_manager a("same");
  EXPECT_EQ(system().find("same"), &a);
  {
    plain_manager b("same");
    EXPECT_EQ(system().find("same"), &b);
  }
  EXPECT_EQ(system().find("same"), &a);
  EXPECT_EQ(system().find("none"), nullptr);
}

TEST(memory_system, counts_each_byte_once) {
  plain_manager root("root");
  plain_manager child("child", &root);
  plain_manager grandchild("grandchild", &child);
  plain_manager other("other");
  root.figures = {.used = 1000, .held = 4000};
  child.figures = {.used = 300, .held = 800};  // 800 of root's 1000
  grandchild.figures = {.used = 20, .held = 100};
  other.figures = {.used = 5, .held = 10};
  const manager_usage sum = system().total();
  EXPECT_EQ(sum.used, 200u + 200u + 20u + 5u);
  EXPECT_EQ(sum.held, 4010u);
}

TEST(memory_system, counts_what_lies_below_a_manager_that_counts_nothing) {
  constexpr std::size_t unknown = manager_usage::unknown;
  plain_manager root("root");
  plain_manager passes_on("passes on", &root);
  plain_manager child("child", &passes_on);
  root.figures = {.used = 1000, .held = 4000};
  passes_on.figures = {.used = unknown, .held = unknown};
  child.figures = {.used = 300, .held = 800};  // 800 of root's 1000
  EXPECT_EQ(system().total().used, 200u + 300u);
  EXPECT_EQ(system().total().held, 4000u);
  root.figures = passes_on.figures;  // as the default manager
  EXPECT_EQ(system().total().used, 300u);
  EXPECT_EQ(system().total().held, 800u);
}

struct counted_reclaimer {
  int calls = 0;
  bool helps = false;
  std::size_t wanted = 0;
  static bool call(void* context, std::size_t wanted) {
    auto& self = *static_cast<counted_reclaimer*>(context);
    ++self.calls;
    self.wanted = wanted;
    return self.helps;
  }
};

TEST(memory_system, asks_all_reclaimers) {
  counted_reclaimer one;
  counted_reclaimer two;
  EXPECT_FALSE(system().reclaim(1));
  ASSERT_TRUE(system().add_reclaimer(&one, counted_reclaimer::call));
  ASSERT_TRUE(system().add_reclaimer(&two, counted_reclaimer::call));
  EXPECT_FALSE(system().reclaim(100));
  one.helps = true;
  EXPECT_TRUE(system().reclaim(200));
  EXPECT_EQ(one.calls, 2);
  EXPECT_EQ(two.calls, 2) << "one that helped does not spare the others";
  EXPECT_EQ(two.wanted, 200u);
  system().remove_reclaimer(&one);
  EXPECT_FALSE(system().reclaim(300));
  system().remove_reclaimer(&two);
  EXPECT_FALSE(system().reclaim(400));
  EXPECT_EQ(one.calls + two.calls, 5);
}

TEST(memory_system, has_room_for_sixteen_reclaimers) {
  counted_reclaimer many[memory_system::max_reclaimers + 1];
  for (std::size_t i = 0; i < memory_system::max_reclaimers; ++i)
    EXPECT_TRUE(system().add_reclaimer(&many[i], counted_reclaimer::call));
  counted_reclaimer& last = many[memory_system::max_reclaimers];
  EXPECT_FALSE(system().add_reclaimer(&last, counted_reclaimer::call));
  system().remove_reclaimer(&many[5]);
  EXPECT_TRUE(system().add_reclaimer(&last, counted_reclaimer::call));
  for (counted_reclaimer& r : many) system().remove_reclaimer(&r);
}

TEST(memory_system, a_reclaimer_may_use_the_registry) {
  int context = 0;
  ASSERT_TRUE(system().add_reclaimer(&context, [](void*, std::size_t) {
    const plain_manager inside("inside");
    return system().find("inside") == &inside;
  }));
  EXPECT_TRUE(system().reclaim(1));
  system().remove_reclaimer(&context);
}

TEST(memory_system, a_reclaimer_gets_no_reclaiming_of_its_own) {
  int calls = 0;
  ASSERT_TRUE(system().add_reclaimer(&calls, [](void* context, std::size_t wanted) {
    auto& count = *static_cast<int*>(context);
    return ++count < 100 && system().reclaim(wanted);  // as a container does that runs out in it
  }));
  EXPECT_FALSE(system().reclaim(1));
  EXPECT_EQ(calls, 1);
  system().remove_reclaimer(&calls);
}

// Registers and ends managers until told to stop.
void come_and_go(const std::atomic<bool>& is_over) {
  while (!is_over.load(std::memory_order_relaxed)) {
    plain_manager a("coming");
    plain_manager b("going", &a);
  }
}

TEST(memory_system, survives_forks_while_threads_register) {
  plain_manager mine("mine");
  std::atomic<bool> is_over = false;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { come_and_go(is_over); });
  int bad = 0;
  for (std::size_t i = 0; i < test::scaled(200); ++i) {
    const int status = test::run_in_child([&] {
      // Not EXPECT: the lost threads may have held any lock of the test framework or of libc.
      plain_manager in_child("in child", &mine);
      if (system().find("mine") != &mine || system().find("in child") != &in_child) ::_exit(3);
      if (!system().add_reclaimer(&in_child, counted_reclaimer::call)) ::_exit(4);
      system().remove_reclaimer(&in_child);
      ::_exit(0);
    });
    bad += !test::ended_well(status);
  }
  is_over = true;
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(tree(), "mine");
}

TEST(memory_system, takes_off_no_more_than_a_named_ancestor_has_counted) {
  plain_manager other("other");
  const manager_usage before = system().total();
  new_manager root;
  locked<memory> uncounted(root, "uncounted");
  arena a({.kind = backing::chained, .upstream = uncounted, .name = "a"});
  ASSERT_NE(a.push(100), nullptr);
  EXPECT_EQ(system().total().used, before.used + 100);
  EXPECT_EQ(system().total().held, before.held + a.usage().held);
}

}  // namespace
}  // namespace ashlar
