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

/// What a manager answered, and whether that is a block inside it, none of malloc's.
struct inner_blocks::answer {
  allocation fresh;
  bool is_inner;
};

template <class Ask>
auto inner_blocks::ask(memory from, Ask asked) noexcept -> answer {
  const malloc_watch malloc(observe::this_thread());
  const scope within;
  const allocation fresh = asked();
  return {fresh, fresh && !from.can(capability::serves_new) && !malloc.saw(fresh)};
}

bool inner_blocks::are_noted() noexcept {
  const observe::thread_state& thread = observe::this_thread();
  return thread.inside_adapters == 0 && thread.muted == 0 && are_watched();
}

allocation inner_blocks::allocate(memory from, layout request, fit wanted,
                                  const observe::caller& by) noexcept {
  const answer got = ask(from, [&] { return from.allocate(request, wanted); });
  if (got.is_inner && are_noted()) note(*from.get(), got.fresh, by);
  return got.fresh;
}

ASHLAR_COLD allocation inner_blocks::allocate_watched(memory from, layout request,
                                                      fit wanted) noexcept {
  return allocate(from, request, wanted, observe::caller_of_this());
}

// The old block ends first: somebody else may have its memory before the call returns. One that was
// known stays known, whatever the level is now: where nobody looks, for its old place and tag.
ASHLAR_COLD allocation inner_blocks::reallocate_watched(memory from, block b, std::size_t alignment,
                                                        const resize& change) noexcept {
  manager& m = *from.get();
  observe::inner_table& table = observe::process_tracker().inner;
  const observe::inner_manager known{&m, m.kind(), m.name(), m.inner_number_};
  const observe::inner_facts was =
      b && m.has_inner_blocks() ? table.leave(known, b.data) : observe::inner_facts{};
  const answer got = ask(from, [&] { return from.reallocate(b, alignment, change); });
  if (!got.fresh)
    table.restore(known, b.data, was);
  else if (got.is_inner && are_noted())
    note(m, got.fresh, observe::caller_of_this());
  else if (got.is_inner)
    (void)table.enter_anew(known, got.fresh.data(), got.fresh.size(), was);  // counts what is lost
  return got.fresh;
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
