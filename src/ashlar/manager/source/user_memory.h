// SPDX-License-Identifier: MIT
// Memory of a user's as tables of plain C functions. C11 and C++.
//
//     static void *take(void *engine, size_t size, size_t alignment) { ... }
//     static void give(void *engine, void *data, size_t size, size_t alignment) { ... }
//     ashlar_user_memory table = {.context = engine, .allocate = take, .deallocate = give};
//
// In C++ `ashlar::user_manager` makes a manager of the first table, `ashlar::user_os` an OS manager
// of the second. Both copy the table; `context` must outlive them.
#pragma once

#include <stdbool.h>
#include <stddef.h>

/// Blocks. No function is called with a size of 0 or an alignment that is no power of two.
typedef struct ashlar_user_memory {
  void* context;
  /// Returns `size` bytes at a multiple of `alignment`, or null. Required.
  void* (*allocate)(void* context, size_t size, size_t alignment);
  /// Takes a block back, with the size and alignment it was asked for. Required.
  void (*deallocate)(void* context, void* data, size_t size, size_t alignment);
  /// As `allocate`, with every byte zero. Null: blocks are cleared.
  void* (*allocate_zeroed)(void* context, size_t size, size_t alignment);
  /// Resizes a block in place, or, if `may_move`, by moving it. Returns its place, or null: the
  /// block is as it was. Null: blocks are copied.
  void* (*reallocate)(void* context, void* data, size_t old_size, size_t new_size, size_t alignment,
                      bool may_move);
  /// Any thread may call any of the functions at any time.
  bool thread_safe;
} ashlar_user_memory;

/// Pages. Ranges are multiples of the page size. Any thread may call any function at any time.
typedef struct ashlar_user_os {
  void* context;
  /// Returns exactly `size` bytes at a multiple of `alignment`, or null. Required.
  void* (*reserve)(void* context, size_t size, size_t alignment);
  /// Takes back a whole reservation, of which `committed` bytes are committed. Required.
  void (*release)(void* context, void* data, size_t size, size_t committed);
  /// Makes part of a reservation accessible. Null: it is accessible as it comes.
  bool (*commit)(void* context, void* data, size_t size);
  /// The opposite. Null: pages stay.
  bool (*decommit)(void* context, void* data, size_t size);
  /// Gives pages back that stay accessible and then read as zero. Null: pages stay.
  bool (*discard)(void* context, void* data, size_t size);
  /// Returns the most that `reserve` can serve now at that alignment. Null: not bounded.
  size_t (*available)(void* context, size_t alignment);
  size_t page_size;  ///< 0: the system's
  bool zeroed;       ///< fresh and discarded memory reads as zero
} ashlar_user_os;
