// SPDX-License-Identifier: MIT
#include "ashlar/manager/inner_blocks.hpp"

#include "ashlar/base/bits.hpp"
#include "ashlar/observe/stack_walk.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar {

namespace {

// No block of malloc has this size.
constexpr std::size_t none_yet = static_cast<std::size_t>(-1);

/// Tells whether a block of malloc or new that a call made is the very block that it returned.
class malloc_watch {
 public:
  explicit malloc_watch(observe::thread_state& thread) noexcept : thread_(thread) {
    thread_.latest_size = none_yet;
  }
  bool saw(const allocation& a) const noexcept {
    return thread_.latest == ~address_of(a.data()) && thread_.latest_size == at_least_one(a.size());
  }

 private:
  observe::thread_state& thread_;
};

}  // namespace

template <class Ask>
allocation inner_blocks::ask(memory from, const observe::caller& by, Ask asked) noexcept {
  observe::thread_state& thread = observe::this_thread();
  const malloc_watch malloc(thread);
  const bool is_outermost = thread.inside_adapters == 0;
  allocation fresh;
  {
    const scope within;
    fresh = asked();
  }
  if (fresh && is_outermost && thread.muted == 0 && are_watched() &&
      !from.can(capability::serves_new) && !malloc.saw(fresh))
    note(*from.get(), fresh, by);
  return fresh;
}

allocation inner_blocks::allocate(memory from, layout request, fit wanted,
                                  const observe::caller& by) noexcept {
  return ask(from, by, [&] { return from.allocate(request, wanted); });
}

ASHLAR_COLD allocation inner_blocks::allocate_watched(memory from, layout request,
                                                      fit wanted) noexcept {
  return allocate(from, request, wanted, observe::caller_of_this());
}

// The old block ends first: somebody else may have its memory before the call returns.
ASHLAR_COLD allocation inner_blocks::reallocate_watched(memory from, block b, std::size_t alignment,
                                                        const resize& change) noexcept {
  manager& m = *from.get();
  observe::inner_table& table = observe::process_tracker().inner;
  const observe::inner_manager known{&m, m.kind(), m.name(), m.inner_number_};
  const observe::inner_facts was =
      b && m.has_inner_blocks() ? table.leave(known, b.data) : observe::inner_facts{};
  const allocation resized =
      ask(from, observe::caller_of_this(), [&] { return from.reallocate(b, alignment, change); });
  if (!resized) table.restore(known, b.data, was);
  return resized;
}

// The manager's tag is the last in the order.
void inner_blocks::note(manager& from, const allocation& fresh,
                        const observe::caller& by) noexcept {
  const tag_id of_thread = observe::this_thread().tag;
  observe::process_tracker().note_inner({&from, from.kind(), from.name(), from.inner_number_},
                                        fresh.data(), fresh.size(), by,
                                        of_thread != 0 ? of_thread : from.tag());
}

}  // namespace ashlar
