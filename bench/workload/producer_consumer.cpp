// SPDX-License-Identifier: MIT
// Workload producer_consumer: in each pair of threads one allocates and the other frees.
//
// Batches of 200 blocks of 16 to 512 bytes travel through a bounded queue; the array that carries a
// batch is a block too. The consumer frees in the order of allocation and allocates nothing itself.
// A bad allocator shows here: an atomic operation or a lock for each remote free, blocks that stay
// in the consumer's cache while the producer asks the OS for more, false sharing of the owner's
// metadata.
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "table.hpp"

namespace bench {
namespace {

constexpr std::size_t batch = 200;

/// A bounded queue of batches. Threads: thread-safe.
class batch_queue {
 public:
  void push(stamped* filled) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [&] { return batches_.size() < 32; });
    batches_.push_back(filled);
    not_empty_.notify_one();
  }

  stamped* pop() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [&] { return !batches_.empty(); });
    stamped* taken = batches_.front();
    batches_.pop_front();
    not_full_.notify_one();
    return taken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  std::deque<stamped*> batches_;
};

void produce(batch_queue& to, std::size_t batches, std::uint64_t seed) {
  random_numbers numbers(seed);
  for (std::size_t i = 0; i < batches; ++i) {
    auto* filled = reinterpret_cast<stamped*>(allocate(batch * sizeof(stamped)));
    for (std::size_t j = 0; j < batch; ++j) {
      filled[j] = stamped::make(16 + numbers.below(497), i + j);
    }
    to.push(filled);
  }
}

void consume(batch_queue& from, std::size_t batches, session& now) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < batches; ++i) {
    stamped* filled = from.pop();
    for (std::size_t j = 0; j < batch; ++j) sum += filled[j].drop();
    std::free(filled);
  }
  now.add(sum);
}

}  // namespace

void run_producer_consumer(session& now) {
  const std::size_t pairs = now.threads() / 2;
  const std::size_t batches = now.scaled(24'000);
  std::vector<batch_queue> queues(pairs);
  std::vector<std::thread> workers;
  for (std::size_t i = 0; i < pairs; ++i) {
    workers.emplace_back([&, i] { produce(queues[i], batches, i + 8); });
    workers.emplace_back([&, i] { consume(queues[i], batches, now); });
  }
  for (std::thread& each : workers) each.join();
}

}  // namespace bench
