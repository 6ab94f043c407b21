// SPDX-License-Identifier: MIT
// Commits the one fault that is named by its argument. A tool that watches must find it: built
// plainly for Valgrind, and with AddressSanitizer, both with the same libashlar.
#include <cstdio>
#include <cstring>
#include <span>

#include "ashlar/arena.hpp"
#include "ashlar/debug.hpp"
#include "ashlar/fit.hpp"
#include "ashlar/heap.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/sources.hpp"
#include "poison/faulty.hpp"

namespace {

using namespace ashlar::literals;
using faulty::hidden;

// An access that is no fault must not be one, so each begins with some that are right.
void arena_overrun() {
  ashlar::arena a;
  volatile char* const p = hidden(a.push(64));
  p[63] = 1;
  p[64] = 1;
}

void arena_popped() {
  ashlar::arena a;
  (void)a.push(64);
  const ashlar::mark m = a.here();
  volatile char* const p = hidden(a.push(64));
  p[63] = 1;
  a.rewind(m);
  p[0] = 1;
}

void arena_chunk_cleared() {
  ashlar::new_manager upstream;
  ashlar::arena a({.kind = ashlar::backing::chained, .upstream = upstream});
  volatile char* const p = hidden(a.push(5000));
  for (int i = 0; i < 100; ++i) (void)a.push(5000);
  p[4999] = 1;
  a.clear();
  p[4999] = 1;
}

void arena_buffer_overrun() {
  alignas(16) static std::byte buffer[1024];
  ashlar::arena a({.kind = ashlar::backing::fixed, .buffer = buffer});
  volatile char* const p = hidden(a.push(16));
  p[15] = 1;
  p[16] = 1;
}

void pool_freed() {
  ashlar::pool pool({64, 16});
  void* const first = pool.get();
  (void)pool.get();
  volatile char* const p = hidden(first);
  p[63] = 1;
  pool.put(first);
  p[32] = 1;
}

void pool_overrun() {
  ashlar::pool pool({64, 16});
  volatile char* const p = hidden(pool.get());
  p[63] = 1;
  p[64] = 1;
}

void fit_overrun() {
  ashlar::best_fit_manager fit;
  ashlar::debug_manager watched(fit, {.leaks = false});
  const ashlar::allocation a = watched.allocate({64});
  volatile char* const p = hidden(a.data());
  p[63] = 1;
  p[64] = 1;
}

void fit_freed() {
  ashlar::best_fit_manager fit;
  ashlar::debug_manager watched(fit);
  const ashlar::allocation a = watched.allocate({64});
  volatile char* const p = hidden(a.data());
  p[63] = 1;
  watched.deallocate(a.get());
  p[0] = 1;
}

void best_fit_freed() {
  ashlar::best_fit_manager fit;
  const ashlar::allocation a = fit.allocate({64});
  (void)fit.allocate({64});
  volatile char* const p = hidden(a.data());
  p[63] = 1;
  fit.deallocate(a.get());
  p[32] = 1;
}

void tlsf_freed() {
  ashlar::tlsf_manager fit;
  const ashlar::allocation a = fit.allocate({64});
  const ashlar::allocation b = fit.allocate({64});
  (void)fit.allocate({64});
  volatile char* const p = hidden(b.data());
  p[63] = 1;
  fit.deallocate(a.get());
  fit.deallocate(b.get());  // which joins the other
  p[0] = 1;
}

void hybrid_freed() {
  alignas(16) static std::byte memory[4096];
  ashlar::hybrid_manager fit(memory);
  const ashlar::allocation a = fit.allocate({64});
  volatile char* const p = hidden(a.data());
  p[63] = 1;
  fit.deallocate(a.get());  // to the end of the region
  p[0] = 1;
}

// The next block lives, so the first byte behind this one is no free memory.
template <class Fit>
void overrun() {
  Fit fit;
  volatile char* const p = hidden(fit.allocate({64}).data());
  volatile char* const other = hidden(fit.allocate({64}).data());
  p[63] = 1;
  other[0] = 1;
  p[64] = 1;
}

void best_fit_overrun() { overrun<ashlar::best_fit_manager>(); }
void tlsf_overrun() { overrun<ashlar::tlsf_manager>(); }
void hybrid_overrun() { overrun<ashlar::hybrid_manager>(); }

// Of the slack nothing may be touched either, and behind a block that shrank.
void fit_shrunk() {
  ashlar::tlsf_manager fit;
  const ashlar::allocation a = fit.allocate({200});
  volatile char* const p = hidden(a.data());
  p[199] = 1;
  (void)fit.reallocate(a.get(), 16, {.size = 100});
  p[99] = 1;
  (void)p[100];
}

// A block so small that nothing but the manager's node fits in.
void fit_small_freed() {
  ashlar::best_fit_manager fit;
  const ashlar::allocation a = fit.allocate({8});
  (void)fit.allocate({8});
  volatile char* const p = hidden(a.data());
  p[0] = 1;
  fit.deallocate(a.get());
  (void)p[0];
}

// All that a fit manager does with free memory. Returns whether what was written is still there.
template <class Fit>
bool fit_is_well(Fit& fit) {
  char* blocks[64] = {};
  std::size_t sizes[64] = {};
  unsigned random = 1;
  bool is_well = true;
  for (unsigned step = 0; step < 4000; ++step) {
    random = random * 1664525 + 1013904223;
    const unsigned i = random >> 26;
    const std::size_t size = random >> 8 & ((random >> 20 & 7) == 0 ? 0x7fff : 0x1ff);
    char*& p = blocks[i];
    for (std::size_t k = 0; k < sizes[i]; ++k) is_well = is_well && p[k] == static_cast<char>(i);
    const ashlar::block old{p, sizes[i]};
    ashlar::allocation a;
    if (p != nullptr && step % 2 == 0) {
      a = fit.reallocate(old, 16, {.size = size});
    } else {
      fit.deallocate(old, 16);
      a = step % 3 == 0 ? fit.allocate_zeroed({size}) : fit.allocate({size, 16u << step % 5});
      for (std::size_t k = 0; step % 3 == 0 && k < a.size(); ++k)
        is_well = is_well && static_cast<char*>(a.data())[k] == 0;
    }
    p = static_cast<char*>(a.data());
    sizes[i] = p != nullptr ? size : 0;
    if (p != nullptr) std::memset(p, static_cast<int>(i), size);
    if (step % 500 == 0) (void)fit.trim();
    if (step % 100 == 0) fit.check_invariants();
  }
  fit.free_all();
  const ashlar::allocation again = fit.allocate({1000});
  std::memset(again.data(), 7, 1000);
  return is_well;
}

template <class Fit>
bool fits_are_well() {
  alignas(16) static std::byte block[256 << 10];
  alignas(16) static std::byte more[64 << 10];
  bool is_well = true;
  for (int round = 0; round < 2; ++round) {
    {
      Fit over_pages({.reserve = 16_MiB});
      Fit over_block(block);
      (void)over_block.add(more);
      is_well = is_well && fit_is_well(over_pages) && fit_is_well(over_block);
    }
    std::memset(block, 1, sizeof block);  // it is the user's again
    std::memset(more, 1, sizeof more);
  }
  return is_well;
}

// Managers upon managers that live when the program ends, and memcheck looks for leaks.
void leave_towers() {
  auto& heap = *new ashlar::heap;
  auto& arena = *new ashlar::arena({.kind = ashlar::backing::chained});
  auto& arena_on_heap = *new ashlar::arena({.kind = ashlar::backing::chained, .upstream = heap});
  auto& pool_on_arena = *new ashlar::pool({48, 16}, {.upstream = arena});
  auto& pool_on_both = *new ashlar::pool({48, 16}, {.upstream = arena_on_heap});
  const ashlar::block region = arena_on_heap.allocate({32768}).get();
  auto& fit =
      *new ashlar::best_fit_manager(std::span(static_cast<std::byte*>(region.data), region.size));
  auto& pool_on_fit = *new ashlar::pool({48, 16}, {.upstream = fit});
  auto& watched = *new ashlar::debug_manager(pool_on_both);
  auto* const own = static_cast<std::byte*>(heap.allocate({65536}).data());
  auto& buffer = *new ashlar::arena({.kind = ashlar::backing::fixed, .buffer = {own, 65536}});
  auto& pool_in_buffer = *new ashlar::pool({48, 16}, {.upstream = buffer});
  for (const ashlar::memory m : {ashlar::memory(pool_on_arena), ashlar::memory(pool_on_fit),
                                 ashlar::memory(watched), ashlar::memory(pool_in_buffer)})
    for (int i = 0; i < 20; ++i) std::memset(m.allocate({48, 16}).data(), 7, 48);
  std::memset(arena.push(100), 7, 100);
}

// Everything that is allowed, so that nothing is said.
void none() {
  leave_towers();
  ashlar::new_manager upstream;
  char sum = 0;
  if (!fits_are_well<ashlar::best_fit_manager>() || !fits_are_well<ashlar::tlsf_manager>() ||
      !fits_are_well<ashlar::hybrid_manager>() || !faulty::heaps_are_well() ||
      !faulty::sharing_is_well())
    sum = 1;
  for (int round = 0; round < 3; ++round) {
    for (const ashlar::backing kind : {ashlar::backing::reserved, ashlar::backing::chained}) {
      ashlar::arena a({.kind = kind, .keep = 16_KiB, .upstream = upstream});
      for (std::size_t i = 1; i < 200; ++i) {
        char* const zeroed = a.push<char>(i * 37);
        for (std::size_t k = 0; k < i * 37; ++k) sum = static_cast<char>(sum + zeroed[k]);
        std::memset(zeroed, 1, i * 37);
        char* const plain = a.push_no_zero<char>(i);
        std::memset(plain, 2, i);
        if (i % 50 == 0) a.clear();
      }
      ashlar::arena child = a.sub();
      std::memset(child.push(3000), 3, 3000);
      (void)a.trim();
    }
    ashlar::pool pool({48, 16}, {.upstream = upstream});
    void* blocks[300];
    for (void*& b : blocks) std::memset(b = pool.get(), 4, 48);
    for (void* const b : blocks) pool.put(b);
    for (void*& b : blocks) std::memset(b = pool.get(), 5, 48);
    if (!pool.check_invariants()) sum = 1;
    ashlar::best_fit_manager fit;
    ashlar::debug_manager watched(fit);
    for (std::size_t i = 0; i < 100; ++i) {
      const ashlar::allocation a = watched.allocate({i});
      std::memset(a.data(), 6, i);
      if (i % 3 != 0) watched.deallocate(a.get());
    }
    if (watched.check() != 0) sum = 1;
    watched.free_all();
  }
  std::puts(sum == 0 ? "nothing" : "something");
}

}  // namespace

