// SPDX-License-Identifier: MIT
// Commits the one fault that is named by its argument. A tool that watches must find it: built
// plainly for Valgrind, and with AddressSanitizer, both with the same libashlar.
#include <cstdio>
#include <cstring>
#include <span>

#include "ashlar/arena.hpp"
#include "ashlar/debug.hpp"
#include "ashlar/fit.hpp"
#include "ashlar/pool.hpp"
#include "ashlar/sources.hpp"

namespace {

using namespace ashlar::literals;

// Hides from the compiler what a pointer points to.
volatile char* hidden(void* p) {
  asm volatile("" : "+r"(p));
  return static_cast<volatile char*>(p);
}

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

// Everything that is allowed, so that nothing is said.
void none() {
  ashlar::new_manager upstream;
  char sum = 0;
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
  const struct {
    const char* name;
    void (*commit)();
  } faults[] = {
      {"arena_overrun", arena_overrun},
      {"arena_popped", arena_popped},
      {"arena_chunk_cleared", arena_chunk_cleared},
      {"arena_buffer_overrun", arena_buffer_overrun},
      {"pool_freed", pool_freed},
      {"pool_overrun", pool_overrun},
      {"fit_overrun", fit_overrun},
      {"fit_freed", fit_freed},
      {"none", none},
  };
  ashlar::set_fault_policy(ashlar::fault_policy::ignore);  // what the tool says is asked for
  for (const auto& f : faults)
    if (std::strcmp(f.name, arguments[1]) == 0) return f.commit(), 0;
  return 2;
}
