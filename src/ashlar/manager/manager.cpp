// SPDX-License-Identifier: MIT
#include "ashlar/manager/manager.hpp"

#include "ashlar/manager/memory_system.hpp"
#include "ashlar/manager/unreleased.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar {

const manager& manager::root() const noexcept {
  const manager* m = this;
  while (const manager* const next = m->upstream()) m = next;
  return *m;
}

tag_id manager::backing_tag(bool passes_on) const noexcept {
  const observe::thread_state& thread = observe::this_thread();
  const tag_id of_thread = thread.muted == 0 ? thread.tag : tag_id{0};
  if (passes_on) return of_thread != 0 ? of_thread : tag_;
  return tag_ != 0 ? tag_ : of_thread;
}

void manager::join_registry(const char* name) noexcept {
  if (name != nullptr) system().enter(*this, name);
}

void manager::leave_registry(parting tells) noexcept {
  if (tells != parting::silent) detail::tell_unreleased(*this, tells == parting::told);
  if (name_ != nullptr) system().leave(*this);
}

manager::~manager() {
  // A derived class that does not leave first would be looked at while it ends.
  ASHLAR_CHECK(name_ == nullptr);
  if (has_inner_blocks()) [[unlikely]]
    observe::process_tracker().inner.close({this, nullptr, nullptr, inner_number_});
}

void manager::end_inner_blocks() noexcept {
  observe::process_tracker().inner.end_all({this, nullptr, nullptr, inner_number_});
}

void manager::end_inner_block(const void* data) noexcept {
  (void)observe::process_tracker().inner.leave({this, nullptr, nullptr, inner_number_}, data);
}

}  // namespace ashlar
