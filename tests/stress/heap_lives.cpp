// SPDX-License-Identifier: MIT
// Heaps that are made by one thread, used by a second and destroyed by a third, many at a time.
//
// Each heap wanders through all threads, one after the other; each thread uses other heaps before
// and after. So every thread's list of local heaps holds heaps that others destroy. Blocks of all
// sizes are left in the heaps when they die. Usage: heap_lives [SEED]
#include <atomic>
#include <memory>
#include <thread>

#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/manager/source/user_os.hpp"
#include "ashlar/os/address_space.hpp"
#include "stress/piece.hpp"
#include "support/scale.hpp"
#include "support/unwatched.hpp"
#include "support/user_memory.hpp"

namespace ashlar::test {
namespace {

constexpr std::size_t workers = 4;
constexpr std::size_t heaps = scaled(800);  // made by each of them
constexpr std::size_t most_alive = 16;

/// A heap under way, with what it holds, and the memory that it lives on.
struct traveller {
  std::unique_ptr<user_memory> memory;
  std::unique_ptr<user_block_os> block;
  std::unique_ptr<heap> home;
  std::vector<piece> pieces;
  std::size_t stations = 0;
};

using parcel = std::unique_ptr<traveller>;

struct station {
  box<parcel> inbox;
};

struct world {
  station stations[workers];
  std::atomic<std::size_t> to_come{workers * heaps};
  std::atomic<std::size_t> alive{0};
  std::atomic<std::uint64_t> last_stamp{0};
};

parcel make_traveller(random_source& random) {
  auto t = std::make_unique<traveller>();
  heap_options options;
  options.cache_line_aligned = random.one_in(4);
  if (random.one_in(3)) {
    t->memory = std::make_unique<user_memory>(std::size_t{64} << 20);
    t->block = std::make_unique<user_block_os>(user_block_options{t->memory->all()});
    options.os = t->block.get();
  }
  t->home = std::make_unique<heap>(options);
  return t;
}

void use(world& w, traveller& t, random_source& random) {
  for (std::size_t i = 0; i < 60; ++i) {
    const std::uint64_t stamp = w.last_stamp.fetch_add(2, std::memory_order_relaxed);
    if (t.pieces.empty() || !random.one_in(3)) {
      t.pieces.push_back(make_piece(*t.home, random, stamp));
    } else if (random.one_in(3)) {
      resize_piece(*t.home, random, t.pieces[random.below(t.pieces.size())], stamp);
    } else {
      std::swap(t.pieces[random.below(t.pieces.size())], t.pieces.back());
      free_piece(*t.home, t.pieces.back());
      t.pieces.pop_back();
    }
  }
  for (const piece& p : t.pieces) p.check();
  if (random.one_in(8)) t.home->trim(0);
  if (random.one_in(8)) t.home->check_invariants();
}

void serve(world& w, std::size_t self, parcel t, random_source& random) {
  use(w, *t, random);
  if (++t->stations < workers) return w.stations[(self + 1) % workers].inbox.put(std::move(t));
  t->home.reset();  // with all that it still holds
  require(t->block == nullptr || t->block->available() == t->block->capacity(),
          "the heap kept its user's block");
  w.alive.fetch_sub(1, std::memory_order_relaxed);
  w.to_come.fetch_sub(1, std::memory_order_relaxed);
}

void run_station(world& w, std::size_t self, std::uint64_t seed) {
  random_source random(seed + self);
  std::size_t made = 0;
  while (w.to_come.load(std::memory_order_relaxed) != 0) {
    if (made < heaps && w.alive.load(std::memory_order_relaxed) < most_alive) {
      ++made;
      w.alive.fetch_add(1, std::memory_order_relaxed);
      serve(w, self, make_traveller(random), random);
    }
    for (parcel& t : w.stations[self].inbox.take_all()) serve(w, self, std::move(t), random);
    std::this_thread::yield();
  }
}

void run_world(std::uint64_t seed) {
  const auto w = std::make_unique<world>();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < workers; ++i)
    threads.emplace_back([&w, i, seed] { run_station(*w, i, seed); });
  for (std::thread& t : threads) t.join();
}

// What the process keeps for good, the metadata of the most heaps that lived at a time, is there
// after the first world. The second one may need a little more, by chance.
void run_worlds(std::uint64_t seed) {
  run_world(seed);
  const os::counters before = os::current_counters();
  const std::size_t metadata = process_metadata.resident_bytes();
  run_world(seed + workers);
  const os::counters after = os::current_counters();
  require(process_metadata.resident_bytes() <= metadata + 512_KiB, "metadata has leaked");
  require(after.reserved - before.reserved <= 64_MiB, "address space has leaked");
  // Regions may come to lie where the page map has no entries yet: 256 KiB for each GiB.
  require(after.committed - before.committed <= 32_MiB, "memory has leaked");
}

}  // namespace
}  // namespace ashlar::test

int main(int argc, char** argv) {
  const ashlar::test::unwatched no_tool;  // heaps that tell one have no bins
  const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 0) : 1;
  ashlar::test::run_worlds(seed);
}
