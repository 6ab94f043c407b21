// SPDX-License-Identifier: MIT
// The fit managers cold: how long single calls take in a heap of a million free blocks.
//
// Two million blocks of 16 B to 2 KiB (every doubling as likely) are made, every second one is
// freed; then two random blocks are freed and two of random size allocated, in turn. The second
// free and the first allocate are timed: a free came before both, which may have left them
// something to do. Nothing is next to what was used before, so the blocks are cold. In `evicted`
// all else is too: before each call all caches are filled with other data, the code and the index
// included.
//
// Reported in ns, the least that it costs to take the time being subtracted: percentiles of
// allocate (a_) and free (f_); of a free and an allocate right behind it, timed as one (fa_); of
// one load from a random place in the region (load_), in the same state: by that the rest can be
// judged on any machine; and of nothing (empty_): what the clock and the machine add. Calls in
// which the thread was preempted, as the kernel tells, are left out and counted (`preempted`).
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "fit_peers.hpp"
#include "support/random.hpp"

namespace {

using namespace ashlar::literals;

using lent = std::pair<void*, std::size_t>;

constexpr std::size_t free_blocks = 1000000;
constexpr std::size_t largest = 2_KiB;
constexpr std::size_t region_size = 4_GiB;

// Waits until all loads before are done, so that they are in the time.
std::int64_t now() {
#if defined(__x86_64__)
  __builtin_ia32_lfence();
#endif
  const auto t = std::chrono::steady_clock::now().time_since_epoch();
#if defined(__x86_64__)
  __builtin_ia32_lfence();
#endif
  return std::chrono::nanoseconds(t).count();
}

long preemptions() {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw + usage.ru_nvcsw;
}

class stopwatch {
 public:
  stopwatch() {
    for (int i = 0; i < 20000; ++i) {
      const std::int64_t start = now();
      cost_ = std::min(cost_, now() - start);
    }
  }

  /// Times one call, and forgets it if the thread was preempted meanwhile.
  template <class Call>
  void time(std::vector<std::int64_t>& into, Call call) {
    const long before = preemptions();
    const std::int64_t start = now();
    call();
    const std::int64_t end = now();
    if (preemptions() == before)
      into.push_back(end - start - cost_);
    else
      ++preempted;
  }

  double preempted = 0;

 private:
  std::int64_t cost_ = 1000000;
};

void evict() {
  static std::vector<char> other(64_MiB);
  for (std::size_t i = 0; i < other.size(); i += 64) ++other[i];
  benchmark::ClobberMemory();
}

void report(benchmark::State& state, const std::string& name, std::vector<std::int64_t>& times) {
  if (times.empty()) return;
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    const auto i = static_cast<std::size_t>(part * static_cast<double>(times.size()));
    return static_cast<double>(times[std::min(i, times.size() - 1)]);
  };
  state.counters[name + "_p50"] = at(0.5);
  state.counters[name + "_p99"] = at(0.99);
  state.counters[name + "_p99.9"] = at(0.999);
  state.counters[name + "_max"] = at(1);
}

template <class Peer>
class aged_heap {
 public:
  explicit aged_heap(bool huge) : peer_(region_size, huge) {
    std::vector<lent> ending;
    for (std::size_t i = 0; i < 2 * free_blocks; ++i) {
      const std::size_t size = next_size();
      (i % 2 == 0 ? ending : live_).emplace_back(peer_.get(size), size);
    }
    for (const lent& each : ending) peer_.put(each.first, each.second);
  }
  ~aged_heap() {
    for (const lent& each : live_) peer_.put(each.first, each.second);
  }
  aged_heap(const aged_heap&) = delete;
  aged_heap& operator=(const aged_heap&) = delete;

  std::size_t next_size() { return random_.log_uniform(largest); }
  lent pick() {
    std::swap(live_[random_.below(live_.size())], live_.back());
    const lent picked = live_.back();
    live_.pop_back();
    return picked;
  }
  void get(lent& made) { made.first = peer_.get(made.second); }
  void put(const lent& ending) { peer_.put(ending.first, ending.second); }
  void make() {
    lent made{nullptr, next_size()};
    get(made);
    keep(made);
  }
  void keep(const lent& made) { live_.push_back(made); }
  const char* any_place() {
    return static_cast<const char*>(live_[random_.below(live_.size())].first);
  }

 private:
  Peer peer_;
  ashlar::test::random_source random_{7};
  std::vector<lent> live_;
};

template <class Peer>
void latency(benchmark::State& state, bool huge, bool evicts) {
  const std::size_t calls = evicts ? 3000 : 200000;
  const auto prepare = [&] {
    if (evicts) evict();
  };
  aged_heap<Peer> heap(huge);
  stopwatch watch;
  std::map<std::string, std::vector<std::int64_t>> times;
  for (auto _ : state) {
    for (std::size_t i = 0; i < calls; ++i) {
      heap.put(heap.pick());
      lent ending = heap.pick();
      prepare();
      watch.time(times["f"], [&] { heap.put(ending); });
      const char* const place = heap.any_place();
      prepare();
      watch.time(times["load"],
                 [&] { benchmark::DoNotOptimize(*static_cast<const volatile char*>(place)); });
      lent made{nullptr, heap.next_size()};
      prepare();
      watch.time(times["a"], [&] { heap.get(made); });
      heap.keep(made);
      heap.make();
      ending = heap.pick();
      made.second = heap.next_size();
      prepare();
      watch.time(times["fa"], [&] {
        heap.put(ending);
        heap.get(made);
      });
      heap.keep(made);
      watch.time(times["empty"], [] {});
    }
  }
  for (auto& [name, each] : times) report(state, name, each);
  state.counters["preempted"] = watch.preempted;
}

const bool registered = [] {
  bench::for_each_fit_peer([]<class Peer>(const char* name) {
    const auto add = [name](const char* what, bool huge, bool evicts) {
      const std::string title = std::string("fit_latency/") + name + what;
      benchmark::RegisterBenchmark(title.c_str(), latency<Peer>, huge, evicts)
          ->Iterations(1)
          ->Unit(benchmark::kMillisecond);
    };
    add("/huge_pages", true, false);
    add("/small_pages", false, false);
    add("/evicted", true, true);
  });
  return true;
}();

}  // namespace
