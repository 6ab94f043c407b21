// SPDX-License-Identifier: MIT
// Watches one arena from now until the end of a scope: guards, patterns, pages, a log.
//
//     ashlar::arena_watch watch(level, {.protect = true});   // nothing is compiled differently
//     ...
//     watch.check();                                         // looks at all guards now
//
// While it lives the arena's window is closed, so that every push comes by here; afterwards it is
// as fast as before. What was pushed before is not watched. A push takes `guard` bytes more, which
// positions count, and no block grows in place. Popped bytes are filled with a pattern, or, with
// `protect`, whole pages of them cannot be touched until they are pushed again.
//
// The arena outlives it, and is not adopted meanwhile. Threads: as the arena. Memory: the OS's, 40
// bytes a push.
#pragma once

#include "ashlar/manager/arena/arena.hpp"
#include "ashlar/manager/check/debug_options.hpp"
#include "ashlar/observe/table/growing_table.hpp"

namespace ashlar {

struct arena_watch_options {
  std::uint16_t guard = 16;  ///< bytes of a pattern behind each push
  bool fill = true;          ///< fresh bytes that need not be zero, and popped ones
  std::uint8_t fresh_byte = 0xcd;
  std::uint8_t popped_byte = 0xdd;
  std::uint8_t guard_byte = 0xfd;
  bool protect = false;     ///< popped pages
  std::uint8_t depth = 24;  ///< most return addresses of a push's call stack
  /// Called at each push (`allocated`) and pop (`freed`). Must not use the arena.
  void* log_context = nullptr;
  void (*log)(void* context, const debug_event& event) = nullptr;
  debug_sink sink = {};
};

class ASHLAR_EXPORT arena_watch : private arena_watcher {
 public:
  explicit arena_watch(arena& watched, const arena_watch_options& options = {}) noexcept;
  /// Checks all guards, and lets the arena go.
  ~arena_watch();
  arena_watch(const arena_watch&) = delete;
  arena_watch& operator=(const arena_watch&) = delete;

  /// Returns how many pushes have been written over their end. Each is a fault (overrun), once.
  std::size_t check() noexcept;
  /// Returns the pushes that it knows: those since it began and not popped.
  std::size_t pushes() const { return count_; }
  /// Pushes that could not be watched for want of memory.
  std::size_t missed() const { return missed_; }

 private:
  struct push {
    std::byte* data;
    std::size_t size;
    std::size_t end;  // position behind it
    std::uint64_t sequence;
    observe::site_id site;
    bool is_reported;
  };

  static void on_about_to_push(arena_watcher& self, arena& a, std::size_t size);
  static void on_pushed(arena_watcher& self, arena& a, std::byte* data, std::size_t size,
                        bool zeroed);
  static void on_about_to_rewind(arena_watcher& self, arena& a, std::size_t position);
  static void on_rewound(arena_watcher& self, arena& a);

  bool check_push(push& p) noexcept;
  void open_pages(std::size_t size) noexcept;
  observe::site_id site_here() noexcept;
  void note(debug_event_kind kind, const push& p) noexcept;

  arena* arena_;
  arena_watch_options options_;
  arena_watcher* before_ = nullptr;
  os::range shut_;  // pages that cannot be touched
  std::size_t count_ = 0;
  std::size_t missed_ = 0;
  std::uint64_t sequence_ = 0;
  observe::growing_table<push, std::size_t{1} << 24> pushes_;
};

}  // namespace ashlar
