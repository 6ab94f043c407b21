// SPDX-License-Identifier: MIT
// Keeps what its containers took from an arena and a pool, whose sizes the tests know, until it
// ends.
#include <cstdlib>
#include <map>
#include <memory_resource>
#include <vector>

#include "ashlar/arena.hpp"
#include "ashlar/debug.hpp"
#include "ashlar/fit.hpp"
#include "ashlar/pmr.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/std_allocator.hpp"
#include "ashlar/tag.hpp"

namespace game {

using numbers = std::vector<int, ashlar::std_allocator<int>>;

[[gnu::noinline]] static void load_level(numbers& into) {
  into.reserve(1000);
  asm volatile("" ::: "memory");
}

[[gnu::noinline]] static void add_nodes(std::pmr::map<int, int>& into) {
  for (int i = 0; i < 10; ++i) into.emplace(i, i);
  asm volatile("" ::: "memory");
}

// A block of malloc's and one of a manager's that nobody gives back.
[[gnu::noinline]] static void forget_some(ashlar::debug_manager& watched) {
  static void* volatile forgotten = nullptr;
  const ashlar::leak_scope part("part");
  forgotten = std::malloc(123);
  forgotten = ashlar::memory(watched).allocate({77}).data();
}

}  // namespace game

// With an argument: says of leaks, too.
int main(int count, char**) {
  if (count > 1) {
    ashlar::best_fit_manager inner;
    ashlar::debug_manager watched(inner, {.name = "watched"});
    game::forget_some(watched);
  }
  auto& level = *new ashlar::arena({.name = "level"});
  auto& nodes = *new ashlar::pool;
  auto& resource = *new ashlar::memory_resource(nodes);
  const ashlar::tag_scope scope(ashlar::define_tag("game/level"));
  game::load_level(*new game::numbers(level));
  game::add_nodes(*new std::pmr::map<int, int>(&resource));
}
