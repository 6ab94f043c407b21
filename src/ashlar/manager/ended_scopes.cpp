// SPDX-License-Identifier: MIT
#include "ashlar/manager/ended_scopes.hpp"

#include "ashlar/base/macros.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/structure/lock.hpp"

namespace ashlar::detail {

namespace {

using observe::tag_frame;

struct ended_scope {
  const tag_frame* place;
  tag_frame was;
};

constinit lock mutex;
constinit ended_scope entries[ended_scopes::capacity] = {};

// The one that was at `place` in this thread's list, or null. Requires: the lock.
const tag_frame* find(const tag_frame* place, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i)
    if (entries[i].place == place && entries[i].was.owner == &observe::this_thread())
      return &entries[i].was;
  return nullptr;
}

}  // namespace

constinit std::atomic<std::size_t> ended_scopes::count_{0};

void ended_scopes::add(const tag_frame& frame) noexcept {
  const lock_guard guard(mutex);
  const std::size_t count = count_.load(std::memory_order_relaxed);
  ASHLAR_CHECK(count < capacity);
  entries[count] = {&frame, frame};
  count_.store(count + 1, std::memory_order_relaxed);
}

// Reads no scope before it has looked for it here. Whoever lies inside of one that is gone keeps
// its tag, and gives back what that one would have.
void ended_scopes::take_out_own() noexcept {
  const lock_guard guard(mutex);
  observe::thread_state& thread = observe::this_thread();
  const std::size_t count = count_.load(std::memory_order_relaxed);
  const tag_frame* gone;
  while ((gone = find(thread.scopes, count)) != nullptr) {
    thread.scopes = gone->outer;
    observe::process_tracker().set_thread_tag(gone->before);
  }
  for (auto* f = const_cast<tag_frame*>(thread.scopes); f != nullptr;
       f = const_cast<tag_frame*>(f->outer)) {
    while ((gone = find(f->outer, count)) != nullptr) {
      f->outer = gone->outer;
      f->before = gone->before;
    }
  }
  std::size_t left = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (entries[i].was.owner != &thread) entries[left++] = entries[i];
  count_.store(left, std::memory_order_relaxed);
}

}  // namespace ashlar::detail
