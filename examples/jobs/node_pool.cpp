// SPDX-License-Identifier: MIT
// Job 3: the nodes of a map from a pool that finds out how large they are.
#include <ashlar/pool.hpp>
#include <ashlar/std_allocator.hpp>

#include <cstdio>
#include <map>

int main() {
  ashlar::pool nodes(ashlar::learn);
  using allocator = ashlar::std_allocator<std::pair<const int, int>>;
  std::map<int, int, std::less<>, allocator> squares{allocator(nodes)};
  for (int i = 0; i < 1000; ++i) squares[i] = i * i;
  for (int i = 0; i < 1000; i += 2) squares.erase(i);
  std::printf("%d; %zu nodes live\n", squares[31], nodes.usage().live_blocks);
}
