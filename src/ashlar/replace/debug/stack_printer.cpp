// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/stack_printer.hpp"

#include <cstring>

#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/mapping.hpp"

namespace ashlar::replace {

std::size_t stack_printer::keep(const char* name) noexcept {
  const std::size_t size = std::strlen(name) + 1;
  if (used_ + size > names_size) return 0;
  std::memcpy(names_ + used_, name, size);
  used_ += size;
  return used_ - size;
}

// One pass over the mappings for all frames.
void stack_printer::find_files(const std::uintptr_t* frames, std::uint32_t count) noexcept {
  names_[0] = 0;
  used_ = 1;
  std::memset(place_, 0, sizeof place_);
  char current[256] = "";
  std::size_t kept = 0;
  std::uintptr_t begin = 0;
  os::mapping_list maps;
  for (os::mapped_range m; maps.next(m);) {
    if (m.name[0] == '/' && std::strncmp(m.name, current, sizeof current - 1) != 0) {
      std::strncpy(current, m.name, sizeof current - 1);
      kept = 0;
      begin = m.begin;
    }
    if (m.name[0] != '/') continue;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (frames[i] - 1 - m.begin >= m.end - m.begin) continue;
      if (kept == 0) kept = keep(current);
      place_[i] = {begin, kept};
    }
  }
}

void stack_printer::print(const std::uintptr_t* frames, std::uint32_t count) noexcept {
  if (count > observe::stack_frames_limit) count = observe::stack_frames_limit;
  find_files(frames, count);
  for (std::uint32_t i = 0; i < count; ++i) {
    os::line l;
    l.text("    #").decimal(i).text(" ").hex(frames[i]);
    const char* const name = names_ + place_[i].name;
    if (name[0] != 0) l.text(" ").text(name).text("+").hex(frames[i] - place_[i].begin);
    write_(l);
  }
}

void stack_printer::print_site(observe::site_id site) noexcept {
  const observe::site_key key = observe::process_tracker().sites.key_of(site);
  if (key.file != nullptr) {
    os::line l;
    l.text("    in ").text(key.function).text(", ").text(key.file).text(":").decimal(key.line);
    write_(l);
  }
  print(key.frames, key.frame_count);
}

void stack_printer::print_from(const observe::caller& from) noexcept {
  std::uintptr_t frames[observe::stack_frames_limit];
  os::stack_bounds bounds = {};
  const std::uint32_t depth = observe::process_tracker().settings().depth;
  print(frames, observe::walk_stack(
                    from, bounds, frames,
                    depth < observe::stack_frames_limit ? depth : observe::stack_frames_limit));
}

}  // namespace ashlar::replace
