// SPDX-License-Identifier: MIT
// Workload small: one thread, fixed small sizes, freed in both orders.
//
// Stresses the shortest path: for each size, a run of malloc/free pairs, then batches of 1,500
// blocks of which one half is freed last-in-first-out and the other first-in-first-out. 1,500
// blocks of 16 bytes need 24 KB of free list.
// A bad allocator shows here: too many instructions per call, metadata touched on each free, a
// thread cache that is smaller than the batch and spills to a locked list in every round.
#include <array>

#include "table.hpp"

namespace bench {
namespace {

constexpr std::array<std::size_t, 8> sizes = {16, 24, 32, 48, 64, 96, 128, 256};
constexpr std::size_t batch = 1500;

std::uint64_t pairs(std::size_t size, std::size_t count) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < count; ++i) {
    char* block = allocate(size);
    stamp(block, size, i);
    sum += verify(block, size, i);
    std::free(block);
  }
  return sum;
}

std::uint64_t both_orders(std::size_t size, std::array<char*, batch>& blocks) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < batch; ++i) {
    blocks[i] = allocate(size);
    stamp(blocks[i], size, size + i);
  }
  for (std::size_t i = batch; i > batch / 2; --i) {
    sum += verify(blocks[i - 1], size, size + i - 1);
    std::free(blocks[i - 1]);
  }
  for (std::size_t i = 0; i < batch / 2; ++i) {
    sum += verify(blocks[i], size, size + i);
    std::free(blocks[i]);
  }
  return sum;
}

}  // namespace

void run_small(session& now) {
  std::array<char*, batch> blocks{};
  const std::size_t rounds = now.scaled(1500);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (const std::size_t size : sizes) {
      now.add(pairs(size, batch));
      now.add(both_orders(size, blocks));
    }
  }
}

}  // namespace bench
