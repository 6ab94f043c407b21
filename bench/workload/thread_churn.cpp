// SPDX-License-Identifier: MIT
// Workload thread_churn: thousands of threads that live for some hundred allocations.
//
// Each thread makes 300 blocks, frees two thirds and leaves the rest in a ring of 64 parcels; the
// thread that comes 64 threads later frees them. The first allocation of a thread and its exit
// weigh as much as the work.
// A bad allocator shows here: a heap of its own mapped for each thread, caches that are lost at
// thread exit, memory that grows with the number of threads that ever lived.
#include <algorithm>
#include <array>
#include <mutex>
#include <thread>
#include <vector>

#include "table.hpp"

namespace bench {
namespace {

using parcel = std::array<stamped, 100>;
constexpr std::size_t parcels_kept = 64;

struct parcel_ring {
  std::mutex mutex;
  std::array<parcel, parcels_kept> parcels{};
};

std::uint64_t leave_parcel(parcel_ring& ring, std::size_t place, parcel& mine) {
  {
    const std::lock_guard lock(ring.mutex);
    std::swap(ring.parcels[place], mine);
  }
  std::uint64_t sum = 0;
  for (stamped& each : mine) sum += each.drop();
  return sum;
}

void live_shortly(parcel_ring& ring, std::size_t number, session& now) {
  random_numbers numbers(number + 1000);
  std::array<stamped, 200> own{};
  parcel left{};
  std::uint64_t sum = 0;
  for (stamped& each : own) each = stamped::make(numbers.log_uniform(4, 11), number);
  for (stamped& each : left) each = stamped::make(numbers.log_uniform(4, 11), number);
  for (stamped& each : own) sum += each.drop();
  now.add(sum + leave_parcel(ring, number % parcels_kept, left));
}

}  // namespace

void run_thread_churn(session& now) {
  parcel_ring ring;
  const std::size_t lives = now.scaled(16'000);
  const std::size_t at_once = now.threads();
  for (std::size_t born = 0; born < lives; born += at_once) {
    std::vector<std::thread> wave;
    for (std::size_t i = born; i < std::min(lives, born + at_once); ++i) {
      wave.emplace_back([&, i] { live_shortly(ring, i, now); });
    }
    for (std::thread& each : wave) each.join();
  }
  std::uint64_t sum = 0;
  for (parcel& each : ring.parcels) {
    for (stamped& block : each) sum += block.drop();
  }
  now.add(sum);
}

}  // namespace bench
