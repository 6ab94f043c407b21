// SPDX-License-Identifier: MIT
// A program that switches tracking on by itself, and asks for captures.
#include <fcntl.h>

#include "ashlar/observe/capture.hpp"
#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

ashlar::observe::capture_header read_header(const char* path) {
  ashlar::observe::capture_header header{};
  const int file = open(path, O_RDONLY);
  expect(file >= 0, "the capture can be opened");
  expect(read(file, &header, sizeof header) == sizeof header, "it has a header");
  close(file);
  return header;
}

}  // namespace

int main() {
  expect_ashlar();
  char path[] = "/tmp/ashlar-asks-XXXXXX";
  const int file = mkstemp(path);
  expect(file >= 0, "there is a file to write to");
  close(file);
  expect(!ashlar::write_capture(path), "nothing was tracked yet");
  expect(ashlar::set_tracking({.level = ashlar::track_level::full}), "tracking begins");
  void* const block = opaque(malloc(12'345));
  ashlar::mark_time("made");
  expect(!ashlar::write_capture(), "there is no folder for captures");
  expect(ashlar::write_capture(path), "a capture is written");
  const ashlar::observe::capture_header header = read_header(path);
  expect(header.magic == ashlar::observe::capture_magic, "it is whole");
  expect(header.reason == ashlar::observe::capture_reason::request, "it says why");
  expect(header.gaps == 0 && header.has_leaks == 1, "it lacks nothing");
  expect(header.live_bytes >= 12'345 && header.period_marks == 1, "it has the block and the mark");
  free(block);
  unlink(path);
}
