// SPDX-License-Identifier: MIT
#include "ashlar/manager/track.hpp"

#include <iterator>

#include "ashlar/base/relaxed.hpp"

namespace ashlar {

namespace {

observe::tracker& tracker() { return observe::process_tracker(); }

std::uint64_t at_least_zero(std::int64_t n) { return n > 0 ? static_cast<std::uint64_t>(n) : 0; }

// Births and deaths are read one after the other while threads go on: a death may be seen alone.
std::uint64_t less(std::uint64_t born, std::uint64_t dead) { return born > dead ? born - dead : 0; }

block_usage usage_of(const observe::site_cell& c) {
  return {.live_blocks = less(c.born_blocks, c.dead_blocks),
          .live_bytes = less(c.born_bytes, c.dead_bytes),
          .total_blocks = c.born_blocks,
          .total_bytes = c.born_bytes};
}

void add(block_usage& sum, const block_usage& more) {
  sum.live_blocks += more.live_blocks;
  sum.live_bytes += more.live_bytes;
  sum.total_blocks += more.total_blocks;
  sum.total_bytes += more.total_bytes;
}

void add(tag_usage& sum, const tag_usage& more) {
  add(sum.blocks, more.blocks);
  add(sum.inner, more.inner);
  sum.page_bytes += more.page_bytes;
  sum.live_bytes += more.live_bytes;
}

}  // namespace

bool set_tracking(const track_settings& settings) noexcept {
  // The policy is for each block, and the level sees some.
  if (settings.level == track_level::sampled && settings.untagged != untagged_policy::ignore)
    return false;
  observe::tracker& t = tracker();
  return t.begin != nullptr ? t.begin(settings) : t.set(settings);
}

track_settings current_tracking() noexcept { return tracker().settings(); }

// --- tags ---

tag_usage usage_of(tag of) noexcept {
  const observe::tag_sum sum = tracker().sum_of_tag(of.id());
  return {.of = of,
          .blocks = usage_of(sum.blocks),
          .inner = usage_of(tracker().inner_sum_of_tag(of.id())),
          .page_bytes = at_least_zero(sum.page_bytes),
          .live_bytes = at_least_zero(sum.live_bytes),
          .peak_bytes = at_least_zero(sum.peak_bytes)};
}

tag_usage usage_below(tag of) noexcept {
  tag_usage sum;
  sum.of = of;
  const std::uint32_t count = tracker().tags.size();
  for (std::uint32_t id = of.id(); id < count; ++id)
    if (tracker().tags.is_below(static_cast<tag_id>(id), of.id()))
      add(sum, usage_of(tag(static_cast<tag_id>(id))));
  return sum;
}

void for_each_tag(void* context, bool (*visit)(void*, const tag_usage&)) noexcept {
  const std::uint32_t count = tracker().tags.size();
  for (std::uint32_t id = 0; id < count; ++id)
    if (!visit(context, usage_of(tag(static_cast<tag_id>(id))))) return;
}

// --- sites and threads ---

void for_each_site(void* context, bool (*visit)(void*, const site_usage&)) noexcept {
  const std::uint32_t count = tracker().sites.size();
  for (observe::site_id id = observe::site_table::overflow; id < count; ++id) {
    const observe::site_cell sum = tracker().sum_of(id);
    const observe::site_cell inner = tracker().inner.sum_of(id);
    if (sum.born_blocks == 0 && inner.born_blocks == 0) continue;
    const observe::site_key key = tracker().sites.key_of(id);
    if (!visit(context, {.of = tag(key.tag),
                         .file = key.file,
                         .function = key.function,
                         .line = key.line,
                         .frames = key.frames,
                         .frame_count = key.frame_count,
                         .blocks = usage_of(sum),
                         .inner = usage_of(inner)}))
      return;
  }
}

void for_each_thread(void* context, bool (*visit)(void*, const thread_usage&)) noexcept {
  const std::uint32_t count = tracker().thread_count();
  for (std::uint32_t i = 0; i < count; ++i) {
    const observe::thread_summary s = tracker().thread(i);
    const thread_usage found = {.name = s.name,
                                .system_id = s.system_id,
                                .ended = load_relaxed(s.ended) != 0,
                                .made_blocks = load_relaxed(s.born_blocks),
                                .made_bytes = load_relaxed(s.born_bytes),
                                .freed_blocks = load_relaxed(s.dead_blocks),
                                .freed_bytes = load_relaxed(s.dead_bytes)};
    // The first stands for all that found no room.
    if (i == 0 && found.made_blocks == 0 && found.freed_blocks == 0) continue;
    if (!visit(context, found)) return;
  }
}

total_usage tracked_total() noexcept {
  observe::tracker& t = tracker();
  return {.live_bytes = at_least_zero(t.live_bytes()),
          .peak_bytes = at_least_zero(t.peak_bytes()),
          .page_bytes = at_least_zero(t.page_bytes()),
          .own_bytes = t.own_bytes(),
          .lost = t.lost(),
          .lost_inner = t.inner.lost(),
          .untagged_blocks = t.untagged_blocks(),
          .untagged_bytes = t.untagged_bytes()};
}

std::uint64_t recent_peak_bytes() noexcept { return at_least_zero(tracker().recent_peak_bytes()); }

void restart_tracked_peak() noexcept { tracker().restart_peak(); }

// --- blocks ---

void for_each_live_block(void* context, void (*visit)(void*, const live_block&)) noexcept {
  struct visitor {
    void* context;
    void (*visit)(void*, const live_block&);
  } to = {context, visit};
  observe::tracker& t = tracker();
  if (t.walk == nullptr) return;
  t.walk(&to, [](void* c, const void* data, const observe::block_facts& facts) {
    const visitor& to_call = *static_cast<visitor*>(c);
    to_call.visit(to_call.context, {.data = data,
                                    .size = facts.size,
                                    .born_ms = facts.born,
                                    .of = tag(tracker().sites.tag_of(facts.site))});
  });
}

void for_each_inner_block(void* context, bool (*visit)(void*, const inner_usage&)) noexcept {
  // Some at a time, so that the visitor may do what it likes.
  observe::inner_block some[32];
  observe::inner_block last = {};
  observe::inner_table& inner = tracker().inner;
  while (const std::size_t count = inner.list(last, some, std::size(some))) {
    for (std::size_t i = 0; i < count; ++i) {
      const observe::inner_group& group = inner.group(some[i].group);
      const observe::inner_label& label = inner.label(group.label);
      if (!visit(context, {.data = some[i].data,
                           .size = some[i].size,
                           .of = tag(tracker().sites.tag_of(group.site)),
                           .kind = label.kind,
                           .name = label.name}))
        return;
    }
    last = some[count - 1];
  }
}

// --- time ---

std::uint32_t begin_period() noexcept { return tracker().begin_period(); }

void mark_time(const char* name) noexcept {
  if (name != nullptr) tracker().mark(name);
}

void next_frame() noexcept { tracker().begin_frame(); }

void for_each_mark(void* context, bool (*visit)(void*, const time_mark&)) noexcept {
  const std::uint32_t count = tracker().mark_count();
  for (std::uint32_t i = 0; i < count; ++i)
    if (!visit(context, tracker().mark_at(i))) return;
}

std::uint32_t frame_number() noexcept { return tracker().frame_count(); }

}  // namespace ashlar
