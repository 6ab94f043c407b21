// SPDX-License-Identifier: MIT
// Many threads on one heap: each owns blocks, passes some on, and ends leaving others behind for
// its successor, while one more thread trims, walks and describes the heap.
//
// At the end all blocks are freed, and the heap must be empty. Usage: traffic [SEED]
#include <atomic>
#include <memory>
#include <thread>

#include "ashlar/observe/snapshot.hpp"
#include "stress/piece.hpp"
#include "support/scale.hpp"
#include "support/unwatched.hpp"

namespace ashlar::test {
namespace {

constexpr std::size_t lanes = 6;        // threads at a time
constexpr std::size_t generations = 8;  // of threads in each lane
constexpr std::size_t most_pieces = 300;
constexpr std::size_t steps = scaled(300'000);  // of each thread

struct traffic {
  heap shared{heap_options{}};
  box<piece> inboxes[lanes];
  std::atomic<std::uint64_t> last_stamp{0};
  std::atomic<bool> is_over{false};

  std::uint64_t stamp() { return last_stamp.fetch_add(2, std::memory_order_relaxed); }
};

class worker {
 public:
  worker(traffic& t, std::size_t lane, std::uint64_t seed)
      : traffic_(t), lane_(lane), random_(seed) {}

  void run() {
    for (std::size_t i = 0; i < steps; ++i) step();
    // Left behind: the successor finds them in the inbox, after this thread has ended.
    for (const piece& p : mine_) traffic_.inboxes[lane_].put(p);
  }

 private:
  void step() {
    heap& h = traffic_.shared;
    switch (random_.below(16)) {
      case 0: return take_inbox();
      case 1: return pass_on();
      case 2: return with_one([&](piece& p) { resize_piece(h, random_, p, traffic_.stamp()); });
      case 3: return with_one([](piece& p) { p.check(); });
      case 4:
      case 5:
      case 6:
      case 7:
      case 8: return free_one();
      default: mine_.push_back(make_piece(h, random_, traffic_.stamp()));
    }
    // Now and then half of all goes at once, as when a request has been served.
    if (mine_.size() > most_pieces)
      while (mine_.size() > most_pieces / 2) free_one();
  }

  template <class Action>
  void with_one(Action action) {
    if (!mine_.empty()) action(mine_[random_.below(mine_.size())]);
  }

  piece remove_one() {
    std::swap(mine_[random_.below(mine_.size())], mine_.back());
    const piece p = mine_.back();
    mine_.pop_back();
    return p;
  }

  void free_one() {
    if (!mine_.empty()) free_piece(traffic_.shared, remove_one());
  }

  void pass_on() {
    for (std::size_t n = random_.below(20); n > 0 && !mine_.empty(); --n)
      traffic_.inboxes[random_.below(lanes)].put(remove_one());
  }

  void take_inbox() {
    for (const piece& p : traffic_.inboxes[lane_].take_all()) {
      p.check();
      if (random_.one_in(3))
        mine_.push_back(p);
      else
        free_piece(traffic_.shared, p);
    }
  }

  traffic& traffic_;
  std::size_t lane_;
  random_source random_;
  std::vector<piece> mine_;
};

// What a monitoring thread of a program would do.
void observe_traffic(traffic& t, std::uint64_t seed) {
  random_source random(seed);
  const auto s = std::make_unique<observe::snapshot>();
  while (!t.is_over.load(std::memory_order_relaxed)) {
    switch (random.below(4)) {
      case 0: t.shared.trim(random.below(std::size_t{32} << 20)); break;
      case 1:
        *s = {};
        t.shared.describe(*s);
        require(s->class_count != 0, "describe gave nothing");
        break;
      case 2:
        t.shared.walk({nullptr, [](void*, const walked_block& b) {
                         require(b.data != nullptr && b.size != 0, "the walk visits nothing");
                         return true;
                       }});
        break;
      default: t.shared.check_invariants();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

void run_traffic(std::uint64_t seed) {
  const auto t = std::make_unique<traffic>();
  std::thread observer([&] { observe_traffic(*t, seed); });
  std::vector<std::thread> threads;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    threads.emplace_back([&t, lane, seed] {
      for (std::size_t g = 0; g < generations; ++g)
        std::thread([&] { worker(*t, lane, seed + lane * 1000 + g).run(); }).join();
    });
  }
  for (std::thread& thread : threads) thread.join();
  t->is_over = true;
  observer.join();

  t->shared.check_invariants();
  for (box<piece>& inbox : t->inboxes)
    for (const piece& p : inbox.take_all()) free_piece(t->shared, p);
  t->shared.trim(0);
  t->shared.check_invariants();
  require(t->shared.used_bytes() == 0, "the heap is not empty though everything was freed");
}

}  // namespace
}  // namespace ashlar::test

int main(int argc, char** argv) {
  const ashlar::test::unwatched no_tool;  // heaps that tell one have no bins
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 1;
  ashlar::test::run_traffic(seed);
}
