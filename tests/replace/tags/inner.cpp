// SPDX-License-Identifier: MIT
// Blocks of containers over managers, beside the drop-in: what malloc or new served is a block of
// malloc and nothing else; what a manager cut out of it is inside.
#include <ashlar/arena.hpp>
#include <ashlar/compose.hpp>
#include <ashlar/heap.hpp>
#include <ashlar/pmr.hpp>
#include <ashlar/pool.hpp>
#include <ashlar/sources.hpp>
#include <ashlar/std_allocator.hpp>
#include <ashlar/tag.hpp>
#include <ashlar/track.hpp>
#include <ashlar/vector.hpp>
#include <memory_resource>
#include <vector>

#include "replace/support/check.hpp"

namespace {

template <class T>
using std_vector = std::vector<T, ashlar::std_allocator<T>>;

/// What a tag has of both kinds, live.
void expect_live(const char* path, std::uint64_t blocks, std::uint64_t inner, const char* what) {
  const ashlar::tag_usage u = ashlar::usage_of(ashlar::find_tag(path));
  if (u.blocks.live_blocks != blocks || u.inner.live_blocks != inner)
    printf("%s: %zu blocks, %zu inside\n", what, static_cast<size_t>(u.blocks.live_blocks),
           static_cast<size_t>(u.inner.live_blocks));
  expect(u.blocks.live_blocks == blocks && u.inner.live_blocks == inner, what);
}

/// Takes 100 bytes by each kind of container.
void expect_over(ashlar::memory from, const char* path, std::uint64_t blocks, std::uint64_t inner,
                 const char* what) {
  const ashlar::tag_scope scope(ashlar::define_tag(path));
  {
    std_vector<char> v(from);
    v.reserve(100);
    ashlar::vector<char> w(from);
    w.reserve(100);
    ashlar::memory_resource resource(from);
    std::pmr::vector<char> x(&resource);
    x.reserve(100);
    expect_live(path, 3 * blocks, 3 * inner, what);
  }
  expect_live(path, 0, 0, what);
}

void* take(void*, size_t size, size_t) { return malloc(size); }
void give(void*, void* p, size_t, size_t) { free(p); }

void check_what_malloc_serves() {
  expect_over(ashlar::default_manager(), "default", 1, 0, "the default manager");
  ashlar::limited<ashlar::memory> limited(ashlar::memory(ashlar::default_manager()),
                                          {.limit = 1 << 20});
  expect_over(limited, "limited", 1, 0, "limited");
  ashlar_user_memory table = {};
  table.allocate = take;
  table.deallocate = give;
  ashlar::user_manager user(table);
  expect_over(user, "user", 1, 0, "a user's functions over malloc");
  ashlar::pmr_manager resource(std::pmr::new_delete_resource());
  expect_over(resource, "resource", 1, 0, "a resource over new");
  alignas(16) static std::byte buffer[64];  // too small for what comes
  ashlar::fallback<ashlar::arena, ashlar::memory> fallback(
      [] { return ashlar::arena({.kind = ashlar::backing::fixed, .buffer = buffer}); },
      ashlar::memory(ashlar::default_manager()));
  expect_over(fallback, "fallback", 1, 0, "what fell back to new");
}

void check_what_managers_cut() {
  ashlar::heap heap;
  expect_over(heap, "heap", 0, 1, "a heap");
  static char buffer[4096];
  ashlar::arena fixed(
      {.kind = ashlar::backing::fixed, .buffer = std::as_writable_bytes(std::span(buffer))});
  expect_over(fixed, "fixed", 0, 1, "an arena over a buffer");
  ashlar::pool pool({112, 16}, {.upstream = ashlar::default_manager()});
  void* const first = pool.get();
  expect_over(pool, "pool", 0, 1, "a pool over new");
  pool.put(first);
}

}  // namespace

int main() {
  expect_ashlar();
  for (const ashlar::track_level level : {ashlar::track_level::full, ashlar::track_level::debug}) {
    expect(ashlar::set_tracking({.level = level}), "tracking begins");
    check_what_malloc_serves();
    check_what_managers_cut();
  }
}
