// SPDX-License-Identifier: MIT
// Faults in blocks of pools for many threads, and of blocks that move.
#include <cstdlib>
#include <cstring>
#include <thread>

#include "ashlar/pool.hpp"
#include "ashlar/relocatable.hpp"
#include "poison/faulty.hpp"

namespace faulty {

namespace {

void cached_pool_freed() {
  ashlar::thread_cached_pool pool({64, 16});
  volatile char* const p = hidden(pool.get());
  (void)pool.get();
  p[0] = 1;
  pool.put(const_cast<char*>(p));
  (void)p[0];
}

void thread_pools_freed() {
  ashlar::thread_pools pools({64, 16});
  volatile char* const p = hidden(pools.get());
  (void)pools.get();
  p[0] = 1;
  pools.put(const_cast<char*>(p));
  (void)p[0];
}

// It lies in the inbox of the thread that it came from.
void thread_pools_freed_elsewhere() {
  ashlar::thread_pools pools({64, 16});
  volatile char* const p = hidden(pools.get());
  (void)pools.get();
  p[8] = 1;
  std::thread([&] { pools.put(const_cast<char*>(p)); }).join();
  (void)p[8];
}

void relocatable_freed() {
  ashlar::relocatable_heap heap;
  const ashlar::relocatable_handle h = heap.allocate({64}).handle;
  (void)heap.allocate({64});
  volatile char* const p = hidden(heap.find(h).data);
  p[63] = 1;
  heap.deallocate(h);
  (void)p[0];
}

void relocatable_moved() {
  ashlar::relocatable_heap heap;
  const ashlar::relocatable_handle first = heap.allocate({64}).handle;
  const ashlar::relocatable_handle h = heap.allocate({96}).handle;
  volatile char* const p = hidden(heap.find(h).data);
  p[95] = 1;
  heap.deallocate(first);
  (void)heap.compact();
  *hidden(heap.find(h).data) = static_cast<char>(p[0] + 1);  // still a part of the block
  (void)p[95];
}

constexpr fault faults[] = {
    {"cached_pool_freed", cached_pool_freed},
    {"thread_pools_freed", thread_pools_freed},
    {"thread_pools_freed_elsewhere", thread_pools_freed_elsewhere},
    {"relocatable_freed", relocatable_freed},
    {"relocatable_moved", relocatable_moved},
};

// --- what is allowed -----------------------------------------------------------------------------

// Blocks are handed from thread to thread: each thread ends those of the one before it.
template <class Pool>
bool pool_is_well() {
  constexpr int count = 300;
  Pool pool({48, 16});
  void* blocks[3][count] = {};
  const auto work = [&](int round) {
    for (void*& p : blocks[round]) std::memset(p = pool.get(), round, 48);
    for (int i = 0; round != 0 && i < count; ++i) {
      if (static_cast<char*>(blocks[round - 1][i])[47] != round - 1) std::abort();
      pool.put(blocks[round - 1][i]);
    }
    for (int i = 0; i < count; i += 3) {
      pool.put(blocks[round][i]);
      std::memset(blocks[round][i] = pool.get(), round, 48);
    }
  };
  for (int round = 0; round < 3; ++round) std::thread(work, round).join();
  for (void* const p : blocks[2]) pool.put(p);
  (void)pool.trim();
  return pool.check_invariants();
}

bool blocks_move_well() {
  alignas(16) static std::byte memory[256 << 10];
  {
    ashlar::relocatable_heap over_block({.block = memory});
    ashlar::relocatable_heap over_pages({.reserve = 1 << 20});
    for (ashlar::relocatable_heap* heap : {&over_block, &over_pages}) {
      ashlar::relocatable_handle handles[40];
      const auto fill = [&](int i) {
        const ashlar::block b = heap->find(handles[i]);
        std::memset(b.data, i, b.size);
      };
      for (int i = 0; i < 40; ++i) {
        handles[i] = heap->allocate({static_cast<std::size_t>(i) * 70}).handle;
        fill(i);
      }
      for (int i = 0; i < 40; i += 3) heap->deallocate(handles[i]);
      while (!heap->compact({.max_bytes = 4096}).done) {
      }
      for (int i = 1; i < 40; ++i) {
        if (i % 3 == 0) continue;
        const ashlar::block b = heap->find(handles[i]);
        if (static_cast<char*>(b.data)[b.size - 1] != i) return false;
        if (heap->reallocate(handles[i], {.size = b.size * (i % 4)}) != ashlar::status::success)
          return false;
        fill(i);
      }
      (void)heap->trim();
      heap->check_invariants();
      heap->free_all();
      handles[0] = heap->allocate({5000}).handle;
      fill(0);
    }
  }
  std::memset(memory, 1, sizeof memory);  // it is the user's again
  return true;
}

}  // namespace

std::span<const fault> sharing_faults() { return faults; }

bool sharing_is_well() {
  return pool_is_well<ashlar::thread_cached_pool>() && pool_is_well<ashlar::thread_pools>() &&
         blocks_move_well();
}

}  // namespace faulty
