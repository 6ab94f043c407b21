// SPDX-License-Identifier: MIT
// A heap of your own over a block of your own, with a limit. README.md quotes the code below.
#include <ashlar/heap.hpp>
#include <ashlar/sources.hpp>

#include <cstdio>

alignas(65536) std::byte memory[1 << 20];

int main() {
  ashlar::user_block_os block({.memory = {memory, sizeof memory}});
  ashlar::heap heap({.os = &block, .limits = {.hard = 512 << 10}});
  const ashlar::allocation name = heap.allocate({.size = 100}, ashlar::fit::get_no_less);
  const ashlar::allocation film = heap.allocate({.size = 600'000});
  std::printf("name: %zu usable bytes; film: %s\n", name.size(), to_string(film.reason()));
  heap.deallocate(name.data());
}
