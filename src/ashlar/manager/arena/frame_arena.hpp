// SPDX-License-Identifier: MIT
// Memory for frames: pushed onto during a frame, and good for the N - 1 frames after it.
//
//     ashlar::frame_arena<2> frame({.name = "frame"});
//     while (running) {
//       frame.next_frame();
//       draw_list* now = frame.now().make<draw_list>();       // the next frame may read it still
//     }
//
// N arenas that take turns: the one whose turn comes is cleared. So `next_frame` takes as long for
// a million blocks as for one, but for the destructors of owned objects.
// Threads: one at a time; shared_arena is for frames that many threads push onto.
#pragma once

#include <cstddef>
#include <utility>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/arena/arena.hpp"

namespace ashlar {

template <std::size_t N = 2>
class frame_arena {
  static_assert(N != 0);

 public:
  /// `options`: of each of the arenas. They share its name; a buffer is divided between them.
  explicit frame_arena(const arena_options& options = {}) noexcept
      : frame_arena(options, std::make_index_sequence<N>()) {}

  /// The arena of this frame.
  arena& now() noexcept { return arenas_[now_]; }
  /// The arena of the frame that was `frames` ago, less than N. Fault: stale_mark, if that frame
  /// has ended; the oldest that is still good then.
  arena& ago(std::size_t frames) noexcept {
    if (frames >= N) [[unlikely]] {
      report_fault(fault_kind::stale_mark, this);
      frames = N - 1;
    }
    return arenas_[(now_ + N - frames) % N];
  }

  /// Ends the frame before those that are still good, and begins the next one.
  void next_frame() noexcept {
    now_ = (now_ + 1) % N;
    now().clear();
  }

 private:
  template <std::size_t... I>
  frame_arena(const arena_options& options, std::index_sequence<I...>) noexcept
      : arenas_{arena(part(options, I))...} {}

  static arena_options part(arena_options options, std::size_t i) noexcept {
    const std::size_t size = align_down(options.buffer.size() / N, default_alignment);
    options.buffer = options.buffer.subspan(i * size, size);
    return options;
  }

  arena arenas_[N];
  std::size_t now_ = 0;
};

}  // namespace ashlar
