// SPDX-License-Identifier: MIT
// The process's tracker, which counts exactly, and blocks for it.
#pragma once

#include <gtest/gtest.h>

#include <source_location>

#include "ashlar/observe/tracker.hpp"

namespace ashlar::observe {

// A block as far as the tracker goes.
struct tracked_block {
  block_record record{};
};

class tracker_test : public ::testing::Test {
 protected:
  tracker_test() { use({.level = track_level::full, .depth = 0, .exact_peaks = true}); }
  ~tracker_test() override {
    t.set_thread_tag(0);
    use({});
  }

  void use(const track_settings& settings) { EXPECT_TRUE(t.set(settings)); }
  tag_id define(const char* path) { return t.tags.define(path); }
  void make(tracked_block& b, std::size_t size,
            std::source_location place = std::source_location::current()) {
    t.note_birth(b.record, &b, {.size = size, .place = &place});
  }
  void end(tracked_block& b) { t.note_death(b.record, &b); }

  tracker& t = process_tracker();
};

}  // namespace ashlar::observe
