// SPDX-License-Identifier: MIT
// Job 1: scratch memory for each frame, good for one frame more.
#include <ashlar/frame.hpp>
#include <ashlar/vector.hpp>

#include <cstdio>

int main() {
  ashlar::frame_arena<2> frame({.reserve = 64 << 20, .name = "frame"});
  for (int tick = 0; tick < 3; ++tick) {
    frame.next_frame();
    ashlar::vector<int> visible(frame.now());
    for (int i = 0; i < 1000; ++i) visible.push_back(tick * i);
    std::printf("frame %d: %d\n", tick, visible.back());
  }
}
