// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/inner_section.hpp"

#include "ashlar/observe/capture.hpp"

namespace ashlar::replace {

namespace {

// Counts are read one after another while threads go on: a death may be seen alone.
std::uint64_t less(std::uint64_t born, std::uint64_t dead) { return born > dead ? born - dead : 0; }

}  // namespace

// Of a site that is newer than those which are written, nothing is.
std::uint64_t write_inner_section(const observe::inner_table& known, const inner_extent& extent,
                                  capture_texts& texts, capture_output& out) noexcept {
  std::uint64_t count = 0;
  for (std::uint32_t i = 1; i < extent.group_end; ++i) {
    const observe::inner_group& group = known.group(i);
    if (group.site >= extent.site_count) continue;
    const observe::inner_label& label = known.label(group.label);
    observe::site_cell sum;
    sum.add(group.counts);
    const observe::capture_inner entry = {.site = group.site - 1,
                                          .kind = texts.add(label.kind),
                                          .name = texts.add(label.name),
                                          .unused = 0,
                                          .born_blocks = sum.born_blocks,
                                          .born_bytes = sum.born_bytes,
                                          .live_blocks = less(sum.born_blocks, sum.dead_blocks),
                                          .live_bytes = less(sum.born_bytes, sum.dead_bytes)};
    out.add(&entry, sizeof entry);
    ++count;
  }
  return count;
}

}  // namespace ashlar::replace
