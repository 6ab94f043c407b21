// SPDX-License-Identifier: MIT
// Captures made up for the tests, as the bytes of their files.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "ashlar/observe/capture.hpp"

namespace ashlar::tool::test {

/// Collects what goes into a capture, and writes it as the library does.
class capture_builder {
 public:
  observe::capture_header header{};
  std::string maps;
  std::string strings = std::string(1, '\0');
  std::vector<std::uint64_t> frames;
  std::vector<observe::capture_site> sites;
  std::vector<observe::capture_tag> tags;
  std::vector<observe::capture_thread> threads;
  std::vector<observe::capture_mark> marks;
  std::vector<observe::capture_mark> frame_marks;
  std::vector<observe::capture_period> periods;
  std::vector<observe::capture_inner> inner;
  std::string suppressions;
  std::string said;

  capture_builder() {
    header.magic = observe::capture_magic;
    header.version = observe::capture_version;
    header.pid = 4711;
    header.level = 3;
    header.depth = 24;
    header.start_ns = 1'000'000'000;
    header.taken_ns = 3'500'000'000;
    header.own_bytes = 98'304;
    header.has_leaks = 1;
    std::strcpy(header.program, "game");
  }

  std::uint32_t text(const std::string& words) {
    const auto at = static_cast<std::uint32_t>(strings.size());
    strings += words + std::string(1, '\0');
    return at;
  }

  std::uint32_t tag(const std::string& name, std::uint32_t parent, std::uint64_t live,
                    std::uint64_t peak, std::uint64_t soft = ~0ULL) {
    tags.push_back({.name = text(name),
                    .parent = parent,
                    .soft = soft,
                    .hard = ~0ULL,
                    .live_bytes = live,
                    .peak_bytes = peak});
    return static_cast<std::uint32_t>(tags.size() - 1);
  }

  /// Adds a site whose place the API carried, with a stack of addresses besides.
  observe::capture_site& site(const std::string& function, const std::string& file,
                              std::uint32_t line, std::uint32_t tag_number,
                              const std::vector<std::uint64_t>& stack = {}) {
    observe::capture_site made{};
    made.first_frame = static_cast<std::uint32_t>(frames.size());
    made.frame_count = static_cast<std::uint32_t>(stack.size());
    made.file = text(file);
    made.function = text(function);
    made.line = line;
    made.tag = tag_number;
    frames.insert(frames.end(), stack.begin(), stack.end());
    sites.push_back(made);
    return sites.back();
  }

  void mark(const std::string& name, std::uint32_t at_ms, std::uint64_t live,
            std::uint32_t frame = 0) {
    marks.push_back({text(name), at_ms, live, 0, frame, 0});
    header.period_marks = static_cast<std::uint32_t>(marks.size());
  }

  /// Adds what containers took of a manager at the last site that was added.
  observe::capture_inner& took(const std::string& kind, const std::string& name,
                               std::uint64_t live_blocks, std::uint64_t size,
                               std::uint64_t born_blocks) {
    inner.push_back({.site = static_cast<std::uint32_t>(sites.size() - 1),
                     .kind = text(kind),
                     .name = name.empty() ? 0 : text(name),
                     .unused = 0,
                     .born_blocks = born_blocks,
                     .born_bytes = born_blocks * size,
                     .live_blocks = live_blocks,
                     .live_bytes = live_blocks * size});
    return inner.back();
  }

  std::string bytes() const {
    observe::capture_header head = header;
    std::string body(sizeof head, '\0');
    std::size_t section = 0;
    const auto add = [&](observe::section_kind kind, const void* data, std::size_t size,
                         std::size_t count) {
      body.resize((body.size() + 7) / 8 * 8);
      head.sections[section++] = {kind, static_cast<std::uint32_t>(size), body.size(), count};
      body.append(static_cast<const char*>(data), size * count);
    };
    add(observe::section_kind::maps, maps.data(), 1, maps.size());
    add(observe::section_kind::frames, frames.data(), sizeof frames[0], frames.size());
    add(observe::section_kind::sites, sites.data(), sizeof sites[0], sites.size());
    add(observe::section_kind::tags, tags.data(), sizeof tags[0], tags.size());
    add(observe::section_kind::threads, threads.data(), sizeof threads[0], threads.size());
    add(observe::section_kind::marks, marks.data(), sizeof(observe::capture_mark), marks.size());
    add(observe::section_kind::frame_marks, frame_marks.data(), sizeof(observe::capture_mark),
        frame_marks.size());
    add(observe::section_kind::periods, periods.data(), sizeof(observe::capture_period),
        periods.size());
    add(observe::section_kind::inner, inner.data(), sizeof(observe::capture_inner), inner.size());
    add(observe::section_kind::suppressions, suppressions.data(), 1, suppressions.size());
    add(observe::section_kind::said, said.data(), 1, said.size());
    add(observe::section_kind::strings, strings.data(), 1, strings.size());
    std::memcpy(body.data(), &head, sizeof head);
    return body;
  }
};

inline void set_figures(observe::capture_site& site, std::uint64_t live_blocks, std::uint64_t size,
                        std::uint64_t born_blocks, std::uint64_t temporary = 0) {
  site.live_blocks = live_blocks;
  site.live_bytes = live_blocks * size;
  site.born_blocks = born_blocks;
  site.born_bytes = born_blocks * size;
  site.temporary_blocks = temporary;
}

/// A game with four tags, one of them over its budget, and two leaks.
inline capture_builder game_capture() {
  capture_builder all;
  constexpr std::uint64_t mib = 1 << 20;
  all.tag("", 0, 64'000, 128'000);
  const auto render = all.tag("render", 0, mib, 2 * mib, 8 * mib);
  const auto textures = all.tag("textures", render, 12 * mib, 14 * mib, 10 * mib);
  const auto scripts = all.tag("scripts", 0, 3 * mib, 6 * mib, 4 * mib);
  all.header.peak_bytes = 20 * mib;
  all.header.live_bytes = 16 * mib + 64'000;
  set_figures(all.site("game::texture_cache::upload(game::image const&)",
                       "/src/game/render/texture_cache.cpp", 214, textures, {0x401234, 0x402000}),
              12, mib, 40);
  set_figures(all.site("game::frame::begin()", "/src/game/render/frame.cpp", 30, render), 1, mib,
              60);
  set_figures(all.site("script::value::make_table(unsigned long)", "/src/game/script/value.h", 88,
                       scripts, {0x401300}),
              3 * 1024, 1024, 1'103'517, 1'000'000);
  observe::capture_site& session = all.site("net::session::session()", "/src/game/net/session.cpp",
                                            131, 0, {0x401400, 0x402100});
  set_figures(session, 60, 1000, 100);
  session.lost_blocks = 40;
  session.lost_bytes = 40'000;
  session.held_blocks = 5;
  session.held_bytes = 5'000;
  observe::capture_site& plugin = all.site("plugin_load", "/src/plugins/load.c", 9, 0);
  set_figures(plugin, 4, 1000, 4);
  plugin.lost_blocks = 4;
  plugin.lost_bytes = 4'000;
  all.threads.push_back({all.text("game"), 4711, 0, 0, 1'103'000, 1'200 * mib, 1'099'000,
                         1'184 * mib, 4'000, 16 * mib});
  all.threads.push_back({all.text("loader"), 4712, 1, 0, 721, 2 * mib, 721, 2 * mib, 0, 0});
  return all;
}

}  // namespace ashlar::tool::test
