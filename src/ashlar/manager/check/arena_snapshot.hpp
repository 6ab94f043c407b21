// SPDX-License-Identifier: MIT
// A copy of what an arena holds, and the way back: contents and position.
//
//     ashlar::arena_snapshot at_start(level, storage);
//     if (!at_start) return at_start.reason();
//     play(level);
//     at_start.restore();        // every byte and the position are as they were
//
// Pointers into the arena stay good. What was pushed since ends, destructors of owned objects run.
// It cannot be restored once the arena has been rewound below chunks of other backings than one
// range or buffer, has given memory back (free_all, trim, adopt), or has destroyed objects that it
// owned when the copy was made: then nothing happens.
// Threads: as the arena. Cost: a copy of all bytes in use, each way.
#pragma once

#include "ashlar/manager/arena/arena.hpp"

namespace ashlar {

class ASHLAR_EXPORT arena_snapshot {
 public:
  /// Copies what `source` holds into a block of `storage`. Both outlive this. Errors: the refusal
  /// of the storage; unsupported, while a tool watches (base/poison.hpp).
  arena_snapshot(arena& source, memory storage) noexcept;
  ~arena_snapshot();
  arena_snapshot(const arena_snapshot&) = delete;
  arena_snapshot& operator=(const arena_snapshot&) = delete;

  explicit operator bool() const { return reason_ == status::success; }
  /// Why there is no copy.
  status reason() const { return reason_; }
  /// Bytes of the arena that were copied.
  std::size_t size() const { return size_; }

  /// Returns whether the arena is as it was. If not, nothing has changed. May be called again.
  bool restore() noexcept;

 private:
  using chunk = detail::arena_chunk;
  // In front of the copy of each chunk.
  struct piece {
    const chunk* of;
    std::byte* data;
    std::size_t size;
  };

  template <class Visit>
  void for_each_piece(Visit visit) const noexcept;
  bool is_same(const piece& saved) const noexcept;

  arena* arena_;
  memory storage_;
  block copy_;
  std::size_t size_ = 0;
  std::size_t position_ = 0;
  std::size_t pieces_ = 0;
  const void* first_data_ = nullptr;
  const void* last_owned_ = nullptr;
  status reason_ = status::success;
};

}  // namespace ashlar
