// SPDX-License-Identifier: MIT
// Budgets refuse malloc and new, and tell the program once a crossing.
#include <ashlar/arena.hpp>
#include <ashlar/pool.hpp>
#include <ashlar/tag.hpp>
#include <ashlar/track.hpp>
#include <cerrno>
#include <new>

#include "replace/support/check.hpp"

namespace {

int told = 0;
std::size_t told_bytes = 0;

void note(void*, ashlar::tag_id, std::size_t live) {
  ++told;
  told_bytes = live;
  free(opaque(malloc(100)));  // counts to nobody
}

bool new_throws(std::size_t size) {
  try {
    delete[] opaque(new char[size]);
  } catch (const std::bad_alloc&) {
    return true;
  }
  return false;
}

void limit_malloc_and_new(ashlar::tag level) {
  void* const first = opaque(malloc(900));
  expect(told == 0, "below the soft budget");
  void* const second = opaque(malloc(200));
  expect(told == 1 && told_bytes == 1100, "above it");
  void* const third = opaque(malloc(400));
  expect(told == 1, "once a crossing");
  expect(ashlar::usage_of(level).live_bytes == 1500, "what the callback made is not counted");

  errno = 0;
  expect(opaque(malloc(501)) == nullptr && errno == ENOMEM, "malloc is refused at the hard budget");
  expect(realloc(third, 902) == nullptr, "realloc too");
  expect(new_throws(600), "new throws");
  free(third);
  free(second);
  void* const again = opaque(malloc(1000));
  expect(told == 2, "and again after it was below");
  free(again);
  free(first);
  expect(ashlar::usage_of(level).live_bytes == 0, "everything is gone");
}

// A manager over operator new: its slabs are blocks, and count once, to the manager's tag.
void limit_a_pool(ashlar::tag scope) {
  const ashlar::tag pools = ashlar::define_tag("pools", {.hard = 200000});
  ashlar::pool nodes({64, 16}, {.upstream = ashlar::default_manager()});
  nodes.set_tag(pools.id());
  const ashlar::allocation node = nodes.allocate({64, 16});
  expect(static_cast<bool>(node), "a node");
  const ashlar::tag_usage u = ashlar::usage_of(pools);
  expect(u.page_bytes == 0 && u.live_bytes == u.blocks.live_bytes, "counted as a block");
  expect(u.live_bytes == nodes.usage().held, "all that the pool holds, once");
  expect(ashlar::usage_of(scope).live_bytes == 0, "and not to the scope");
  ashlar::allocation last = node;
  while (last) last = nodes.allocate({64, 16});
  expect(ashlar::usage_of(pools).live_bytes <= 200000, "the pool keeps to the budget");
}

}  // namespace

int main() {
  expect_ashlar();
  const ashlar::tag level = ashlar::define_tag(
      "level", {.soft = 1000, .hard = 2000, .context = nullptr, .exceeded = note});
  expect(ashlar::set_tracking({.level = ashlar::track_level::counters, .exact_peaks = true}),
         "tracking begins");
  const ashlar::tag_scope scope(level);
  limit_malloc_and_new(level);
  limit_a_pool(level);
  return 0;
}
