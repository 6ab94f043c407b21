// SPDX-License-Identifier: MIT
// Rings from one thread to another: elements per second one by one, bytes per second in bulk.
//
//   spsc_numbers   the other thread pushes 64-bit numbers, this one pops and adds them; the ring
//                  holds 1,024. A side that finds it full or empty tries again at once; after 64
//                  times in vain it lets others run. The two sides are pinned to different
//                  processors: on one they would take turns, and every ring would seem fast.
//   spsc_bytes     pieces of the given size through a ring of 1 MiB. `one_thread`: pushed and
//   popped
//                  by turns, which is what the copies cost; `copy_twice`: two memcpy of the same
//                  bytes through a buffer of the same size, the speed that a ring can have at most.
//   spsc_alone     a push and a pop of one number in one thread: the length of the two paths.
//
// `naive_ring` is what one writes for a first version: two counters side by side, each looked at
// for every element, with the default (sequentially consistent) order.
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "ashlar/spsc_ring.hpp"

#if __has_include(<boost/lockfree/spsc_queue.hpp>)
#define ASHLAR_BENCH_LOCKFREE 1
#include <boost/lockfree/spsc_queue.hpp>
#else
#define ASHLAR_BENCH_LOCKFREE 0
#endif

namespace {

template <class T>
class naive_ring {
 public:
  explicit naive_ring(std::size_t capacity) : elements_(capacity) {}

  bool push(const T& value) {
    const std::size_t tail = tail_;
    if (tail - head_ == elements_.size()) return false;
    elements_[tail & (elements_.size() - 1)] = value;
    tail_ = tail + 1;
    return true;
  }
  bool pop(T& into) {
    const std::size_t head = head_;
    if (head == tail_) return false;
    into = elements_[head & (elements_.size() - 1)];
    head_ = head + 1;
    return true;
  }

 private:
  std::vector<T> elements_;
  std::atomic<std::size_t> head_{0};
  std::atomic<std::size_t> tail_{0};
};

template <class T>
class ashlar_ring {
 public:
  explicit ashlar_ring(std::size_t capacity) : ring_(capacity) {}
  bool push(const T& value) { return ring_.try_push(value); }
  bool pop(T& into) { return ring_.try_pop(into); }
  std::size_t push_some(const T* from, std::size_t n) { return ring_.push_some({from, n}); }
  std::size_t pop_some(T* into, std::size_t n) { return ring_.pop_some({into, n}); }

 private:
  ashlar::spsc_ring<T> ring_;
};

#if ASHLAR_BENCH_LOCKFREE
template <class T>
class boost_ring {
 public:
  explicit boost_ring(std::size_t capacity) : ring_(capacity) {}
  bool push(const T& value) { return ring_.push(value); }
  bool pop(T& into) { return ring_.pop(into); }
  std::size_t push_some(const T* from, std::size_t n) { return ring_.push(from, n); }
  std::size_t pop_some(T* into, std::size_t n) { return ring_.pop(into, n); }

 private:
  boost::lockfree::spsc_queue<T> ring_;
};
#endif

/// Keeps the calling thread on the `n`-th of the processors that the program may use.
class pinned {
 public:
  explicit pinned(int n) {
    pthread_getaffinity_np(pthread_self(), sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(cpu, &before_) && n-- == 0) CPU_SET(cpu, &one);
    if (CPU_COUNT(&one) != 0) pthread_setaffinity_np(pthread_self(), sizeof one, &one);
  }
  ~pinned() { pthread_setaffinity_np(pthread_self(), sizeof before_, &before_); }
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;

