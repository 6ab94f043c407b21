// SPDX-License-Identifier: MIT
// Workload calloc_aligned: calloc, aligned_alloc, posix_memalign and malloc in one live set.
//
// Three requests of ten are calloc (8 B to 128 KiB, every word of it checked for zero up to 1 KiB,
// then by samples), two ask for an alignment of 16 to 128 or of 4096, the rest is malloc of the
// same sizes.
// A bad allocator shows here: calloc that clears pages which the OS has just cleared, aligned
// requests that are padded to twice their size or sent to a slow path of their own.
#include <array>
#include <vector>

#include "table.hpp"

namespace bench {
namespace {

// Not 256 to 1024: mimalloc 2.0.9 answers such requests with blocks that are not aligned when the
// size is a power of two, and a peer that stops here would leave the comparison without its
// reference.
constexpr std::array<std::size_t, 6> alignments = {16, 32, 64, 64, 128, 4096};

void expect_zero(const char* block, std::size_t size) {
  const std::size_t step = size <= 1024 ? 8 : 512;
  for (std::size_t at = 0; at + 8 <= size; at += step) {
    std::uint64_t word = 0;
    std::memcpy(&word, block + at, sizeof word);
    if (word != 0) fail("calloc returned memory that is not zero");
  }
}

char* allocate_zeroed(std::size_t size) {
  char* block = static_cast<char*>(std::calloc(1, size));
  if (block == nullptr) fail("calloc returned null");
  expect_zero(block, size);
  return block;
}

char* allocate_aligned(std::size_t size, std::size_t alignment, bool posix) {
  void* block = nullptr;
  if (posix) {
    if (posix_memalign(&block, alignment, size) != 0) fail("posix_memalign failed");
  } else {
    block = std::aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
  }
  if (block == nullptr) fail("aligned_alloc returned null");
  if (reinterpret_cast<std::uintptr_t>(block) % alignment != 0) fail("a block is not aligned");
  return static_cast<char*>(block);
}

stamped make_any(random_numbers& numbers, std::uint64_t mark) {
  const std::size_t kind = numbers.below(10);
  const std::size_t size = numbers.log_uniform(3, kind == 0 ? 17 : 11);
  char* data = nullptr;
  if (kind < 3) {
    data = allocate_zeroed(size);
  } else if (kind < 5) {
    data = allocate_aligned(size, alignments[numbers.below(alignments.size())], kind == 3);
  } else {
    data = allocate(size);
  }
  stamped made{data, static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(mark)};
  stamp(made.data, size, made.value());
  return made;
}

}  // namespace

void run_calloc_aligned(session& now) {
  random_numbers numbers(7);
  std::vector<stamped> live(10'000);
  std::uint64_t sum = 0;
  const std::size_t steps = now.scaled(2'000'000);
  for (std::size_t i = 0; i < steps; ++i) {
    stamped& victim = live[numbers.below(live.size())];
    sum += victim.drop();
    victim = make_any(numbers, i);
  }
  for (stamped& each : live) sum += each.drop();
  now.add(sum);
}

}  // namespace bench
