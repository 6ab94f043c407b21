// SPDX-License-Identifier: MIT
// Reads the file in which a process has left what its tracker knows (ashlar/observe/capture.hpp).
//
// The file comes from another process, which may have died over it, or from another version of the
// library, or it is no capture at all: everything in it is checked before it is handed on, so that
// whoever uses a `capture` need not check again.
// Threads: values; thread-compatible.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ashlar/observe/capture.hpp"

namespace ashlar::tool {

/// A whole capture. All indices and offsets in it are in range.
struct capture {
  observe::capture_header header{};
  std::string maps;  // the text of /proc/PID/maps
  std::string strings;
  std::vector<std::uint64_t> frames;  // return addresses
  std::vector<observe::capture_site> sites;
  std::vector<observe::capture_tag> tags;  // parents before their children; 0 is "no tag"
  std::vector<observe::capture_thread> threads;
  std::vector<observe::capture_mark> marks;
  std::vector<observe::capture_mark> frame_marks;  // of the last frames, the oldest first
  std::vector<observe::capture_period> periods;
  std::vector<observe::capture_inner> inner;  // what containers took from managers
  std::string suppressions;                   // that the program brings along
  std::string said;                           // lines of ashlar's on stderr
  std::time_t written = 0;                    // when the file was last changed; 0: not known

  std::string_view text(std::uint32_t offset) const { return strings.c_str() + offset; }
  std::span<const std::uint64_t> stack_of(const observe::capture_site& site) const {
    return std::span(frames).subspan(site.first_frame, site.frame_count);
  }
  std::string program() const;
  /// "game/render/textures"; empty for no tag.
  std::string tag_path(std::uint32_t tag) const;
  bool lacks(observe::capture_gap gap) const { return (header.gaps & gap) != 0; }
};

struct capture_result {
  std::shared_ptr<const capture> value;
  std::string problem;  // without `value`: what is wrong, as the end of a sentence
  bool missing = false;

  explicit operator bool() const { return value != nullptr; }
};

/// Reads a capture from the bytes of its file.
capture_result parse_capture(std::string_view bytes);

capture_result read_capture(const std::filesystem::path& file);

/// Returns the name of the file that a process writes inside of the capture directory.
std::string capture_file_name(pid_t pid);

/// Returns the files that a process has written there meanwhile, the earliest first.
std::vector<std::filesystem::path> captures_meanwhile(const std::filesystem::path& folder,
                                                      pid_t pid);

}  // namespace ashlar::tool
