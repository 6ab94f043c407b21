// SPDX-License-Identifier: MIT
// Loses and keeps blocks whose number and size the tests know. With an argument it keeps more.
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

// Volatile, since nobody reads them, and the compiler would allocate nothing.
void* volatile kept;
void* volatile table[64];

[[gnu::noinline]] void lose(std::size_t size) {
  void* block = std::malloc(size);
  asm volatile("" : : "r"(block) : "memory");
}

[[gnu::noinline]] void lose_a_list() {
  void** node = static_cast<void**>(std::malloc(48));
  node[0] = std::malloc(32);
  asm volatile("" : : "r"(node) : "memory");
}

[[gnu::always_inline]] inline void* inlined_helper(std::size_t size) { return std::malloc(size); }

[[gnu::noinline]] void keep_more(int count) {
  for (int i = 0; i < count; ++i) table[i] = inlined_helper(1'000);
}

/// What registers and dead stack slots still point to is no leak: they are overwritten here.
[[gnu::noinline]] void clear_stack() {
  volatile char used[16'384];
  for (volatile char& byte : used) byte = 0;
}

}  // namespace

int main(int count, char**) {
  for (int i = 0; i < 10; ++i) lose(300);
  lose_a_list();
  keep_more(count > 1 ? 20 : 10);
  kept = std::malloc(5'000);
  std::thread([] { std::free(std::malloc(77)); }).join();
  clear_stack();
  std::puts("done");
}
