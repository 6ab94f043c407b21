// SPDX-License-Identifier: MIT
// A program whose allocations are known to the byte. What a capture of it must say stands in
// figures.py, by the names of the functions here. It ends as its argument says.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

void* volatile kept[1000];  // a root: what lies here is reachable

#define STEP extern "C" __attribute__((noinline, used)) void
#define END asm volatile("" ::: "memory")  // no tail call: the frame stays

// 10 blocks of 100 bytes stay.
STEP keeps_ten() {
  for (int i = 0; i < 10; ++i) kept[i] = std::malloc(100);
  END;
}

// 1000 blocks of 48 bytes come and go at once; 1000 of 64 go later, in another order.
STEP makes_temporary() {
  for (int i = 0; i < 1000; ++i) {
    void* volatile p = std::malloc(48);
    std::free(p);
  }
  END;
}
STEP makes_later() {
  void* all[1000];
  for (void*& p : all) p = std::malloc(64);
  for (void*& p : all) std::free(p);
  std::memset(all, 0, sizeof all);
  asm volatile("" ::"r"(all) : "memory");
}

// A block of 10 bytes grows to 1000 and to 1,000,000, and stays.
STEP grows_twice() {
  void* p = std::malloc(10);
  p = std::realloc(p, 1000);
  kept[20] = std::realloc(p, 1'000'000);
  END;
}

// 3 objects by new, 2 arrays by new[] of 32 bytes, one aligned; a large one by calloc. All stay.
STEP uses_new() {
  for (int i = 30; i < 33; ++i) kept[i] = new std::uint64_t;
  for (int i = 33; i < 35; ++i) kept[i] = new char[32];
  kept[35] = std::aligned_alloc(256, 512);
  kept[36] = std::calloc(1000, 5000);
  END;
}

// Two threads with 500 blocks of 24 bytes each: the main thread frees the first, leaves the second.
STEP uses_threads() {
  static void* blocks[2][500];
  for (auto& mine : blocks) {
    std::thread([&mine] {
      for (void*& p : mine) p = std::malloc(24);
    }).join();
  }
  for (void* p : blocks[0]) std::free(p);
  END;
}

// 50 blocks of 80 bytes are lost, with 50 of 16 that only they point to.
STEP loses_fifty() {
  for (int i = 0; i < 50; ++i) {
    auto** const p = static_cast<void**>(std::malloc(80));
    std::memset(p, 0, 80);
    p[3] = std::malloc(16);
  }
  END;
}

// What registers and dead frames still hold of it.
__attribute__((noinline)) void wipe_the_stack() {
  volatile char garbage[64 * 1024];
  for (volatile char& c : garbage) c = 0;
}

}  // namespace

int main(int count, char** arguments) {
  keeps_ten();
  makes_temporary();
  makes_later();
  grows_twice();
  uses_new();
  uses_threads();
  loses_fifty();
  wipe_the_stack();
  if (count > 1 && std::strcmp(arguments[1], "_exit") == 0) ::_exit(3);
  if (count > 1 && std::strcmp(arguments[1], "exit") == 0) std::exit(4);
  return 0;
}
