// SPDX-License-Identifier: MIT
// The arena from C: every function of ashlar/arena.h, and what it refuses.
#include "ashlar/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define CHECK(condition)                                                             \
  do {                                                                               \
    if (!(condition)) {                                                              \
      (void)fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                                    \
    }                                                                                \
  } while (0)

static bool is_aligned(const void* p, size_t alignment) { return (uintptr_t)p % alignment == 0; }

static bool is_zero(const void* p, size_t size) {
  const unsigned char* bytes = p;
  for (size_t i = 0; i < size; ++i)
    if (bytes[i] != 0) return false;
  return true;
}

static void pushes_and_pops(void) {
  Arena* arena = ArenaAlloc(1 << 20);
  CHECK(arena != NULL && ArenaPos(arena) == 0);
  char* first = ArenaPush(arena, 100);
  CHECK(first != NULL && is_aligned(first, 16) && is_zero(first, 100));
  CHECK((char*)arena < first && first < (char*)arena + 4096);  // it lies in front
  CHECK(ArenaPos(arena) == 100);
  memset(first, 1, 100);
  size_t before = ArenaPos(arena);
  char* second = ArenaPushNoZero(arena, 50);
  memset(second, 2, 50);
  CHECK(second >= first + 100);
  ArenaPopTo(arena, before);
  CHECK(ArenaPos(arena) == 100);
  CHECK(ArenaPush(arena, 50) == second && is_zero(second, 50));  // cleared, for it was used
  ArenaPop(arena, 10);
  CHECK(ArenaPos(arena) == 152);
  CHECK(first[99] == 1);
  ArenaClear(arena);
  CHECK(ArenaPos(arena) == 0);
  CHECK(ArenaPush(arena, 1) == first && *first == 0);
  ArenaRelease(arena);
  ArenaRelease(NULL);
}

static void aligns(void) {
  Arena* arena = ArenaAlloc(1 << 20);
  ArenaSetAutoAlign(arena, 1);
  char* one = ArenaPush(arena, 1);
  CHECK(ArenaPush(arena, 1) == one + 1);
  ArenaSetAutoAlign(arena, 64);
  CHECK(is_aligned(ArenaPush(arena, 1), 64));
  ArenaSetAutoAlign(arena, 0);
  CHECK(!is_aligned(ArenaPush(arena, 3), 64));
  ArenaPushAligner(arena, 4096);
  CHECK(is_aligned(ArenaPush(arena, 1), 4096));
  size_t before = ArenaPos(arena);
  ArenaPushAligner(arena, 3);
  CHECK(ArenaPos(arena) == before);
  ArenaSetAutoAlign(arena, 3);
  CHECK(ArenaPush(arena, 1) == NULL && ArenaPushNoZero(arena, 1) == NULL);
  CHECK(ArenaPos(arena) == before);
  ArenaRelease(arena);
}

typedef struct Pair {
  double weight;
  char tag;
} Pair;

static void pushes_types(void) {
  Arena* arena = ArenaAlloc(1 << 20);
  (void)ArenaPush(arena, 1);
  Pair* pair = ASHLAR_PUSH_STRUCT(arena, Pair);
  CHECK(pair != NULL && is_aligned(pair, _Alignof(Pair)) && is_zero(pair, sizeof *pair));
  Pair* pairs = ASHLAR_PUSH_ARRAY(arena, Pair, 100);
  CHECK(pairs == pair + 1 && is_zero(pairs, sizeof *pairs * 100));
  CHECK(ASHLAR_PUSH_ARRAY(arena, Pair, SIZE_MAX / 8) == NULL);
  CHECK(ArenaPushArray(arena, 2, 8, 128) != NULL);
  ArenaRelease(arena);
}

// What cannot be served returns NULL and changes nothing.
static void refuses(void) {
  CHECK(ArenaAlloc(SIZE_MAX) == NULL);
  CHECK(ArenaAlloc(SIZE_MAX / 2) == NULL);
  Arena* arena = ArenaAlloc(64 << 10);
  char* all = ArenaPush(arena, 64 << 10);
  CHECK(all != NULL);
  size_t full = ArenaPos(arena);
  CHECK(ArenaPush(arena, 64 << 10) == NULL && ArenaPushNoZero(arena, SIZE_MAX) == NULL);
  CHECK(ArenaPos(arena) == full);
  ArenaRelease(arena);
  ArenaOptions options = ArenaDefaults();
  options.limit = 100;
  arena = ArenaAllocWith(&options);
  CHECK(ArenaPush(arena, 101) == NULL && ArenaPush(arena, 100) != NULL &&
        ArenaPush(arena, 1) == NULL);
  ArenaRelease(arena);
}

static void marks_and_trims(void) {
  Arena* arena = ArenaAlloc(16 << 20);
  (void)ArenaPush(arena, 10);
  ArenaPlace place = ArenaMark(arena);
  CHECK(place.position == 10);
  CHECK(ArenaPush(arena, 8 << 20) != NULL);
  ArenaRewind(arena, place);
  CHECK(ArenaPos(arena) == 10);
  CHECK(ArenaTrim(arena, 1 << 20) >= 6 << 20);
  CHECK(ArenaTrim(arena, 1 << 20) == 0);
  CHECK(is_zero(ArenaPush(arena, 8 << 20), 8 << 20));
  ArenaRelease(arena);
}

