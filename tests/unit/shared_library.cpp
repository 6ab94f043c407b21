// SPDX-License-Identifier: MIT
// A program over the shared library that uses each manager and container: it links only if all that
// inline functions of the headers call is exported. Built with the checks of a debug build, which
// call what others do not.
#include <cstdlib>
#include <map>

#include "ashlar/ashlar.hpp"

using namespace ashlar;

namespace {

// Calls what the handle leads to, and so needs each table.
bool serves(memory m) {
  const allocation a = m.allocate({16, 8});
  if (!a) return false;
  if (m.can(capability::own) && !m.owns(a.data())) return false;
  m.deallocate(a.get(), 8);
  (void)m.trim();
  return m.usage().used != 1;
}

template <class Fit>
bool fit_serves() {
  Fit fit({.reserve = 1_MiB});
  fit.check_invariants();
  return serves(fit) && fit.footprint() != 1 && fit.fragmentation().live_blocks == 0;
}

bool arenas_serve() {
  arena growing;
  stack_manager stack({.reserve = 1_MiB});
  shared_arena shared;
  frame_arena<2> frames;
  scoped_manager scope(growing);
  scratch_scope scratch(growing);
  return serves(growing) && serves(stack) && serves(shared) && serves(frames.now()) &&
         serves(scope) && serves(*scratch) && *shared.make<int>(7) == 7;
}

bool pools_serve() {
  pool nodes({16, 8});
  buckets sizes;
  general_manager general;
  thread_cached_pool cached({16, 8});
  thread_pools own({16, 8});
  pool_of<int> numbers;
  handle_pool<int> handles;
  numbers.destroy(numbers.make(1));
  numbers.destroy_all();
  void* some[2];
  nodes.put_many({some, nodes.get_many(some)});
  if (nodes.owns(some) || cached.owns(some) || own.owns(some) || sizes.owns(some)) return false;
  handles.destroy(handles.make(2));
  return serves(nodes) && serves(sizes) && serves(general) && serves(cached) && serves(own);
}

struct make_pool {
  pool operator()() const { return pool({16, 8}); }
};

bool more_compositions_serve() {
  fallback<pool, memory> first(make_pool(), current());
  affix<memory, int, int> marked(current());
  aligned<64, memory> lined(current());
  zeroing<memory, wipe::when_freed> wiped(current());
  fail_on_nth<memory> failing(current());
  cascade<make_pool> many{make_pool()};
  bucketize<pool, 16, 32> bins([](std::size_t size) { return pool({size, 8}); });
  return serves(first) && serves(marked) && serves(lined) && serves(wiped) && serves(failing) &&
         serves(many) && serves(bins);
}

bool checks_serve() {
  arena watched;
  arena_watch watch(watched);
  arena other;
  const arena_snapshot before(other, current());
  debug_manager debugged(current());
  return before && serves(watched) && serves(debugged) && debugged.check() == 0;
}

bool sources_serve() {
  alignas(4096) static std::byte bytes[8192];
  user_block_os block({.memory = {bytes, sizeof bytes}});
  new_manager fresh;
  null_manager none;
  return serves(block) && serves(fresh) && !serves(none);
}

bool compositions_serve() {
  limited<locked<arena>> budget(arena_options{}, {.limit = 1_MiB});
  thread_cached<locked<general_manager>> cached(general_options{});
  segregate<256, buckets, memory> routed(bucket_options{}, current());
  const use_manager scope(routed);
  return serves(budget) && serves(cached) && serves(routed) && serves(system_os());
}

bool containers_serve() {
  arena from;
  vector<int> numbers(from);
  numbers.push_back(1);
  small_vector<int, 2> few(3, 1, from);
  vm_vector<int> many(1000);
  many.push_back(1);
  slot_map<int> slots(from);
  slots.erase(slots.insert(1));
  spsc_ring<int> queue(4, from);
  ring_buffer bytes(4096);
  relocatable_heap blocks;
  blocks.deallocate(blocks.allocate({16}).handle);
  memory_resource resource(from);
  pmr_manager back(&resource);
  std::map<int, int, std::less<>, std_allocator<std::pair<const int, int>>> tree{
      std_allocator<std::pair<const int, int>>(from)};
  tree[1] = numbers[0] + few.back() + many.front();
  return serves(back) && queue.try_push(1) && queue.front() != nullptr && bytes.empty() &&
         *make_unique<int>(from, tree[1]) == 3;
}

}  // namespace

int main() {
  const bool is_well = arenas_serve() && pools_serve() && compositions_serve() &&
                       more_compositions_serve() && checks_serve() && sources_serve() &&
                       containers_serve() && fit_serves<best_fit_manager>() &&
                       fit_serves<tlsf_manager>() && fit_serves<hybrid_manager>();
  return is_well ? EXIT_SUCCESS : EXIT_FAILURE;
}
