// SPDX-License-Identifier: MIT
#include "ashlar/manager/check/leak_scope.hpp"

#include "ashlar/manager/check/debug_report.hpp"
#include "ashlar/observe/site_sums.hpp"

namespace ashlar {

namespace {

struct found_block {
  const void* data = nullptr;
  observe::block_facts facts = {};
};

struct search {
  std::uint32_t began;
  std::uint16_t thread;
  bool all_threads;
  tag_id within;
  observe::site_sums<found_block> sums = {};
};

// Under locks of the heap: neither allocates nor frees.
void look_at(void* context, const void* data, const observe::block_facts& facts) {
  auto& s = *static_cast<search*>(context);
  const observe::tracker& t = observe::process_tracker();
  if (!observe::is_younger(facts.born, s.began)) return;
  if (!s.all_threads && facts.thread != s.thread) return;
  if (!t.tags.is_below(t.sites.tag_of(facts.site), s.within)) return;
  s.sums.add(facts.site, facts.size, {data, facts});
}

bool is_tracked_whole() {
  const observe::tracker& t = observe::process_tracker();
  return t.level() >= track_level::full && t.walk != nullptr;
}

leaked_blocks look(search& s) {
  observe::process_tracker().walk(&s, look_at);
  return {true, s.sums.blocks(), s.sums.bytes()};
}

void put_sum(const detail::debug_report& report, const auto& sum) {
  os::line line;
  line.text("  ").decimal(sum.blocks).text(sum.blocks == 1 ? " block, " : " blocks, ");
  line.bytes(sum.bytes).text(sum.blocks == 1 ? ", at " : ", the first at ");
  line.pointer(sum.first.data).text(", made by ").text(to_string(sum.first.facts.made_by));
  report.put(line);
  report.put_site("allocated", sum.site);
}

}  // namespace

leak_scope::leak_scope(const char* name, const leak_scope_options& options) noexcept
    : name_(name),
      options_(options),
      is_known_(is_tracked_whole()),
      began_(begin_period()),
      thread_(observe::process_tracker().number_of_this_thread()) {}

leak_scope::~leak_scope() {
  if (!is_dismissed_) (void)report();
}

leaked_blocks leak_scope::check() const noexcept {
  if (!is_known_ || !is_tracked_whole()) return {};
  search s = {began_, thread_, options_.all_threads, options_.within.id()};
  return look(s);
}

leaked_blocks leak_scope::report() const noexcept {
  if (!is_known_ || !is_tracked_whole()) return {};
  search s = {began_, thread_, options_.all_threads, options_.within.id()};
  const leaked_blocks all = look(s);
  if (all.blocks == 0) return all;
  const detail::debug_report report(options_.sink);
  os::line head;
  head.text("ashlar: scope '").text(name_).text("' ends with ").decimal(all.blocks);
  report.put(head.text(all.blocks == 1 ? " live block, " : " live blocks, ").bytes(all.bytes));
  while (!s.sums.empty()) put_sum(report, s.sums.take_largest());
  if (s.sums.others() != 0) {
    os::line line;
    report.put(line.text("  ").decimal(s.sums.others()).text(" blocks of other sites"));
  }
  return all;
}

}  // namespace ashlar
