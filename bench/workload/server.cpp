// SPDX-License-Identifier: MIT
// Workload server: threads replace random blocks of their set, then hand it to a successor.
//
// The pattern of a server as Larson and Krishnan described it (ISMM 1998): each worker owns 5,000
// live blocks of 8 to 1,000 bytes, replaces 60,000 of them at random, starts its successor and
// ends. The successor frees blocks of a thread that is gone or about to go.
// A bad allocator shows here: orphaned memory that nobody adopts, thread start and exit that cost a
// lock or a system call per slab, full slabs that go back and forth between threads and a central
// list.
#include <latch>
#include <thread>
#include <vector>

#include "table.hpp"

namespace bench {
namespace {

constexpr std::size_t live_blocks = 5000;
constexpr std::size_t steps_per_life = 60'000;

struct post {
  session& now;
  std::latch& done;
  random_numbers numbers;
  std::vector<stamped> live;
  std::size_t lives_left;
};

void end_post(post* of) {
  std::uint64_t sum = 0;
  for (stamped& each : of->live) sum += each.drop();
  of->now.add(sum);
  std::latch& done = of->done;
  delete of;
  done.count_down();
}

void serve(post* at) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < steps_per_life; ++i) {
    stamped& victim = at->live[at->numbers.below(live_blocks)];
    sum += victim.drop();
    victim = stamped::make(8 + at->numbers.below(993), i);
  }
  at->now.add(sum);
  if (--at->lives_left == 0) {
    end_post(at);
  } else {
    std::thread(serve, at).detach();
  }
}

}  // namespace

void run_server(session& now) {
  std::latch done(now.threads());
  const std::size_t lives = now.scaled(150);
  for (std::size_t i = 0; i < now.threads(); ++i) {
    auto* made =
        new post{now, done, random_numbers(i + 200), std::vector<stamped>(live_blocks), lives};
    std::thread(serve, made).detach();
  }
  done.wait();
}

}  // namespace bench
