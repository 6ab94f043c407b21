// SPDX-License-Identifier: MIT
// The arena for C: blocks one behind the other, freed all at once or back to a position.
//
//     Arena *arena = ArenaAlloc(64 << 20);   // 64 MiB of address space, committed as it is used
//     char *text = ArenaPush(arena, 1000);   // zeroed; NULL if it cannot be had
//     size_t before = ArenaPos(arena);
//     double *sums = ASHLAR_PUSH_ARRAY(arena, double, 512);
//     ArenaPopTo(arena, before);             // `sums` ends here
//     ArenaRelease(arena);
//
// An Arena lies at the start of its own memory, and is the object that C++ knows as ashlar::arena.
// A push that cannot be served returns NULL and changes nothing. A size of 0 is served as 1. A
// broken rule (a pop beyond the start, a rewind to a place that has ended) is a fault: a line on
// stderr, then abort, unless the program has chosen another policy. Pointers to arenas are not NULL
// but where it says so. Sizes and positions are bytes.
// Threads: one at a time in each arena. Cost: a push is a call and some instructions, and a system
// call or one of the upstream when what is committed is used up; what was used before is cleared
// at the speed of memset.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ashlar/user_memory.h"

#if defined(__GNUC__)
#define ASHLAR_API __attribute__((visibility("default")))
#else
#define ASHLAR_API
#endif

#if defined(__cplusplus)
#define ASHLAR_ALIGNOF(type) alignof(type)
extern "C" {
#else
#define ASHLAR_ALIGNOF(type) _Alignof(type)
#endif

typedef struct Arena Arena;

// --- making and ending ---------------------------------------------------------------------------

/// Makes an arena that `reserve` bytes can be pushed onto (rounded up to pages), as pages of the OS
/// allow. NULL if the address space cannot be had.
ASHLAR_API Arena* ArenaAlloc(size_t reserve);
/// Ends an arena and gives all its memory back. NULL is ignored.
ASHLAR_API void ArenaRelease(Arena* arena);

typedef enum ArenaBacking {
  ArenaReserved,           // one range of address space, committed step by step
  ArenaChained,            // chunks, each larger than the one before
  ArenaFixed,              // the buffer, and nothing else
  ArenaInlineThenChained,  // the buffer, and when that is full, chunks
} ArenaBacking;

typedef enum ArenaHugePages {
  ArenaHugeAsSystem,
  ArenaHugeWanted,
  ArenaHugeUnwanted
} ArenaHugePages;

/// Everything that can be chosen. Take ArenaDefaults() and change what is to differ.
typedef struct ArenaOptions {
  ArenaBacking backing;
  size_t reserve;      // ArenaReserved: what can be pushed
  size_t page_size;    // what memory is taken in multiples of; 0: the OS's page
  size_t commit_step;  // ArenaReserved: the least that is committed at a time; 0: 64 KiB
  ArenaHugePages huge;
  size_t growth_first;      // of chunks: the first one,
  unsigned growth_percent;  // how much larger each is than the one before,
  size_t growth_cap;        // and the largest of them
  size_t limit;             // of the bytes pushed, exact
  size_t auto_align;        // of ArenaPush and ArenaPushNoZero
  size_t keep;              // idle bytes that pops keep for later
  void* buffer;             // ArenaFixed, ArenaInlineThenChained; the arena takes its start
  size_t buffer_size;
  bool buffer_zeroed;           // the caller knows that the buffer is all zero
  ashlar_user_memory upstream;  // ArenaChained, ArenaInlineThenChained; no `allocate`: the OS
  const char* name;             // in the registry of managers; outlives the arena
} ArenaOptions;

/// Returns what ArenaAlloc uses, with 1 GiB of address space.
ASHLAR_API ArenaOptions ArenaDefaults(void);
/// Makes an arena with all options, which are copied. NULL if its memory cannot be had, or if a
/// number stands for no ArenaBacking or ArenaHugePages.
ASHLAR_API Arena* ArenaAllocWith(const ArenaOptions* options);

// --- pushing -------------------------------------------------------------------------------------

/// Sets the alignment of ArenaPush and ArenaPushNoZero: a power of two, or 0 for none. At first 16.
ASHLAR_API void ArenaSetAutoAlign(Arena* arena, size_t alignment);
/// Returns `size` bytes as they are: their contents are anything.
ASHLAR_API void* ArenaPushNoZero(Arena* arena, size_t size);
/// Returns `size` bytes, zeroed. Pages fresh from the OS are not cleared again.
ASHLAR_API void* ArenaPush(Arena* arena, size_t size);
/// Moves the position up, so that the next push begins at a multiple of `alignment`. Where there is
/// no room for that, or `alignment` is no power of two, nothing changes: ask ArenaPushArray where
/// that must be told.
ASHLAR_API void ArenaPushAligner(Arena* arena, size_t alignment);
/// Returns `count` elements of `size` bytes, zeroed, at a multiple of `alignment`. NULL, too, if
/// the product overflows or `alignment` is no power of two.
ASHLAR_API void* ArenaPushArray(Arena* arena, size_t count, size_t size, size_t alignment);

#define ASHLAR_PUSH_STRUCT(arena, type) \
  ((type*)ArenaPushArray((arena), 1, sizeof(type), ASHLAR_ALIGNOF(type)))
#define ASHLAR_PUSH_ARRAY(arena, type, count) \
  ((type*)ArenaPushArray((arena), (count), sizeof(type), ASHLAR_ALIGNOF(type)))

// --- popping -------------------------------------------------------------------------------------

/// Returns the bytes pushed so far, gaps for alignment included.
ASHLAR_API size_t ArenaPos(const Arena* arena);
/// Ends everything pushed since `pos`. A `pos` above the position is a fault.
ASHLAR_API void ArenaPopTo(Arena* arena, size_t pos);
/// Ends the last `size` bytes, gaps for alignment included. More than there are is a fault.
ASHLAR_API void ArenaPop(Arena* arena, size_t size);
/// Ends everything and keeps the memory, up to `keep`.
ASHLAR_API void ArenaClear(Arena* arena);

/// A position that knows whether it is still good.
typedef struct ArenaPlace {
  const void* place;
  size_t position;
} ArenaPlace;

ASHLAR_API ArenaPlace ArenaMark(const Arena* arena);
/// Ends everything pushed since the mark was made. A mark below which the arena has been rewound
/// since then is a fault.
ASHLAR_API void ArenaRewind(Arena* arena, ArenaPlace place);
/// Gives idle memory back until `keep` bytes of it are left. Returns the bytes given back.
ASHLAR_API size_t ArenaTrim(Arena* arena, size_t keep);

// --- scratch memory ------------------------------------------------------------------------------

/// A scope in a scratch arena of the calling thread.
typedef struct ArenaScratch {
  Arena* arena;  // NULL if there is no memory for one
  ArenaPlace start;
} ArenaScratch;

/// Opens a scope in an arena that is none of the `count` arenas `in_use` and stands on none of
/// them.
ASHLAR_API ArenaScratch ArenaScratchBegin(Arena* const* in_use, size_t count);
/// Ends what was pushed since. Scopes of one arena end in the opposite order.
ASHLAR_API void ArenaScratchEnd(ArenaScratch scratch);

#if defined(__cplusplus)
}
#endif
