// SPDX-License-Identifier: MIT
// Faults in blocks of heaps, of the general manager and of buckets.
#include <cstring>
#include <span>
#include <thread>

#include "ashlar/buckets.hpp"
#include "ashlar/general.hpp"
#include "ashlar/heap.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/sources.hpp"
#include "poison/faulty.hpp"

namespace faulty {

namespace {

using namespace ashlar::literals;

constexpr std::size_t small = 64;  // just a size class: there is no slack to hide
constexpr std::size_t medium = 100'000;
constexpr std::size_t large = 1_MiB;

// Writes the last byte of a block, and the first one behind it. The next block lives, too.
template <class M>
void overrun(std::size_t size) {
  M manager;
  volatile char* const p = hidden(manager.allocate({size}).data());
  volatile char* const other = hidden(manager.allocate({size}).data());
  p[size - 1] = 1;
  other[0] = 1;
  p[size] = 1;
}

template <class M>
void read_after_free(std::size_t size) {
  M manager;
  const ashlar::allocation a = manager.allocate({size});
  (void)manager.allocate({size});
  volatile char* const p = hidden(a.data());
  p[0] = 1;
  manager.deallocate(a.get());
  (void)p[0];
}

void heap_small_overrun() { overrun<ashlar::heap>(small); }
void heap_medium_overrun() { overrun<ashlar::heap>(medium); }
void heap_large_overrun() { overrun<ashlar::heap>(large); }
void heap_direct_overrun() { overrun<ashlar::heap>(40_MiB); }
void heap_small_freed() { read_after_free<ashlar::heap>(small); }
void heap_medium_freed() { read_after_free<ashlar::heap>(medium); }
void heap_large_freed() { read_after_free<ashlar::heap>(large); }

// One byte less than the class has: of what is not asked for nothing may be touched.
void general_small_overrun() { overrun<ashlar::general_manager>(small - 1); }
void general_medium_overrun() { overrun<ashlar::general_manager>(medium); }
void general_large_overrun() { overrun<ashlar::general_manager>(large); }
void general_small_freed() { read_after_free<ashlar::general_manager>(small); }
void general_medium_freed() { read_after_free<ashlar::general_manager>(medium); }
void general_large_freed() { read_after_free<ashlar::general_manager>(large); }
void buckets_overrun() { overrun<ashlar::buckets>(small - 1); }
void buckets_freed() { read_after_free<ashlar::buckets>(small); }

void heap_shrunk() {
  ashlar::heap heap;
  const ashlar::allocation a = heap.allocate({1000});
  volatile char* const p = hidden(a.data());
  p[999] = 1;
  (void)heap.reallocate(a.get(), 16, {.size = 900, .may_move = false});
  p[899] = 1;
  p[900] = 1;
}

void heap_ended() {
  static std::byte memory[4 << 20];
  ashlar::user_block_os block({.memory = {memory, sizeof memory}});
  ashlar::heap heap({.os = &block});
  volatile char* const p = hidden(heap.allocate({small}).data());
  p[63] = 1;
  heap.free_all();
  (void)heap.allocate({small + small});  // the first slab again
  p[small + small] = 1;
}

void heap_freed_elsewhere() {
  ashlar::heap heap;
  void* const a = heap.allocate({small}).data();
  (void)heap.allocate({small});
  std::thread([&] { heap.deallocate(a); }).join();
  (void)hidden(a)[1];
}

constexpr fault faults[] = {
    {"heap_small_overrun", heap_small_overrun},
    {"heap_medium_overrun", heap_medium_overrun},
    {"heap_large_overrun", heap_large_overrun},
    {"heap_direct_overrun", heap_direct_overrun},
    {"heap_small_freed", heap_small_freed},
    {"heap_medium_freed", heap_medium_freed},
    {"heap_large_freed", heap_large_freed},
    {"heap_shrunk", heap_shrunk},
    {"heap_ended", heap_ended},
    {"heap_freed_elsewhere", heap_freed_elsewhere},
    {"general_small_overrun", general_small_overrun},
    {"general_medium_overrun", general_medium_overrun},
    {"general_large_overrun", general_large_overrun},
    {"general_small_freed", general_small_freed},
    {"general_medium_freed", general_medium_freed},
    {"general_large_freed", general_large_freed},
    {"buckets_overrun", buckets_overrun},
    {"buckets_freed", buckets_freed},
};

// --- what is allowed -----------------------------------------------------------------------------

class walker {
 public:
  explicit walker(ashlar::memory m) : memory_(m) {}

