// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/stack_printer.hpp"

#include <cstring>

#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/mapping.hpp"

namespace ashlar::replace {

namespace {

constexpr std::size_t names_size = 8192;

// Which file an address lies in, and where that begins. One pass over the mappings for all frames.
class module_finder {
 public:
  void find(const std::uintptr_t* frames, std::uint32_t count) noexcept;
  const char* name_of(std::uint32_t frame) const { return names_ + place_[frame].name; }
  std::uintptr_t begin_of(std::uint32_t frame) const { return place_[frame].begin; }

 private:
  struct place {
    std::uintptr_t begin;
    std::size_t name;  // offset into `names_`: 0 is the empty name
  };
  std::size_t keep(const char* name) noexcept;

  place place_[observe::stack_frames_limit] = {};
  std::size_t used_ = 0;
  char names_[names_size] = {};
};

std::size_t module_finder::keep(const char* name) noexcept {
  const std::size_t size = std::strlen(name) + 1;
  if (used_ + size > names_size) return 0;
  std::memcpy(names_ + used_, name, size);
  used_ += size;
  return used_ - size;
}

void module_finder::find(const std::uintptr_t* frames, std::uint32_t count) noexcept {
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

constinit module_finder finder;

}  // namespace

void print_stack(const std::uintptr_t* frames, std::uint32_t count) noexcept {
  if (count > observe::stack_frames_limit) count = observe::stack_frames_limit;
  finder.find(frames, count);
  for (std::uint32_t i = 0; i < count; ++i) {
    os::line l;
    l.text("    #").decimal(i).text(" ").hex(frames[i]);
    if (finder.name_of(i)[0] != 0)
      l.text(" ").text(finder.name_of(i)).text("+").hex(frames[i] - finder.begin_of(i));
    os::write_line(l);
  }
}

void print_site(observe::site_id site) noexcept {
  const observe::site_key key = observe::process_tracker().sites.key_of(site);
  if (key.file != nullptr) {
    os::line l;
    l.text("    in ").text(key.function).text(", ").text(key.file).text(":").decimal(key.line);
    os::write_line(l);
  }
  print_stack(key.frames, key.frame_count);
}

void print_stack_from(const observe::caller& from) noexcept {
  std::uintptr_t frames[observe::stack_frames_limit];
  os::stack_bounds bounds = {};
  const std::uint32_t depth = observe::process_tracker().settings().depth;
  print_stack(frames,
              observe::walk_stack(
                  from, bounds, frames,
                  depth < observe::stack_frames_limit ? depth : observe::stack_frames_limit));
}

}  // namespace ashlar::replace