 private:
  cpu_set_t before_;
};

/// Runs `produce` in another thread while `consume` runs in this one.
template <class Produce, class Consume>
void run_both(Produce produce, Consume consume) {
  std::thread producer([&] {
    const pinned second(1);
    produce();
  });
  {
    const pinned first(0);
    consume();
  }
  producer.join();
}

/// Calls `attempt` until it returns true.
template <class Attempt>
void insist(Attempt attempt) {
  for (unsigned vain = 0; !attempt(); ++vain)
    if (vain % 64 == 63) std::this_thread::yield();
}

constexpr std::uint64_t numbers = 1'000'000;

template <class Ring>
void spsc_numbers(benchmark::State& state) {
  auto ring = std::make_unique<Ring>(1'024);
  for (auto _ : state) {
    std::uint64_t sum = 0;
    run_both(
        [&] {
          for (std::uint64_t i = 0; i < numbers; ++i) insist([&] { return ring->push(i); });
        },
        [&] {
          std::uint64_t got = 0;
          for (std::uint64_t i = 0; i < numbers; ++i) {
            insist([&] { return ring->pop(got); });
            sum += got;
          }
        });
    if (sum != numbers * (numbers - 1) / 2) state.SkipWithError("numbers were lost");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(numbers));
}

template <class Ring>
void spsc_alone(benchmark::State& state) {
  auto ring = std::make_unique<Ring>(1'024);
  std::uint64_t n = 0;
  for (auto _ : state) {
    bool both = ring->push(n) && ring->pop(n);
    benchmark::DoNotOptimize(both);
    ++n;
  }
}

constexpr std::size_t buffer_size = std::size_t{1} << 20;
constexpr std::size_t total = std::size_t{64} << 20;

template <class Ring>
void spsc_bytes(benchmark::State& state) {
  const auto piece = static_cast<std::size_t>(state.range(0));
  auto ring = std::make_unique<Ring>(buffer_size);
  const std::vector<unsigned char> from(piece, 7);
  std::vector<unsigned char> into(piece);
  for (auto _ : state) {
    run_both(
        [&] {
          for (std::size_t left = total; left != 0;)
            insist([&] {
              const std::size_t n = ring->push_some(from.data(), std::min(piece, left));
              left -= n;
              return n != 0;
            });
        },
        [&] {
          for (std::size_t left = total; left != 0;)
            insist([&] {
              const std::size_t n = ring->pop_some(into.data(), piece);
              left -= n;
              return n != 0;
            });
        });
    benchmark::DoNotOptimize(into.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(total));
}

template <class Ring>
void spsc_bytes_one_thread(benchmark::State& state) {
  const auto piece = static_cast<std::size_t>(state.range(0));
  auto ring = std::make_unique<Ring>(buffer_size);
  const std::vector<unsigned char> from(piece, 7);
  std::vector<unsigned char> into(piece);
  for (auto _ : state) {
    std::size_t n = ring->push_some(from.data(), piece) + ring->pop_some(into.data(), piece);
    benchmark::DoNotOptimize(n);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(piece));
}

void spsc_bytes_copy_twice(benchmark::State& state) {
  const auto piece = static_cast<std::size_t>(state.range(0));
  const std::vector<unsigned char> from(piece, 7);
  std::vector<unsigned char> buffer(buffer_size);
  std::vector<unsigned char> into(piece);
  std::size_t at = 0;
  for (auto _ : state) {
    std::memcpy(buffer.data() + at, from.data(), piece);
    benchmark::ClobberMemory();
    std::memcpy(into.data(), buffer.data() + at, piece);
    benchmark::ClobberMemory();
    at = at + 2 * piece <= buffer_size ? at + piece : 0;
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(piece));
}

BENCHMARK_TEMPLATE(spsc_numbers, ashlar_ring<std::uint64_t>)->UseRealTime();
BENCHMARK_TEMPLATE(spsc_numbers, naive_ring<std::uint64_t>)->UseRealTime();
BENCHMARK_TEMPLATE(spsc_alone, ashlar_ring<std::uint64_t>);
BENCHMARK_TEMPLATE(spsc_alone, naive_ring<std::uint64_t>);
BENCHMARK_TEMPLATE(spsc_bytes, ashlar_ring<unsigned char>)->Range(64, 256 << 10)->UseRealTime();
BENCHMARK_TEMPLATE(spsc_bytes_one_thread, ashlar_ring<unsigned char>)->Range(64, 256 << 10);
BENCHMARK(spsc_bytes_copy_twice)->Range(64, 256 << 10);
#if ASHLAR_BENCH_LOCKFREE
BENCHMARK_TEMPLATE(spsc_numbers, boost_ring<std::uint64_t>)->UseRealTime();
BENCHMARK_TEMPLATE(spsc_alone, boost_ring<std::uint64_t>);
BENCHMARK_TEMPLATE(spsc_bytes, boost_ring<unsigned char>)->Range(64, 256 << 10)->UseRealTime();
BENCHMARK_TEMPLATE(spsc_bytes_one_thread, boost_ring<unsigned char>)->Range(64, 256 << 10);
#endif

}  // namespace
