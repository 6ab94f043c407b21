// SPDX-License-Identifier: MIT
// A program that allocates much in known ways, and prints what it did: a line for each function,
// with what was ever made and what is still there. What sampling says of it must come close; see
// sampled.py, which knows how close.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

namespace {

// What a function did. Units: blocks, bytes, and for the error of counts the sum of 1 / size.
struct truth {
  double made_blocks = 0, made_bytes = 0, made_inverse = 0;
  double live_blocks = 0, live_bytes = 0, live_inverse = 0;

  void make(std::size_t size) {
    made_blocks += 1, live_blocks += 1;
    made_bytes += static_cast<double>(size), live_bytes += static_cast<double>(size);
    made_inverse += 1.0 / static_cast<double>(size),
        live_inverse += 1.0 / static_cast<double>(size);
  }
  void drop(std::size_t size) {
    live_blocks -= 1;
    live_bytes -= static_cast<double>(size);
    live_inverse -= 1.0 / static_cast<double>(size);
  }
  void print(const char* name) const {
    std::printf("%s %.17g %.17g %.17g %.17g %.17g %.17g\n", name, made_blocks, made_bytes,
                made_inverse, live_blocks, live_bytes, live_inverse);
  }
};

// A list of blocks that the heap does not hold: what the program keeps for itself is not counted.
constexpr std::size_t room = 400'000;
void* kept[room];
std::size_t kept_count = 0;

std::uint32_t seed = 1;
std::uint32_t any(std::uint32_t below) {
  seed = seed * 1664525 + 1013904223;
  return (seed >> 8) % below;
}

void keep(void* p) { kept[kept_count++] = p; }

#define STEP extern "C" __attribute__((noinline, used)) void
#define END asm volatile("" ::: "memory")  // no tail call: the frame stays

STEP small_ones() {
  truth t;
  for (int i = 0; i < 400'000; ++i) {
    void* volatile p = std::malloc(48);
    t.make(48);
    if (i % 4 == 0) {
      keep(p);
    } else {
      std::free(p);
      t.drop(48);
    }
  }
  t.print("small_ones");
}

// Sizes of all classes, small ones more often; a window of blocks that come and go.
STEP mixed_ones() {
  truth t;
  static void* window[1000];
  static std::size_t sizes[1000];
  for (int i = 0; i < 200'000; ++i) {
    const std::uint32_t at = any(1000);
    if (window[at] != nullptr) {
      std::free(window[at]);
      t.drop(sizes[at]);
    }
    sizes[at] = 1 + any(1u << (4 + any(14)));
    window[at] = any(2) != 0 ? std::malloc(sizes[at]) : std::calloc(sizes[at], 1);
    t.make(sizes[at]);
  }
  t.print("mixed_ones");
}

STEP large_ones() {
  truth t;
  static void* window[20];
  static std::size_t sizes[20];
  for (int i = 0; i < 3'000; ++i) {
    const std::uint32_t at = any(20);
    if (window[at] != nullptr) {
      std::free(window[at]);
      t.drop(sizes[at]);
    }
    sizes[at] = 260'000 + any(600'000);
    window[at] = std::malloc(sizes[at]);
    t.make(sizes[at]);
  }
  t.print("large_ones");
}

STEP aligned_ones() {
  truth t;
  for (int i = 0; i < 20'000; ++i) {
    keep(std::aligned_alloc(256, 512));
    t.make(512);
  }
  t.print("aligned_ones");
}

// Blocks that grow, and shrink again: each step counts as one that goes and one that comes.
STEP resized_ones() {
  truth t;
  for (int i = 0; i < 5'000; ++i) {
    std::size_t size = 24;
    void* p = std::malloc(size);
    t.make(size);
    const auto resize = [&](std::size_t to) {
      p = std::realloc(p, to);
      t.drop(size);
      size = to;
      t.make(size);
    };
    while (size < 20'000) resize(size * 3);
    if (i % 50 == 0) resize(2'000'000);
    if (i % 2 == 0) resize(900);
    if (i % 3 != 0) {
      std::free(p);
      t.drop(size);
    } else {
      keep(p);
    }
  }
  t.print("resized_ones");
}

// Made by four threads, freed by another, a quarter of them kept.
STEP handed_over() {
  truth t;
  static void* blocks[4][50'000];
  std::thread makers[4];
  for (int m = 0; m < 4; ++m)
    makers[m] = std::thread([m] {
      for (void*& p : blocks[m]) p = operator new(160);
    });
  for (std::thread& m : makers) m.join();
  for (auto& mine : blocks) {
    for (std::size_t i = 0; i < 50'000; ++i) {
      t.make(160);
      if (i % 4 == 0) continue;
      operator delete(mine[i]);
      t.drop(160);
    }
  }
  t.print("handed_over");
  END;
}

}  // namespace

int main() {
  small_ones();
  mixed_ones();
  large_ones();
  aligned_ones();
  resized_ones();
  handed_over();
  std::fflush(stdout);
}
