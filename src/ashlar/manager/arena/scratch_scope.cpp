// SPDX-License-Identifier: MIT
// The scratch arenas of each thread, in a list that begins at the oldest.
#include "ashlar/manager/arena/scratch_scope.hpp"

#include "ashlar/manager/arena/hosted_arena.hpp"
#include "ashlar/os/thread_exit.hpp"

namespace ashlar {

namespace {

// Address space is plenty, unless it is limited: then each arena asks for less.
constexpr std::size_t preferred_reserve = 1_GiB;
constexpr std::size_t least_reserve = 4_MiB;

// What one large piece of work left behind is not kept for the life of the thread.
constexpr std::size_t kept = 16_MiB;

constinit os::thread_exit_hook hook;
constinit thread_local hosted_arena* first = nullptr;

// Stands in where there is no memory: over no buffer, so that every push fails.
constinit thread_local arena* nothing = nullptr;
alignas(arena) constinit thread_local std::byte room_for_nothing[sizeof(arena)] = {};

void end_arenas(void*) {
  while (first != nullptr) {
    hosted_arena* const a = first;
    first = a->next;
    hosted_arena::destroy(a);
  }
}

hosted_arena* make_arena() {
  (void)hook.create(end_arenas);
  if (!hook.arm(&first).ok()) return nullptr;
  for (std::size_t reserve = preferred_reserve; reserve >= least_reserve; reserve /= 4) {
    hosted_arena* const a = hosted_arena::create({.reserve = reserve, .keep = kept});
    if (a != nullptr) return a;
  }
  return nullptr;
}

}  // namespace

bool stands_on(const manager& m, const arena& a) noexcept {
  const manager* up = &m;
  while (up != nullptr && up != &a) up = up->upstream();
  return up != nullptr;
}

arena* scratch_arena(const void* context,
                     bool (*is_free)(const void* context, const arena& a)) noexcept {
  hosted_arena** link = &first;
  for (; *link != nullptr; link = &(*link)->next)
    if (is_free(context, **link)) return *link;
  *link = make_arena();
  return *link;
}

void scratch_scope::open(std::span<const memory> in_use) noexcept {
  arena_ = scratch_arena(&in_use, [](const void* context, const arena& a) {
    for (const memory m : *static_cast<const std::span<const memory>*>(context))
      if (m && stands_on(*m.get(), a)) return false;
    return true;
  });
  if (arena_ == nullptr) {
    if (nothing == nullptr) nothing = ::new (room_for_nothing) arena({.kind = backing::fixed});
    arena_ = nothing;
  }
  start_ = arena_->here();
}

}  // namespace ashlar
