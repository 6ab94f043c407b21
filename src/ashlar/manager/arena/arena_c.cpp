// SPDX-License-Identifier: MIT
// The C interface (ashlar/arena.h): an Arena is a hosted_arena by another name.
#include "ashlar/arena.h"

#include <cstring>

#include "ashlar/manager/arena/hosted_arena.hpp"
#include "ashlar/manager/arena/scratch_scope.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/manager/source/user_manager.hpp"

namespace ashlar {

namespace {

hosted_arena& of(Arena* arena) { return *reinterpret_cast<hosted_arena*>(arena); }
const hosted_arena& of(const Arena* arena) { return *reinterpret_cast<const hosted_arena*>(arena); }
Arena* to_c(arena* a) { return reinterpret_cast<Arena*>(a); }

mark of(ArenaPlace place) { return {place.place, place.position}; }
ArenaPlace to_c(mark place) { return {place.place, place.position}; }

/// A C program's functions as a manager. Lies at the start of the first chunk, the arena behind it.
class c_upstream : public user_manager {
 public:
  static constexpr const char* kind_name = "C functions";
  static constexpr std::size_t alignment = 64;

  c_upstream(const ashlar_user_memory& functions, std::size_t size) noexcept
      : user_manager(functions, nullptr, kind_name), functions_(functions), size_(size) {}

  /// Gives the chunk that it lies in back.
  void end() noexcept {
    const ashlar_user_memory functions = functions_;
    const std::size_t size = size_;
    this->~c_upstream();
    functions.deallocate(functions.context, this, size, alignment);
  }

 private:
  ashlar_user_memory functions_;
  std::size_t size_;  // of the first chunk
};

// The numbers are the same on both sides.
static_assert(ArenaReserved == static_cast<int>(backing::reserved));
static_assert(ArenaChained == static_cast<int>(backing::chained));
static_assert(ArenaFixed == static_cast<int>(backing::fixed));
static_assert(ArenaInlineThenChained == static_cast<int>(backing::inline_then_chained));
static_assert(ArenaHugeAsSystem == static_cast<int>(huge_pages::as_system));
static_assert(ArenaHugeWanted == static_cast<int>(huge_pages::wanted));
static_assert(ArenaHugeUnwanted == static_cast<int>(huge_pages::unwanted));

arena_options from_c(const ArenaOptions& o) {
  return {.kind = static_cast<backing>(o.backing),
          .reserve = o.reserve,
          .page_size = o.page_size,
          .commit_step = o.commit_step,
          .huge = static_cast<huge_pages>(o.huge),
          .growth = {.first = o.growth_first, .percent = o.growth_percent, .cap = o.growth_cap},
          .limit = o.limit,
          .auto_align = o.auto_align,
          .keep = o.keep,
          .buffer = {static_cast<std::byte*>(o.buffer), o.buffer_size},
          .buffer_zeroed = o.buffer_zeroed,
          .name = o.name};
}

// An enum of C++ has no other values than its own, one of C may.
template <class Enumeration>
unsigned number_of(const Enumeration& from_c) {
  unsigned number = 0;
  static_assert(sizeof number == sizeof from_c);
  std::memcpy(&number, &from_c, sizeof number);
  return number;
}

// The manager over the functions and the arena share the first chunk; of an arena that has a buffer
// they lie in that.
hosted_arena* create_over(const ashlar_user_memory& functions, arena_options options) {
  constexpr std::size_t head = align_up(sizeof(c_upstream), c_upstream::alignment);
  constexpr std::size_t least = head + 2 * sizeof(hosted_arena);
  const bool is_chained = options.kind == backing::chained;
  const std::size_t good = options.growth.first > least ? options.growth.first : least;
  const std::size_t size = is_chained ? good : head;
  void* const first = functions.allocate(functions.context, size, c_upstream::alignment);
  if (first == nullptr) return nullptr;
  auto* const upstream = ::new (first) c_upstream(functions, size);
  options.upstream = *upstream;
  if (is_chained) {
    options.kind = backing::inline_then_chained;
    options.buffer = {static_cast<std::byte*>(first) + head, size - head};
    options.buffer_zeroed = false;
  }
  hosted_arena* const made = hosted_arena::create(options);
  if (made == nullptr) upstream->end();
  return made;
}

}  // namespace

}  // namespace ashlar

