// SPDX-License-Identifier: MIT
// Workload remote_random: all threads swap blocks through one table and free whatever they get.
//
// Each step allocates a block, exchanges it with a random place of the shared table and frees what
// was there: with n threads, n-1 of n frees are of another thread's block, in random order, two
// slabs in a row hardly ever the same. Every tenth block is 1 to 16 KiB.
// A bad allocator shows here: batches keyed by one slab that never fill, contention on the owners'
// lists, memory that piles up at one thread while the other asks for more.
#include <atomic>
#include <thread>
#include <vector>

#include "table.hpp"

namespace bench {
namespace {

/// The header of a block in the table: pointers are exchanged, so the size has to travel inside.
struct letter {
  std::uint64_t size;
  std::uint64_t mark;
};

using post_box = std::vector<std::atomic<letter*>>;

letter* write_letter(random_numbers& numbers, std::uint64_t mark) {
  const bool big = numbers.below(10) == 0;
  const std::size_t size = sizeof(letter) + 8 + numbers.log_uniform(big ? 10 : 4, big ? 14 : 9);
  auto* made = reinterpret_cast<letter*>(allocate(size));
  *made = {size, mark};
  std::memcpy(reinterpret_cast<char*>(made) + size - sizeof mark, &mark, sizeof mark);
  return made;
}

std::uint64_t read_letter(letter* got) {
  if (got == nullptr) return 0;
  const std::uint64_t sum = got->size + got->mark;
  verify(reinterpret_cast<char*>(got) + got->size - sizeof got->mark, sizeof got->mark, got->mark);
  std::free(got);
  return sum;
}

void exchange(post_box& box, std::size_t steps, std::uint64_t seed, session& now) {
  random_numbers numbers(seed);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < steps; ++i) {
    letter* mine = write_letter(numbers, i);
    // acq_rel: the contents of the letter go with the pointer, in both directions.
    sum += read_letter(box[numbers.below(box.size())].exchange(mine, std::memory_order_acq_rel));
  }
  now.add(sum);
}

}  // namespace

void run_remote_random(session& now) {
  post_box box(20'000);
  const std::size_t steps = now.scaled(2'500'000);
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < now.threads(); ++i) {
    workers.emplace_back([&, i] { exchange(box, steps, i + 100, now); });
  }
  for (std::thread& each : workers) each.join();
  for (auto& each : box) now.add(read_letter(each.load(std::memory_order_relaxed)));
}

}  // namespace bench
