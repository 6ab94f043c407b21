// SPDX-License-Identifier: MIT
// Faults in blocks of pools for many threads, and of blocks that move.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <thread>

#include "ashlar/compose.hpp"
#include "ashlar/general.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/relocatable.hpp"
#include "ashlar/sources.hpp"
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

// No cache of the manager's keeps it.
void thread_cached_freed() {
  ashlar::thread_cached<ashlar::locked<ashlar::general_manager>> manager;
  const ashlar::allocation a = manager.allocate({64});
  (void)manager.allocate({64});
  volatile char* const p = hidden(a.data());
  p[63] = 1;
  manager.deallocate(a.get());
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
    {"thread_cached_freed", thread_cached_freed},
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

// Blocks that shrink into what could be cached, too.
bool cached_blocks_are_well() {
  ashlar::thread_cached<ashlar::locked<ashlar::general_manager>> manager;
  bool well = true;
  for (std::size_t size = 1; size < 3000; size += 7) {
    ashlar::allocation a = manager.allocate_zeroed({size}, ashlar::fit::get_no_less);
    for (std::size_t i = 0; i < size; ++i) well = well && static_cast<char*>(a.data())[i] == 0;
    std::memset(a.data(), 1, a.size());
    a = manager.reallocate(a.get(), 16, {.size = size / 3});
    std::memset(a.data(), 2, size / 3);
    manager.deallocate({a.data(), size / 3});
  }
  return well && manager.usage().used == 0;
}

// More than is hidden at once: all of it can be used when it is handed out, and afterwards.
bool large_memory_is_shown() {
  constexpr std::size_t size = std::size_t{5} << 30;
  void* const mapped = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapped == MAP_FAILED) return false;
  const std::span memory(static_cast<std::byte*>(mapped), size);
  bool well = true;
  {
    ashlar::relocatable_heap heap({.block = memory});
    heap.deallocate(heap.allocate({64}).handle);
    const ashlar::block all = heap.find(heap.allocate({size - 4096}).handle);
    well = all && std::memset(all.data, 1, 64) != nullptr;
    heap.free_all();
    heap.deallocate(heap.allocate({64}).handle);
  }
  std::memset(mapped, 1, 4096);
  {
    ashlar::user_block_os block({.memory = {memory.data(), size}});
    ashlar::general_manager general({.os = &block});
    const ashlar::allocation a = general.allocate({size - (std::size_t{256} << 20)});
    well = well && a && std::memset(a.data(), 1, 64) != nullptr;
    general.deallocate(a.get());
    if (a) std::memset(a.data(), 1, 64);  // it is the user's again
  }
  return munmap(mapped, size) == 0 && well;
}

}  // namespace

std::span<const fault> sharing_faults() { return faults; }

bool sharing_is_well() {
  return pool_is_well<ashlar::thread_cached_pool>() && pool_is_well<ashlar::thread_pools>() &&
         blocks_move_well() && cached_blocks_are_well() && large_memory_is_shown();
}

}  // namespace faulty
