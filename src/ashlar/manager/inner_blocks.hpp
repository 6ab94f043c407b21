// SPDX-License-Identifier: MIT
// How containers and adapters ask a manager for blocks: so that a tracker that looks at every block
// sees theirs too.
//
// Blocks of malloc and new are tracked by who serves them. What an arena, a pool, a fit manager or
// a heap hands out is not: its fast paths are to stay what they are. But a container comes here
// first, and at the levels full and debug its block is entered in observe/table/inner_table.hpp,
// under the tag that counts (tag.hpp) and with the place that asked. What malloc or new served is
// not: it is tracked there, or the manager says that it would be (capability::serves_new). An
// adapter upon an adapter is one block: that of the outermost.
//
// A block that was entered ends when its container gives it back here, whatever the level is then;
// when its manager ends it with others; when an arena, or a shared one, takes its
// addresses back.
// Threads: as the manager. Cost: a load and a branch for each call; where blocks are entered, a
// walk of the stack, a lock and a search.
#pragma once

#include "ashlar/base/relaxed.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/observe/thread_state.hpp"

namespace ashlar::observe {
struct caller;
}  // namespace ashlar::observe

namespace ashlar {

class ASHLAR_EXPORT inner_blocks {
 public:
  /// Whether they are entered now.
  ASHLAR_FORCE_INLINE static bool are_watched() noexcept {
    return load_relaxed(ashlar_watch_v1) != 0;
  }

  /// As the functions of `memory`.
  ASHLAR_FORCE_INLINE static allocation allocate(memory from, layout request,
                                                 fit wanted = fit::get_exact) noexcept {
    if (are_watched()) [[unlikely]]
      return allocate_watched(from, request, wanted);
    return from.allocate(request, wanted);
  }
  ASHLAR_FORCE_INLINE static void deallocate(memory from, block b, std::size_t alignment) noexcept {
    // Before: somebody else may have the memory at once.
    from.get()->inner_block_ended(b.data);
    from.deallocate(b, alignment);
  }
  ASHLAR_FORCE_INLINE static allocation reallocate(memory from, block b, std::size_t alignment,
                                                   const resize& change) noexcept {
    if (are_watched() || from.get()->has_inner_blocks()) [[unlikely]]
      return reallocate_watched(from, b, alignment, change);
    return from.reallocate(b, alignment, change);
  }

  /// As `allocate`, for who knows better than this function who called the library.
  static allocation allocate(memory from, layout request, fit wanted,
                             const observe::caller& by) noexcept;

  /// What this thread takes through adapters meanwhile is part of a block that is entered already,
  /// or a manager's.
  class [[nodiscard]] scope {
   public:
    scope() noexcept { ++observe::this_thread().inside_adapters; }
    ~scope() { --observe::this_thread().inside_adapters; }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
  };

 private:
  ASHLAR_COLD static allocation allocate_watched(memory from, layout request, fit wanted) noexcept;
  ASHLAR_COLD static allocation reallocate_watched(memory from, block b, std::size_t alignment,
                                                   const resize& change) noexcept;
  struct answer;
  template <class Ask>
  static answer ask(memory from, Ask asked) noexcept;
  static bool are_noted() noexcept;
  static void note(manager& from, const allocation& fresh, const observe::caller& by) noexcept;
};

}  // namespace ashlar
