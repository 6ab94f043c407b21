// SPDX-License-Identifier: MIT
// Tags: whose memory it is, and how much it may be, without passing anything around.
#include <ashlar/arena.hpp>
#include <ashlar/tag.hpp>
#include <ashlar/track.hpp>

#include <cstdio>

int main() {
  const ashlar::tag textures = ashlar::define_tag("game/render/textures", {.hard = 4 << 20});
  ashlar::arena level;  // knows nothing of tags
  const ashlar::tag_scope scope(textures);
  const ashlar::allocation sky = level.allocate({1 << 20});
  const ashlar::allocation film = level.allocate({8 << 20});
  const ashlar::tag_usage game = ashlar::usage_below(ashlar::find_tag("game"));
  std::printf("sky: %s; film: %s; game: %d MiB and more\n", to_string(sky.reason()),
              to_string(film.reason()), static_cast<int>(game.live_bytes >> 20));
}