static void uses_a_buffer(void) {
  static char buffer[4096];
  ArenaOptions options = ArenaDefaults();
  options.backing = ArenaFixed;
  options.buffer = buffer + 1;
  options.buffer_size = sizeof buffer - 1;
  Arena* arena = ArenaAllocWith(&options);
  CHECK(arena != NULL && (char*)arena > buffer);
  size_t count = 0;
  for (char* p; (p = ArenaPush(arena, 16)) != NULL; ++count)
    CHECK(p > (char*)arena && p + 16 <= buffer + sizeof buffer);
  CHECK(count > 100);
  ArenaRelease(arena);
  options.buffer_size = 64;
  CHECK(ArenaAllocWith(&options) == NULL);
  options.buffer = NULL;
  options.buffer_size = 4096;
  CHECK(ArenaAllocWith(&options) == NULL);
  options.buffer = buffer;
  options.backing = (ArenaBacking)(ArenaInlineThenChained + 1);
  CHECK(ArenaAllocWith(&options) == NULL);
  options.backing = ArenaFixed;
  options.huge = (ArenaHugePages)(ArenaHugeUnwanted + 1);
  CHECK(ArenaAllocWith(&options) == NULL);
}

typedef struct Ledger {
  size_t bytes;
  size_t blocks;
  size_t refuse_after;
} Ledger;

static void* ledger_allocate(void* context, size_t size, size_t alignment) {
  Ledger* ledger = context;
  if (ledger->blocks == ledger->refuse_after) return NULL;
  ledger->bytes += size;
  ++ledger->blocks;
  return aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

static void ledger_deallocate(void* context, void* memory, size_t size, size_t alignment) {
  Ledger* ledger = context;
  (void)alignment;
  ledger->bytes -= size;
  --ledger->blocks;
  free(memory);
}

static void takes_chunks_from_functions(void) {
  Ledger ledger = {0, 0, SIZE_MAX};
  ArenaOptions options = ArenaDefaults();
  options.backing = ArenaChained;
  options.growth_first = 4096;
  options.upstream.context = &ledger;
  options.upstream.allocate = ledger_allocate;
  options.upstream.deallocate = ledger_deallocate;
  Arena* arena = ArenaAllocWith(&options);
  CHECK(arena != NULL && ledger.blocks == 1);
  for (int i = 0; i < 1000; ++i) CHECK(ArenaPush(arena, 1000) != NULL);
  CHECK(ArenaPush(arena, 3 << 20) != NULL);  // larger than any chunk
  CHECK(ledger.blocks > 3);
  ArenaClear(arena);
  ArenaTrim(arena, 0);
  CHECK(ledger.blocks <= 2);
  ledger.refuse_after = ledger.blocks;
  size_t before = ArenaPos(arena);
  CHECK(ArenaPush(arena, 3 << 20) == NULL && ArenaPos(arena) == before);
  ArenaRelease(arena);
  CHECK(ledger.blocks == 0 && ledger.bytes == 0);
  ledger.refuse_after = 0;
  CHECK(ArenaAllocWith(&options) == NULL);
  options.backing = ArenaInlineThenChained;
  options.upstream.allocate = NULL;
  static char buffer[8192];
  options.buffer = buffer;
  options.buffer_size = sizeof buffer;
  arena = ArenaAllocWith(&options);
  CHECK(arena != NULL && ArenaPush(arena, 1 << 20) != NULL);
  ArenaRelease(arena);
}

static void lends_scratch_memory(void) {
  ArenaScratch outer = ArenaScratchBegin(NULL, 0);
  CHECK(outer.arena != NULL);
  char* kept = ArenaPush(outer.arena, 100);
  ArenaScratch other = ArenaScratchBegin(&outer.arena, 1);
  CHECK(other.arena != NULL && other.arena != outer.arena);
  Arena* in_use[] = {outer.arena, other.arena};
  ArenaScratch third = ArenaScratchBegin(in_use, 2);
  CHECK(third.arena != outer.arena && third.arena != other.arena);
  ArenaScratch inner = ArenaScratchBegin(&other.arena, 1);
  CHECK(inner.arena == outer.arena);
  CHECK(ArenaPush(inner.arena, 100) > (void*)kept);
  ArenaScratchEnd(inner);
  ArenaScratchEnd(third);
  ArenaScratchEnd(other);
  ArenaScratchEnd(outer);
  ArenaScratch again = ArenaScratchBegin(NULL, 0);
  CHECK(again.arena == outer.arena && ArenaPos(again.arena) == outer.start.position);
  ArenaScratchEnd(again);
}

int main(void) {
  pushes_and_pops();
  aligns();
  pushes_types();
  refuses();
  marks_and_trims();
  uses_a_buffer();
  takes_chunks_from_functions();
  lends_scratch_memory();
  return failures == 0 ? 0 : 1;
}