  bool walk(unsigned seed) {
    random_ = seed;
    for (unsigned i = 0; i < 3000; ++i) step(blocks_[next() % 64]);
    for (slot& s : blocks_) end(s);
    return is_well_;
  }

 private:
  struct slot {
    char* data = nullptr;
    std::size_t size = 0;
    std::size_t alignment = 16;
  };

  unsigned next() { return (random_ = random_ * 1664525 + 1013904223) >> 8; }
  std::size_t some_size() {
    const unsigned kind = next() % 64;
    return next() % (kind == 0 ? 700'000 : kind < 4 ? 60'000 : 600);
  }
  void fill(slot& s) { std::memset(s.data, static_cast<int>(s.size & 127), s.size); }
  void check(const slot& s, std::size_t size, std::size_t filled_for) {
    for (std::size_t i = 0; i < size; ++i)
      is_well_ = is_well_ && s.data[i] == static_cast<char>(filled_for & 127);
  }
  void end(slot& s) {
    check(s, s.size, s.size);
    memory_.deallocate({s.data, s.size}, s.alignment);
    s = {};
  }
  void begin(slot& s) {
    s.alignment = std::size_t{16} << next() % 5;
    const bool zeroed = next() % 3 == 0;
    const ashlar::fit wanted = next() % 2 == 0 ? ashlar::fit::get_exact : ashlar::fit::get_no_less;
    const ashlar::layout request{some_size(), s.alignment};
    const ashlar::allocation a =
        zeroed ? memory_.allocate_zeroed(request, wanted) : memory_.allocate(request, wanted);
    s.data = static_cast<char*>(a.data());
    s.size = a.size();
    if (zeroed) check(s, s.size, 0);
  }
  void resize(slot& s) {
    const std::size_t old_size = s.size;
    const ashlar::allocation a =
        memory_.reallocate({s.data, s.size}, s.alignment, {.size = some_size()});
    s.data = static_cast<char*>(a.data());
    s.size = a.size();
    check(s, s.size < old_size ? s.size : old_size, old_size);
  }
  void step(slot& s) {
    if (s.data != nullptr && next() % 2 == 0) {
      resize(s);
    } else {
      end(s);
      begin(s);
    }
    is_well_ = is_well_ && s.data != nullptr;
    fill(s);
  }

  ashlar::memory memory_;
  slot blocks_[64];
  unsigned random_ = 1;
  bool is_well_ = true;
};

// Who is told of a size may use all of it.
template <class M>
bool sizes_are_well(M& manager) {
  for (std::size_t size = 0; size < 3000; size += 37) {
    void* const p = manager.allocate({size}).data();
    std::memset(p, 1, manager.usable_size(p));
    if (manager.usable_size(p) < size) return false;
  }
  void* const large_one = manager.allocate({300'001}).data();
  std::memset(large_one, 1, manager.usable_size(large_one));
  manager.walk({nullptr, [](void*, const ashlar::walked_block& found) {
                  std::memset(found.data, 2, found.size);
                  return true;
                }});
  manager.free_all();
  return true;
}

template <class M>
bool is_well(M& manager) {
  return walker(manager).walk(1) && sizes_are_well(manager) && walker(manager).walk(2);
}

// Blocks in a block, for the search for leaks at the end of the program.
void leave_nested_blocks() {
  static auto* const heap = new ashlar::heap;
  static auto* const pool = new ashlar::pool({64, 16}, {.upstream = *heap});
  (void)pool->get();
}

}  // namespace

std::span<const fault> heap_faults() { return faults; }

bool heaps_are_well() {
  static std::byte memory[16 << 20];
  bool well = true;
  {
    ashlar::user_block_os block({.memory = {memory, sizeof memory}});
    ashlar::heap heap;
    ashlar::heap over_block({.os = &block});
    ashlar::general_manager general;
    ashlar::buckets buckets;
    well = is_well(heap) && is_well(over_block) && is_well(general) && sizes_are_well(buckets);
    bool others[4] = {};
    std::thread threads[4];
    for (int i = 0; i < 4; ++i)
      threads[i] = std::thread([&, i] { others[i] = walker(heap).walk(static_cast<unsigned>(i)); });
    for (int i = 0; i < 4; ++i) threads[i].join();
    for (const bool other : others) well = well && other;
    (void)heap.trim();
    heap.check_invariants();
  }
  std::memset(memory, 1, sizeof memory);  // it is the user's again
  leave_nested_blocks();
  return well;
}

}  // namespace faulty
