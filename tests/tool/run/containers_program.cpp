// SPDX-License-Identifier: MIT
// Keeps what its containers took from an arena and a pool, whose sizes the tests know, until it
// ends.
#include <map>
#include <memory_resource>
#include <vector>

#include "ashlar/arena.hpp"
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

}  // namespace game

int main() {
  auto& level = *new ashlar::arena({.name = "level"});
  auto& nodes = *new ashlar::pool;
  auto& resource = *new ashlar::memory_resource(nodes);
  const ashlar::tag_scope scope(ashlar::define_tag("game/level"));
  game::load_level(*new game::numbers(level));
  game::add_nodes(*new std::pmr::map<int, int>(&resource));
}
