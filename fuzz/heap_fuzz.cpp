// SPDX-License-Identifier: MIT
// The actions of tests/model, driven by libFuzzer: the first byte chooses the memory that the heap
// lives on, the rest are actions.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "model/heap_actions.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ashlar::test;
  byte_reader bytes(data, size);
  const auto where = static_cast<ground>(bytes.byte() % 4);
  std::vector<action> actions;
  while (!bytes.at_end()) actions.push_back(read_action(bytes));
  const std::string problem = run_actions(actions, where);
  if (problem.empty()) return 0;
  std::fprintf(stderr, "%s\nafter these actions:\n%s", problem.c_str(), to_text(actions).c_str());
  std::abort();
}
