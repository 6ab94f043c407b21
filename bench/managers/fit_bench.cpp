// SPDX-License-Identifier: MIT
// The fit managers warm: one pair of allocate and free, and random traffic, beside their peers.
//
// `pair`: the same size again and again, among 1,000 live blocks and as many holes. `traffic`: of
// 10,000 live blocks of 16 B to 4 KiB a random one is replaced.
//
//   ashlar-managers-bench --benchmark_filter='fit_(pair|traffic)' --benchmark_repetitions=15
//     --benchmark_enable_random_interleaving=true --benchmark_report_aggregates_only=true
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "fit_peers.hpp"
#include "support/random.hpp"

namespace {

using namespace ashlar::literals;

using lent = std::pair<void*, std::size_t>;

template <class Peer>
void pair(benchmark::State& state, std::size_t size) {
  Peer peer(64_MiB, true);
  ashlar::test::random_source random(1);
  std::vector<lent> live;
  for (int i = 0; i < 2000; ++i) {
    const std::size_t other = random.log_uniform(4_KiB);
    live.emplace_back(peer.get(other), other);
  }
  for (std::size_t i = 0; i < live.size(); i += 2) peer.put(live[i].first, live[i].second);
  for (auto _ : state) {
    void* const p = peer.get(size);
    benchmark::DoNotOptimize(p);
    peer.put(p, size);
  }
  for (std::size_t i = 1; i < live.size(); i += 2) peer.put(live[i].first, live[i].second);
}

template <class Peer>
void traffic(benchmark::State& state) {
  constexpr std::size_t rounds = 1 << 16;
  Peer peer(256_MiB, true);
  ashlar::test::random_source random(2);
  std::vector<lent> live(10000);
  for (lent& each : live) {
    each.second = random.log_uniform(4_KiB);
    each.first = peer.get(each.second);
  }
  std::vector<std::pair<std::size_t, std::size_t>> plan(rounds);  // which, and its new size
  for (auto& [which, size] : plan) {
    which = random.below(live.size());
    size = random.log_uniform(4_KiB);
  }
  std::size_t i = 0;
  for (auto _ : state) {
    const auto [which, size] = plan[i++ % rounds];
    peer.put(live[which].first, live[which].second);
    live[which] = {peer.get(size), size};
  }
  for (const lent& each : live) peer.put(each.first, each.second);
}

const bool registered = [] {
  bench::for_each_fit_peer([]<class Peer>(const char* name) {
    for (const std::size_t size : {std::size_t{32}, std::size_t{200}, 4_KiB, 64_KiB}) {
      const std::string title = std::string("fit_pair/") + name + "/" + std::to_string(size);
      benchmark::RegisterBenchmark(title.c_str(), pair<Peer>, size);
    }
    benchmark::RegisterBenchmark((std::string("fit_traffic/") + name).c_str(), traffic<Peer>);
  });
  return true;
}();

}  // namespace
