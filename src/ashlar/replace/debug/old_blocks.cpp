// SPDX-License-Identifier: MIT
// Blocks that live for more frames than they should: the option `most_frames`.
//
// A block's record holds the time of its birth, a frame the time of its beginning; so with each
// frame that begins, the blocks of one frame become too old, and each is reported once. Blocks that
// were made before the first frame belong to no frame.
#include "ashlar/replace/debug/debug_report.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::replace {

namespace {

// The blocks that were born after `from`, up to `to`; milliseconds, modulo 2^31.
struct births {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  observe::site_sums<known_block> sums;

  bool includes(std::uint32_t born) const {
    return observe::is_younger(born, from) && !observe::is_younger(born, to);
  }
};

constinit lock mutex;
constinit births found;  // under it: too large for the stacks of some threads

void collect(void*, const void* data, const observe::block_facts& facts) {
  if (found.includes(facts.born))
    found.sums.add(facts.site, facts.size, {static_cast<const std::byte*>(data), facts});
}

}  // namespace

lock& old_blocks_lock() noexcept { return mutex; }

void report_old_blocks(std::uint32_t now) noexcept {
  observe::tracker& tracker = observe::process_tracker();
  const std::uint64_t most = guard_settings.most_frames;
  if (!load_relaxed(guarding) || now < most + 2) return;
  const auto frame = static_cast<std::uint32_t>(now - most - 1);
  const lock_guard guard(mutex);
  found = {tracker.frame_at(frame).at_ms, tracker.frame_at(frame + 1).at_ms, {}};
  tracker.walk(nullptr, collect);
  if (found.sums.empty()) return;
  const std::size_t blocks = found.sums.blocks();
  os::line head;
  head.text("ashlar: ").decimal(blocks).text(blocks == 1 ? " block" : " blocks");
  head.text(" of frame ").decimal(frame).text(", ").bytes(found.sums.bytes());
  head.text(", live in frame ").decimal(now).text(": most_frames is ").decimal(most);
  report_blocks(head, found.sums);
}

}  // namespace ashlar::replace
