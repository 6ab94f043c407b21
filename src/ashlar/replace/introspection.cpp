// SPDX-License-Identifier: MIT
// What glibc offers to look into and to tune malloc: mallinfo, malloc_info, malloc_stats,
// malloc_trim, mallopt.
//
// The figures mean what the glibc manual says they mean: blocks with pages of their own (large
// ones) count in hblks and hblkhd alone, so that arena + hblkhd is all there is, uordblks + hblkhd
// all that is in use, and arena = uordblks + fordblks.
#include <malloc.h>

#include <cerrno>
#include <cstdio>

#include "ashlar/base/build_config.hpp"
#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/replace/process_heap.hpp"
#include "ashlar/replace/publisher.hpp"
#include "ashlar/replace/watched_heap.hpp"

using namespace ashlar;
using namespace ashlar::replace;

namespace {

// A record is too large for the stack of a small thread, and must not come from the heap it tells
// of.
class scratch_snapshot {
 public:
  scratch_snapshot() : s_(static_cast<observe::snapshot*>(process_metadata.allocate(sizeof(*s_)))) {
    if (s_ != nullptr) take_snapshot(*s_, observe::process_state::running);
  }
  ~scratch_snapshot() {
    if (s_ != nullptr) process_metadata.deallocate(s_, sizeof(*s_));
  }
  scratch_snapshot(const scratch_snapshot&) = delete;
  scratch_snapshot& operator=(const scratch_snapshot&) = delete;

  explicit operator bool() const { return s_ != nullptr; }
  const observe::snapshot* operator->() const { return s_; }

 private:
  observe::snapshot* s_;
};

int clamped(std::size_t n) { return n > 0x7fffffff ? 0x7fffffff : static_cast<int>(n); }

}  // namespace

extern "C" {

ASHLAR_EXPORT struct mallinfo2 mallinfo2() noexcept {
  struct mallinfo2 info = {};
  const scratch_snapshot s;
  if (!s) return info;
  const std::size_t large_in_use = s->large.live_bytes + s->large.slack_bytes;
  const std::size_t large_rests = s->large.span_bytes - large_in_use;
  info.ordblks = s->free_ranges;
  info.hblks = s->large.live_blocks;
  info.hblkhd = s->large.span_bytes;
  info.usmblks = s->peak_live_spans;
  info.fsmblks = s->cached;
  info.uordblks = s->live + s->slack - large_in_use;
  info.fordblks = s->free + s->cached - large_rests;
  info.arena = info.uordblks + info.fordblks;
  info.keepcost = s->free - large_rests;
  return info;
}

// Kept for old programs; its fields are too narrow, so large figures stop at INT_MAX.
ASHLAR_EXPORT struct mallinfo mallinfo() noexcept {
  const struct mallinfo2 wide = mallinfo2();
  return {clamped(wide.arena),   clamped(wide.ordblks),  clamped(wide.smblks),
          clamped(wide.hblks),   clamped(wide.hblkhd),   clamped(wide.usmblks),
          clamped(wide.fsmblks), clamped(wide.uordblks), clamped(wide.fordblks),
          clamped(wide.keepcost)};
}
ASHLAR_EXPORT struct mallinfo __libc_mallinfo() noexcept __attribute__((alias("mallinfo")));

ASHLAR_EXPORT int malloc_trim(std::size_t pad) noexcept {
  std::size_t given_back = process_heap.trim(pad);
  if (observe::process_tracker().level() != observe::track_level::off)
    given_back += watched_heap.trim(pad);
  return given_back != 0;
}

// Tuning knobs of another design. Accepted, as programs that set them treat refusal as an error.
ASHLAR_EXPORT int mallopt(int, int) noexcept { return 1; }
ASHLAR_EXPORT decltype(mallopt) __libc_mallopt __attribute__((alias("mallopt")));

ASHLAR_EXPORT void malloc_stats() noexcept {
  const scratch_snapshot s;
  if (!s) return;
  os::line l;
  l.text("ashlar ").text(build::version).text(": live ").bytes(s->live).text(", slack ");
  l.bytes(s->slack).text(", free ").bytes(s->free).text(", cached ").bytes(s->cached);
  l.text(", metadata ").bytes(s->metadata).text(", returned ").bytes(s->returned);
  l.text(", resident ").bytes(s->resident).text(", peak ").bytes(s->peak_resident);
  os::write_line(l);
}

// XML, as glibc's; the elements carry our vocabulary. Formatted by the caller's stdio.
ASHLAR_EXPORT int malloc_info(int options, FILE* out) noexcept {
  if (options != 0) return EINVAL;
  const scratch_snapshot s;
  if (!s) return ENOMEM;
  std::fprintf(out, "<malloc version=\"ashlar %s\">\n", build::version);
  for (std::uint32_t c = 0; c < s->class_count; ++c) {
    const observe::size_class_record& r = s->classes[c];
    if (r.slabs == 0) continue;
    std::fprintf(out,
                 "<class size=\"%llu\" slabs=\"%llu\" live=\"%llu\" cached=\"%llu\" "
                 "free=\"%llu\" slack=\"%llu\"/>\n",
                 (unsigned long long)r.block_size, (unsigned long long)r.slabs,
                 (unsigned long long)r.live_blocks, (unsigned long long)r.cached_blocks,
                 (unsigned long long)r.free_blocks, (unsigned long long)r.slack_bytes);
  }
  std::fprintf(out, "<large live=\"%llu\" size=\"%llu\" slack=\"%llu\"/>\n",
               (unsigned long long)s->large.live_blocks, (unsigned long long)s->large.live_bytes,
               (unsigned long long)s->large.slack_bytes);
  std::fprintf(out,
               "<total live=\"%llu\" slack=\"%llu\" free=\"%llu\" cached=\"%llu\" "
               "metadata=\"%llu\" returned=\"%llu\"/>\n",
               (unsigned long long)s->live, (unsigned long long)s->slack,
               (unsigned long long)s->free, (unsigned long long)s->cached,
               (unsigned long long)s->metadata, (unsigned long long)s->returned);
  std::fprintf(out, "<system type=\"current\" size=\"%llu\"/>\n", (unsigned long long)s->committed);
  std::fprintf(out, "<system type=\"max\" size=\"%llu\"/>\n</malloc>\n",
               (unsigned long long)s->peak_committed);
  return 0;
}

}  // extern "C"
