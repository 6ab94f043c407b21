// SPDX-License-Identifier: MIT
// The list of workloads: one line each, in the order in which they are shown.
//
// A plain array, not objects that register themselves: the order is fixed, and nothing runs before
// main.
#pragma once

#include "workload.hpp"

namespace bench {

void run_small(session&);
void run_mixed(session&);
void run_containers(session&);
void run_tree(session&);
void run_realloc_growth(session&);
void run_large_blocks(session&);
void run_calloc_aligned(session&);
void run_producer_consumer(session&);
void run_remote_random(session&);
void run_server(session&);
void run_thread_churn(session&);
void run_fragmentation(session&);
void run_burst_idle(session&);

struct workload {
  const char* name;
  const char* stresses;
  void (*run)(session&);
};

inline constexpr workload workloads[] = {
    {"small", "fixed small sizes, freed last-in-first-out and first-in-first-out", run_small},
    {"mixed", "8 B to 32 KiB, random replacement in 100,000 live blocks", run_mixed},
    {"containers", "map, unordered_map, vector, string and list of the standard library",
     run_containers},
    {"tree", "build and tear down trees: frees of blocks that left the cache", run_tree},
    {"realloc_growth", "many vectors that grow by realloc, a few to tens of MiB",
     run_realloc_growth},
    {"large_blocks", "256 KiB to 25 MiB, 20 live, every page written", run_large_blocks},
    {"calloc_aligned", "calloc, aligned_alloc and posix_memalign mixed with malloc",
     run_calloc_aligned},
    {"producer_consumer", "one thread allocates, another frees, in batches", run_producer_consumer},
    {"remote_random", "all threads free each other's blocks in random order", run_remote_random},
    {"server", "threads replace random blocks and hand their set to a successor", run_server},
    {"thread_churn", "thousands of short threads that leave blocks behind", run_thread_churn},
    {"fragmentation", "sizes shift from phase to phase while some blocks survive",
     run_fragmentation},
    {"burst_idle", "a burst of mixed blocks is freed, then the program idles", run_burst_idle},
};

}  // namespace bench
