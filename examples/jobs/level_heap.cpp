// SPDX-License-Identifier: MIT
// Job 5: a heap for a level, over a block that the game owns, with a budget.
#include <ashlar/fit.hpp>
#include <ashlar/vector.hpp>

#include <cstdio>

static std::byte given[4 << 20];

int main() {
  ashlar::hybrid_manager level(given, {.limit = 3 << 20, .name = "level"});
  ashlar::use_manager scope(level);  // what is made from here on lives in the level
  ashlar::vector<int> indices(500'000, 1);
  const ashlar::allocation film = level.allocate({2 << 20});
  std::printf("film: %s; used %zu KiB\n", to_string(film.reason()), level.usage().used >> 10);
}