int main(int, char** arguments) {
  const faulty::fault faults[] = {
      {"arena_overrun", arena_overrun},
      {"arena_popped", arena_popped},
      {"arena_chunk_cleared", arena_chunk_cleared},
      {"arena_buffer_overrun", arena_buffer_overrun},
      {"pool_freed", pool_freed},
      {"pool_overrun", pool_overrun},
      {"fit_overrun", fit_overrun},
      {"fit_freed", fit_freed},
      {"best_fit_freed", best_fit_freed},
      {"tlsf_freed", tlsf_freed},
      {"hybrid_freed", hybrid_freed},
      {"best_fit_overrun", best_fit_overrun},
      {"tlsf_overrun", tlsf_overrun},
      {"hybrid_overrun", hybrid_overrun},
      {"fit_shrunk", fit_shrunk},
      {"fit_small_freed", fit_small_freed},
      {"none", none},
  };
  ashlar::set_fault_policy(ashlar::fault_policy::ignore);  // what the tool says is asked for
  for (const std::span<const faulty::fault> some :
       {std::span<const faulty::fault>(faults), faulty::heap_faults(), faulty::sharing_faults()})
    for (const faulty::fault& f : some)
      if (std::strcmp(f.name, arguments[1]) == 0) return f.commit(), 0;
  return 2;
}
