// SPDX-License-Identifier: MIT
// A listener for GoogleTest that fails a test which leaks, or which needs more than it may.
//
//     int main(int argc, char** argv) {
//       testing::InitGoogleTest(&argc, argv);
//       ashlar::install_leak_listener({.most_bytes = 64_MiB});
//       return RUN_ALL_TESTS();
//     }
//
// Looked at are all managers that are in the registry before and after a test, by their live blocks
// or, where they do not count these, by their bytes in use; and, where the process is tracked
// (level `full` or `debug`), all bytes that are tracked. A manager that a test makes and leaves
// open is a leak if anything lives in it. What lives on by design is said: `allow` in the test.
//
// Header only, so that the library does not need GoogleTest. Threads: those that a test started
// must have ended with it. Cost: two walks of the registry a test.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "ashlar/manager/memory_system.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar {

struct leak_listener_options {
  static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);
  /// The most bytes that may be in use at once, per manager; of tracked bytes as well. It is
  /// checked against peaks, so a test fails that raises one above it.
  std::size_t most_bytes = unlimited;
  /// Whether bytes of malloc and new count, in a process that is tracked.
  bool with_tracker = true;
};

class leak_listener : public ::testing::EmptyTestEventListener {
 public:
  explicit leak_listener(const leak_listener_options& options = {}) : options_(options) {}

  /// In a test: so many blocks and bytes of a manager may outlive it. The name "" stands for the
  /// tracked process.
  static void allow(const std::string& manager, std::size_t blocks, std::size_t bytes) {
    allowed()[manager] = {blocks, bytes};
  }

  void OnTestStart(const ::testing::TestInfo&) override {
    allowed().clear();
    before_ = take();
  }

  void OnTestEnd(const ::testing::TestInfo& test) override {
    const reading now = take();
    for (const auto& [who, after] : now.managers) {
      const auto known = before_.managers.find(who);
      look_at(test, who.second, known != before_.managers.end() ? known->second : figures{}, after);
    }
    if (options_.with_tracker) look_at(test, "", before_.process, now.process);
  }

 private:
  struct figures {
    std::size_t blocks = manager_usage::unknown;
    std::size_t bytes = 0;
    std::size_t peak = 0;
  };
  // By address as well: two managers may have the same name.
  using identity = std::pair<const manager*, std::string>;
  struct reading {
    std::map<identity, figures> managers;
    figures process;
  };

  static std::map<std::string, std::pair<std::size_t, std::size_t>>& allowed() {
    static std::map<std::string, std::pair<std::size_t, std::size_t>> of_this_test;
    return of_this_test;
  }

  // The visit may not use the registry, and so not a manager that is in it: what it finds goes into
  // a buffer first.
  reading take() const {
    struct found {
      const manager* m;
      char name[64];
      manager_usage usage;
    };
    struct list {
      found entries[512];
      std::size_t count = 0;
    };
    static list all;
    all.count = 0;
    system().for_each(&all, [](void* context, const manager& m, unsigned) {
      auto& to = *static_cast<list*>(context);
      if (to.count == sizeof to.entries / sizeof to.entries[0]) return false;
      found& f = to.entries[to.count++];
      f.m = &m;
      std::strncpy(f.name, m.name(), sizeof f.name - 1);
      f.name[sizeof f.name - 1] = '\0';
      f.usage = m.ops().usage(m);
      return true;
    });
    reading result;
    for (std::size_t i = 0; i < all.count; ++i) {
      const manager_usage& u = all.entries[i].usage;
      if (u.used == manager_usage::unknown) continue;
      result.managers[{all.entries[i].m, all.entries[i].name}] = {
          u.live_blocks, u.used, u.peak_used != manager_usage::unknown ? u.peak_used : u.used};
    }
    observe::tracker& tracker = observe::process_tracker();
    if (tracker.level() >= observe::track_level::full) {
      result.process.bytes = static_cast<std::size_t>(tracker.live_bytes());
      result.process.peak = static_cast<std::size_t>(tracker.peak_bytes());
    }
    return result;
  }

  void look_at(const ::testing::TestInfo& test, const std::string& name, const figures& before,
               const figures& after) const {
    const std::string who = name.empty() ? "the process" : "manager '" + name + "'";
    const auto exception = allowed().find(name);
    const auto [blocks, bytes] =
        exception != allowed().end() ? exception->second : std::pair<std::size_t, std::size_t>{};
    const bool counts = after.blocks != manager_usage::unknown;
    const std::size_t blocks_before = before.blocks != manager_usage::unknown ? before.blocks : 0;
    const bool has_more_blocks = counts && after.blocks > blocks_before + blocks;
    const bool has_more_bytes = after.bytes > before.bytes + bytes;
    // Where blocks are counted, bytes alone may be what is kept for later.
    if (has_more_blocks || (!counts && has_more_bytes)) {
      ADD_FAILURE() << test.test_suite_name() << "." << test.name() << " leaks: " << who << " had "
                    << describe(before) << ", and has " << describe(after);
    }
    if (after.peak > options_.most_bytes && after.peak > before.peak) {
      ADD_FAILURE() << test.test_suite_name() << "." << test.name() << ": " << who << " needed "
                    << after.peak << " bytes, and may need " << options_.most_bytes;
    }
  }

  static std::string describe(const figures& f) {
    std::string text = std::to_string(f.bytes) + " bytes";
    if (f.blocks != manager_usage::unknown) text += " in " + std::to_string(f.blocks) + " blocks";
    return text;
  }

  leak_listener_options options_;
  reading before_;
};

/// Adds a listener to the tests of this program, before whoever prints results. GoogleTest ends it.
inline void install_leak_listener(const leak_listener_options& options = {}) {
  ::testing::TestEventListeners& all = ::testing::UnitTest::GetInstance()->listeners();
  ::testing::TestEventListener* const printer = all.Release(all.default_result_printer());
  all.Append(new leak_listener(options));
  if (printer != nullptr) all.Append(printer);
}

}  // namespace ashlar
