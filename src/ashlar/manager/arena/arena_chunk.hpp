// SPDX-License-Identifier: MIT
// The records that an arena keeps in its own memory: chunks, and destructors to run.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ashlar/manager/manager.hpp"

namespace ashlar::detail {

/// One contiguous piece of an arena's memory. The record lies at the start of the chunk it
/// describes; in the arena for its buffer or its reservation; pushed onto the arena for a buffer
/// or reservation that was adopted.
struct arena_chunk {
  arena_chunk* previous = nullptr;  // in the list that it is in
  std::byte* data = nullptr;        // where blocks begin
  std::byte* end = nullptr;         // behind the last byte that can be used
  std::byte* dirty = nullptr;       // what lies here or above is known to be zero
  std::byte* top = nullptr;         // behind the last block, when it is not the current chunk
  std::size_t position = 0;         // the arena's position when it was entered
  std::uintptr_t origin = 0;        // the arena's, when it was left for the next one
  std::size_t used = 0;             // beside the current chunk: how much of the positions it takes
  bool is_adopted = false;          // beside, too: `used` is that of all that was adopted with it

  manager* source = nullptr;  // takes it back; null: nobody
  std::byte* memory = nullptr;
  std::size_t size = 0;       // of `memory`; of a reservation: what is committed
  std::size_t alignment = 0;  // that was asked of the source
  std::size_t reserved = 0;   // not 0: `source` is an os_manager, `memory` a reservation

  bool holds_its_record() const { return reinterpret_cast<const std::byte*>(this) == memory; }
};

/// In front of an object whose destructor is to run.
struct arena_finalizer {
  arena_finalizer* previous;
  void (*destroy)(arena_finalizer&) noexcept;
  std::size_t end;  // position behind the object
};

template <class T>
struct arena_owned : arena_finalizer {
  alignas(T) std::byte object[sizeof(T)];
};

}  // namespace ashlar::detail