using namespace ashlar;  // NOLINT(google-build-using-namespace)

Arena* ArenaAlloc(size_t reserve) { return to_c(hosted_arena::create({.reserve = reserve})); }

void ArenaRelease(Arena* arena) {
  if (arena == nullptr) return;
  manager* const up = of(arena).upstream();
  // Not one that C++ made over a user_manager of its own.
  const bool is_ours = up != nullptr && std::strcmp(up->kind(), c_upstream::kind_name) == 0;
  hosted_arena::destroy(&of(arena));
  if (is_ours) static_cast<c_upstream*>(up)->end();
}

ArenaOptions ArenaDefaults() {
  const arena_options d;
  ArenaOptions o{};
  o.reserve = d.reserve;
  o.growth_first = d.growth.first;
  o.growth_percent = d.growth.percent;
  o.growth_cap = d.growth.cap;
  o.limit = d.limit;
  o.auto_align = d.auto_align;
  o.keep = d.keep;
  return o;
}

Arena* ArenaAllocWith(const ArenaOptions* options) {
  if (number_of(options->backing) > ArenaInlineThenChained) return nullptr;
  if (number_of(options->huge) > ArenaHugeUnwanted) return nullptr;
  const bool takes_chunks =
      options->backing == ArenaChained || options->backing == ArenaInlineThenChained;
  if (takes_chunks && options->upstream.allocate != nullptr)
    return to_c(create_over(options->upstream, from_c(*options)));
  return to_c(hosted_arena::create(from_c(*options)));
}

void ArenaSetAutoAlign(Arena* arena, size_t alignment) { of(arena).set_auto_align(alignment); }

void* ArenaPushNoZero(Arena* arena, size_t size) { return of(arena).push_no_zero(size); }

void* ArenaPush(Arena* arena, size_t size) { return of(arena).push(size); }

void ArenaPushAligner(Arena* arena, size_t alignment) { (void)of(arena).push_aligner(alignment); }

void* ArenaPushArray(Arena* arena, size_t count, size_t size, size_t alignment) {
  std::size_t all = 0;
  if (!checked_multiply(count, size, all)) return nullptr;
  return of(arena).allocate_zeroed({all, alignment}).data();
}

size_t ArenaPos(const Arena* arena) { return of(arena).pos(); }
void ArenaPopTo(Arena* arena, size_t pos) { of(arena).pop_to(pos); }
void ArenaPop(Arena* arena, size_t size) { of(arena).pop(size); }
void ArenaClear(Arena* arena) { of(arena).clear(); }
ArenaPlace ArenaMark(const Arena* arena) { return to_c(of(arena).here()); }
void ArenaRewind(Arena* arena, ArenaPlace place) { of(arena).rewind(of(place)); }
size_t ArenaTrim(Arena* arena, size_t keep) { return of(arena).trim(keep); }

ArenaScratch ArenaScratchBegin(Arena* const* in_use, size_t count) {
  const std::span<Arena* const> all(in_use, count);
  arena* const a = scratch_arena(&all, [](const void* context, const arena& candidate) {
    for (Arena* const one : *static_cast<const std::span<Arena* const>*>(context))
      if (one != nullptr && stands_on(of(one), candidate)) return false;
    return true;
  });
  return {to_c(a), a != nullptr ? to_c(a->here()) : ArenaPlace{}};
}

void ArenaScratchEnd(ArenaScratch scratch) {
  if (scratch.arena != nullptr) of(scratch.arena).rewind(of(scratch.start));
}
