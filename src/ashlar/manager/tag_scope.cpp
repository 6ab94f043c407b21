// SPDX-License-Identifier: MIT
#include "ashlar/manager/tag_scope.hpp"

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/ended_scopes.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar {

namespace {

using observe::tag_frame;

// Few, for they lie in the static thread-local storage: of that little is left to a library that is
// loaded late.
constexpr std::size_t most_pushed = 16;

// What push_tag has nobody to keep for it.
struct pushed_tags {
  std::size_t count = 0;
  tag_frame frames[most_pushed];
};
constinit thread_local pushed_tags pushed;

// The innermost scope of this thread, after those that ended in other threads are out of its list.
const tag_frame* innermost_scope() {
  if (detail::ended_scopes::some()) [[unlikely]]
    detail::ended_scopes::take_out_own();
  return observe::this_thread().scopes;
}

void enter(tag_frame& frame, tag wanted, const std::source_location& place, bool is_explicit) {
  observe::thread_state& thread = observe::this_thread();
  frame.outer = innermost_scope();
  frame.owner = &thread;
  frame.place = place;
  frame.tag = wanted.id();
  frame.before = thread.tag;
  frame.is_explicit = is_explicit;
  thread.scopes = &frame;
  observe::process_tracker().set_thread_tag(wanted.id());
}

std::source_location place_of(const tag_frame* frame) {
  return frame != nullptr ? frame->place : std::source_location();
}

void leave(const tag_frame& frame) {
  observe::this_thread().scopes = frame.outer;
  observe::process_tracker().set_thread_tag(frame.before);
}

// Takes a frame that is not the innermost one out of the list, so that nobody finds it when it is
// gone. Whoever lies inside keeps its tag, and gives back what this one would have.
void take_out(const tag_frame& frame) {
  for (auto* f = const_cast<tag_frame*>(observe::this_thread().scopes); f != nullptr;
       f = const_cast<tag_frame*>(f->outer)) {
    if (f->outer != &frame) continue;
    f->outer = frame.outer;
    f->before = frame.before;
    return;
  }
}

}  // namespace

tag_scope::tag_scope(tag wanted, std::source_location place) noexcept {
  enter(frame_, wanted, place, false);
}

tag_scope::~tag_scope() {
  const tag_frame* const innermost = innermost_scope();
  if (innermost == &frame_) [[likely]] {
    leave(frame_);
    return;
  }
  report_fault_at(fault_kind::unbalanced_tag, &frame_, {"pushed at", frame_.place},
                  {"while the last one is of", place_of(innermost)});
  if (frame_.owner == &observe::this_thread())
    take_out(frame_);
  else
    detail::ended_scopes::add(frame_);
}

block_tag_scope::block_tag_scope(tag of) noexcept : before_(observe::this_thread().tag) {
  if (of) observe::process_tracker().set_thread_tag(of.id());
}

block_tag_scope::~block_tag_scope() { observe::process_tracker().set_thread_tag(before_); }

tag current_tag() noexcept {
  (void)innermost_scope();
  return tag(observe::this_thread().tag);
}

tag_token capture_tags() noexcept {
  const tag_frame* const innermost = innermost_scope();
  return {tag(observe::this_thread().tag), place_of(innermost)};
}

bool push_tag(tag wanted, std::source_location place) noexcept {
  pushed_tags& all = pushed;
  if (all.count == most_pushed) return false;
  enter(all.frames[all.count++], wanted, place, true);
  return true;
}

void pop_tag(tag expected, std::source_location place) noexcept {
  const tag_frame* const innermost = innermost_scope();
  if (innermost == nullptr || !innermost->is_explicit || innermost->tag != expected.id())
    return report_fault_at(fault_kind::unbalanced_tag, innermost,
                           {"last pushed at", place_of(innermost)}, {"popped at", place});
  leave(*innermost);
  --pushed.count;
}

}  // namespace ashlar
