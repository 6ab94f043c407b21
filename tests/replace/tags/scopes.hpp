// SPDX-License-Identifier: MIT
// What malloc and new make inside a scope counts to its tag, and to nothing else.
#pragma once

#include <ashlar/tag.hpp>
#include <ashlar/track.hpp>
#include <ashlar/vector.hpp>
#include <map>
#include <thread>

#include "replace/support/check.hpp"

inline bool holds(ashlar::tag of, std::uint64_t blocks, std::uint64_t bytes) {
  const ashlar::tag_usage u = ashlar::usage_of(of);
  return u.blocks.live_blocks == blocks && u.blocks.live_bytes == bytes && u.live_bytes == bytes;
}

// Leaves 2 blocks of 450 bytes that are level's, and 2 of 1,640 that are sound's.
inline void make_in_scopes(ashlar::tag level, ashlar::tag sound, void* (&made)[4]) {
  {
    const ashlar::tag_scope scope(level);
    made[0] = opaque(malloc(100));
    made[1] = opaque(calloc(3, 50));
    {
      const ashlar::tag_scope inner(sound);
      made[2] = opaque(malloc(1000));
      made[3] = opaque(aligned_alloc(64, 640));
      expect(holds(sound, 2, 1640), "the inner scope's blocks");
    }
    int* const number = opaque(new int(7));
    expect(holds(level, 3, 254), "malloc, calloc and new count to the scope");
    delete number;
    made[0] = realloc(made[0], 300);
    expect(holds(level, 2, 450), "realloc changes what is held");
  }
  void* const outside = opaque(malloc(77));
  expect(holds(level, 2, 450) && holds(sound, 2, 1640), "outside of scopes nothing changes");
  free(outside);
  expect(ashlar::usage_below(ashlar::find_tag("game")).live_bytes == 450 + 1640, "the subtree");
}

// Containers, and threads that take the tags along.
inline void pass_tags_on(ashlar::tag level, ashlar::tag sound, void*& of_sound) {
  ashlar::tag_token token;
  {
    const ashlar::tag_scope scope(level);
    token = ashlar::capture_tags();
    std::map<int, int> map;
    for (int i = 0; i < 10; ++i) map[i] = i;
    expect(ashlar::usage_of(level).blocks.live_blocks == 12, "nodes of a map count");
  }
  std::thread([&] {
    void* const before = opaque(malloc(11));
    const ashlar::use_tags scope(token);
    of_sound = opaque(realloc(of_sound, 10));
    expect(holds(sound, 1, 640) && holds(level, 3, 460), "a resized block is the resizer's");
    free(before);
  }).join();
  {
    ashlar::vector<int> numbers;  // over operator new
    numbers.resize(100);
    expect(holds(level, 3, 460), "no scope, no tag");
  }
}

inline int run_scopes() {
  expect_ashlar();
  const ashlar::tag level = ashlar::define_tag("game/level");
  const ashlar::tag sound = ashlar::define_tag("game/sound");
  expect(ashlar::set_tracking({.level = ashlar::track_level::counters}), "tracking begins");
  free(opaque(malloc(50)));  // without a tag: nobody asks for it
  void* made[4] = {};
  make_in_scopes(level, sound, made);
  pass_tags_on(level, sound, made[2]);
  for (void* p : made) free(p);
  expect(holds(level, 0, 0) && holds(sound, 0, 0), "everything is gone");
  expect(ashlar::usage_of(sound).peak_bytes == 1640, "the peak stays");
  return 0;
}
