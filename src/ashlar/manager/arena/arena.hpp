// SPDX-License-Identifier: MIT
// The arena: blocks one behind the other, freed all at once or back to a mark.
//
//     ashlar::arena ast({.name = "ast"});                  // one range of 1 GiB, committed as used
//     node* n = ast.make<node>(kind);                      // gone with the arena
//     int* table = ast.push<int>(1000);                    // zeroed; null if there is no memory
//     {
//       ashlar::arena_scope scratch(ast);
//       ...                                                // what is pushed here ends here
//     }
//     ast.clear();                                         // everything ends, memory is kept
//
// One type for every backing (arena_options.hpp): only the slow path, taken when the window is
// used up, knows what lies behind it.
//
// Positions. `pos()` numbers the bytes handed out, alignment gaps included, dense over all chunks.
// In the current chunk a position is an address less `origin_`. A chunk beside it (a request above
// a quarter of the growth cap, or adopted contents) takes its positions out of the middle by moving
// `origin_`, while pushing goes on behind the same byte.
//
//     chain:   [chunk]<-[chunk]<-[current: .... cur_ | free | end_ ]     kept: idle chunks
//     beside:      [large]<-[large]
//
// Zero knowledge. Each chunk knows from where on it is zero for certain. The border moves up only
// when a rewind lets go of bytes that were handed out, so pages fresh from the OS are never
// cleared.
//
// Invariants (check_invariants): 1 the window lies in the current chunk, and within the limit;
// 2 positions rise along both lists; 3 `held` is the sum of all chunks; 4 the bytes kept are the
// sum of the kept chunks; 5 finalizers end at or below `pos()`. Threads: one at a time; `usage` any
// time. Cost: a push takes 16 instructions, 7 if its size is known when compiling
// (tests/codegen holds that); 0.85 ns warm.
#pragma once

#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/base/poison.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/manager/arena/arena_chunk.hpp"
#include "ashlar/manager/arena/arena_options.hpp"
#include "ashlar/manager/arena/arena_watcher.hpp"
#include "ashlar/manager/arena/mark_history.hpp"
#include "ashlar/manager/concepts.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {

namespace detail {
// Of a fixed arena, which is bounded, and of all others.
extern ASHLAR_EXPORT const manager_ops arena_ops;
extern ASHLAR_EXPORT const manager_ops fixed_arena_ops;
}  // namespace detail

class ASHLAR_EXPORT arena : public manager {
 public:
  static constexpr const char* kind_name = "arena";
  static constexpr capability promises = capability::no_op_deallocate;

  /// Over 1 GiB of reserved address space of the system.
  constexpr arena() noexcept;
  explicit arena(const arena_options& options) noexcept;
  /// Runs the destructors of what is owned, and gives everything back. Fault: still_in_use, if a
  /// child is open: nothing ends then, and the memory is left to the child for ever.
  ~arena();

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  /// Clears only what was used before.
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept;
  /// Does nothing: blocks end with the arena or a rewind.
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  /// In place for the last block while there is room behind it; shrinking gives its end back.
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;

  /// Returns bytes aligned to `auto_align`, zeroed or as they are; null if they cannot be had, and
  /// then nothing has changed.
  void* push(std::size_t size) noexcept { return allocate_zeroed({size, auto_align_}).data(); }
  void* push_no_zero(std::size_t size) noexcept { return allocate({size, auto_align_}).data(); }
  /// Returns `count` objects, zeroed or as they are. Null as above. For types without constructor.
  template <class T>
  T* push(std::size_t count = 1) noexcept;
  template <class T>
  T* push_no_zero(std::size_t count = 1) noexcept;
  /// Makes an object that needs no destructor. Null as above.
  template <class T, class... Arguments>
  T* make(Arguments&&... arguments);
  /// Makes an object whose destructor runs when a rewind goes below it, latest first. Null as
  /// above. The record takes three words, and none if the type needs no destructor.
  template <class T, class... Arguments>
  T* own(Arguments&&... arguments);
  /// Moves the position up until the address of the next push is a multiple of `alignment`; an
  /// arena of chunks goes on in another one if need be. Returns false, having changed nothing, if
  /// that cannot be had, or if it is no power of two.
  bool push_aligner(std::size_t alignment) noexcept;
  /// Sets the alignment of pushes that name none; 0 is 1. Pushes fail while it is no power of two.
  void set_auto_align(std::size_t alignment) noexcept {
    auto_align_ = alignment + (alignment == 0);
  }

  mark here() const noexcept { return history_.make(this, pos()); }
  /// Ends what was pushed since a mark. Faults: stale_mark; still_in_use, if memory of an open
  /// child lies above. Nothing happens then. Where more than eight rewinds in a row each ended
  /// marks above the place of the one before, the arena forgets one of them, that with the least
  /// between it and the next: a mark that only this one ended is then the position that it names,
  /// as for `pop_to`.
  void rewind(mark place) noexcept;
  std::size_t pos() const noexcept { return address_of(cur_) - origin_; }
  /// Faults: stale_mark, if `position` lies above `pos()`; still_in_use.
  void pop_to(std::size_t position) noexcept;
  /// Faults: pop_beyond_start; still_in_use.
  void pop(std::size_t size) noexcept;
  /// Ends all blocks and keeps the memory, up to `keep`. Fault: still_in_use.
  void clear() noexcept;
  /// Ends all blocks and gives all memory back. Fault: still_in_use.
  void free_all() noexcept;
  /// Gives idle memory back until `keep` bytes of it are left. Returns the bytes given back.
  std::size_t trim(std::size_t keep = 0) noexcept;

  /// Takes over all that was pushed onto `other`, owned objects included, which is empty afterwards
  /// and as new, but for its buffer: that goes along. Marks of `other` end. Its upstream and its
  /// buffer must outlive this arena from now on. Errors: over_budget, not_enough_memory (there is
  /// no room for a record), unsupported (`other` has open children, is one, or lies in its own
  /// memory): nothing has changed.
  [[nodiscard]] status adopt(arena& other) noexcept;

  /// Returns an arena whose chunks come from this one: a life within its life. Several may be open;
  /// a rewind below their memory is a fault while they are. One that ends as the last gives its
  /// memory back to this one. `options.upstream` is set; a backing other than inline_then_chained
  /// becomes chained.
  [[nodiscard]] arena sub(const arena_options& options = {}) noexcept {
    return arena(*this, options);
  }

  bool owns(const void* p) const noexcept;
  manager_usage usage() const noexcept;
  void restart_peak() noexcept { store_relaxed(peak_, std::size_t{0}); }
  std::size_t page_size() const noexcept;

  struct chunk_view {
    std::byte* data;
    std::size_t used;
    std::size_t size;
  };
  /// Calls `visit(chunk_view)` for each chunk in use, newest first.
  template <class Visit>
  void for_each_chunk(Visit&& visit) const;

  /// Shows every push and rewind to `watcher` from now on, or to nobody (null). The window stays
  /// closed meanwhile. Returns who was shown them before.
  arena_watcher* exchange_watcher(arena_watcher* watcher) noexcept;
  /// The bytes of the current chunk that are not in use, committed all of them.
  os::range idle_part() const noexcept {
    return {cur_, static_cast<std::size_t>(current_->end - cur_)};
  }

  bool check_invariants() const noexcept;

 protected:
  /// For an arena that lies at the start of its own reservation: `used` bytes of it are taken, and
  /// it is not given back.
  arena(const arena_options& options, os::range range, std::size_t committed,
        std::size_t used) noexcept;

  /// For one that lies in a chunk or a buffer of its own.
  struct guest {};
  arena(const arena_options& options, guest) noexcept : arena(options) { is_guest_ = true; }

  std::size_t committed() const { return first_.size; }
  bool has_children() const { return child_ != nullptr; }
  /// The OS manager that a reserved arena uses.
  static os_manager& os_of(const arena_options& options) noexcept;
  /// What pages are taken in multiples of.
  static std::size_t granule_of(const arena_options& options, const os_manager& os) noexcept;
  /// What is committed at a time, at least.
  static std::size_t commit_step_of(const arena_options& options) noexcept;

 private:
  using chunk = detail::arena_chunk;
  using finalizer = detail::arena_finalizer;
  friend struct arena_tables;
  friend class arena_snapshot;

  // While pushes are watched, by a watcher or by a tool (base/poison.hpp), the window is closed; it
  // is open within one of our own functions.
  class opened {
   public:
    explicit opened(arena& a) noexcept : arena_(a) { set(true); }
    ~opened() { set(false); }
    opened(const opened&) = delete;
    opened& operator=(const opened&) = delete;

   private:
    void set(bool open) noexcept {
      arena_.is_open_ = open;
      if (arena_.current_->data != nullptr) arena_.open_window();
    }
    arena& arena_;
  };
  bool is_watched() const noexcept { return watcher_ != nullptr || poison::is_watched(); }
  bool is_shut() const noexcept { return !is_open_ && is_watched(); }

  arena(arena& parent, const arena_options& options) noexcept;

  static manager* upstream_of(const arena_options& options) noexcept;

  // The slow halves; the tables lead to them.
  allocation allocate_slow(layout request, fit wanted) noexcept;
  allocation allocate_zeroed_slow(layout request, fit wanted) noexcept;
  allocation allocate_shut(layout request, fit wanted, bool zeroed) noexcept;
  allocation resize_shut(block b, std::size_t alignment, const resize& change) noexcept;
  void clear_used(std::byte* p, std::size_t size) noexcept;
  const void* pool_at(const std::byte* p) const noexcept;
  static const void* pool_of(const chunk& c) noexcept {
    return c.holds_its_record() ? c.memory : c.data;
  }
  void hide_rest(const chunk& c, const std::byte* from) noexcept;
  static void show_all(const chunk& c) noexcept;
  allocation resize_block(block b, std::size_t alignment, const resize& change) noexcept;
  bool resize_last(block b, std::size_t size) noexcept;
  bool may_give_tail_back(std::size_t position) const noexcept;

  allocation grow(layout needed) noexcept;
  allocation grow_reserved(layout needed) noexcept;
  allocation grow_chained(layout needed) noexcept;
  allocation refuse(layout needed, const std::byte* end) const noexcept;
  bool reserve_range() noexcept;
  status commit_to(const std::byte* end) noexcept;
  status commit(std::size_t size) noexcept;
  std::size_t growth_size_for(std::size_t total) const noexcept;
  std::size_t grown(std::size_t size) const noexcept;
  bool enter_at(std::size_t alignment) noexcept;
  allocation find_chunk(layout needed, bool is_large) noexcept;
  chunk* take_kept(layout needed, std::size_t most) noexcept;
  allocation new_chunk(layout needed, bool is_large) noexcept;
  allocation refuse_chunk(layout needed, const allocation& refused) const noexcept;
  memory upstream_handle() const noexcept;
  static std::size_t total_for(layout needed) noexcept;
  void note_in_parent(std::size_t before) noexcept;
  void enter(chunk& c, std::byte* data) noexcept;
  void put_beside(chunk& c, std::byte* data, std::size_t used) noexcept;
  void open_window() noexcept;
  std::size_t limit_left() const noexcept { return limit_ - pos(); }

  bool may_rewind_to(std::size_t position) noexcept;
  void rewind_to(std::size_t position) noexcept;
  bool rewind_beside(std::size_t position) noexcept;
  bool is_below_current(std::size_t position) const noexcept;
  void leave_current() noexcept;
  void run_finalizers(std::size_t position) noexcept;
  void note_peak() noexcept;
  void retire(chunk& c) noexcept;
  void give_back(chunk& c) noexcept;
  std::size_t trim_kept(std::size_t keep) noexcept;
  std::size_t trim_range(std::size_t keep) noexcept;
  void release_all() noexcept;
  void close_as_child() noexcept;
  void leave_parent() noexcept;
  void hand_children_on() noexcept;

  void adopt_chunks(chunk* list, const chunk& but) noexcept;
  void adopt_first(arena& other, chunk& record) noexcept;
  void adopt_owned(arena& other) noexcept;
  void forget_everything() noexcept;
  void set_up() noexcept;
  void attach(chunk& c) noexcept;

  bool is_beside_newer() const noexcept {
    return beside_ != nullptr && beside_->position >= current_->position;
  }
  std::size_t granule() const noexcept { return granule_of(options_, os_of(options_)); }
  os_manager& os_of_range() const noexcept { return os_of(options_); }

  chunk first_;               // the buffer or the reservation; empty if there is neither
  chunk* current_ = &first_;  // holds the window; the chain goes on from here
  chunk* beside_ = nullptr;
  chunk* kept_ = nullptr;
  std::uintptr_t origin_ = 0;   // of the positions in the current chunk
  std::byte* dirty_ = nullptr;  // of the current chunk
  finalizer* last_owned_ = nullptr;
  detail::mark_history history_;

  std::size_t auto_align_ = default_alignment;
  std::size_t aligned_at_ = 0;  // by push_aligner
  std::size_t aligned_to_ = 1;
  std::size_t limit_ = arena_options::unlimited;
  std::size_t next_size_ = 0;  // of the growth sequence; 0: from the start
  std::size_t kept_size_ = 0;
  std::size_t held_ = 0;
  std::size_t peak_ = 0;
  os::range range_;        // address space of a reserved arena
  bool is_guest_ = false;  // the arena lies in its own memory

  // Children lie on the parent's list; `needs_` is the position up to which the parent must stay.
  arena* parent_ = nullptr;
  arena* child_ = nullptr;
  arena* sibling_ = nullptr;
  std::size_t opened_at_ = 0;
  std::size_t needs_ = 0;
  bool is_alone_ = true;  // nobody else pushed onto the parent from `opened_at_` to `needs_`

  bool is_open_ = false;
  arena_watcher* watcher_ = nullptr;

  arena_options options_;
};

/// A bump manager is an arena over a buffer: arena({.kind = backing::fixed, .buffer = ...}).
using bump_manager = arena;

// --- the fast paths ------------------------------------------------------------------------------

constexpr arena::arena() noexcept : manager(detail::arena_ops, nullptr) {}

// With a closed window everything goes through the table, which may have been exchanged.

inline allocation arena::allocate(layout request, fit wanted) noexcept {
  std::byte* p = nullptr;
  if (take(request, p)) [[likely]]
    return allocation::of(p, request.size);
  return ops().allocate(*this, request, wanted);
}

inline allocation arena::allocate_zeroed(layout request, fit wanted) noexcept {
  std::byte* p = nullptr;
  if (!take(request, p)) [[unlikely]]
    return ops().allocate_zeroed(*this, request, wanted);
  if (p < dirty_) {
    const auto used_before = static_cast<std::size_t>(dirty_ - p);
    std::memset(p, 0, request.size < used_before ? request.size : used_before);
  }
  return allocation::of(p, request.size);
}

inline void arena::deallocate(block b, std::size_t alignment) noexcept {
  if (cur_ == end_) [[unlikely]]
    ops().deallocate(*this, b, alignment);
}

inline allocation arena::reallocate(block b, std::size_t alignment, const resize& change) noexcept {
  return ops().reallocate(*this, b, alignment, change);
}

template <class T>
T* arena::push(std::size_t count) noexcept {
  static_assert(std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>,
                "use make or own");
  std::size_t size = 0;
  if (!checked_multiply(count, sizeof(T), size)) return nullptr;
  return static_cast<T*>(allocate_zeroed({size, alignof(T)}).data());
}

template <class T>
T* arena::push_no_zero(std::size_t count) noexcept {
  static_assert(std::is_trivially_default_constructible_v<T> && std::is_trivially_destructible_v<T>,
                "use make or own");
  std::size_t size = 0;
  if (!checked_multiply(count, sizeof(T), size)) return nullptr;
  return static_cast<T*>(allocate({size, alignof(T)}).data());
}

template <class T, class... Arguments>
T* arena::make(Arguments&&... arguments) {
  static_assert(std::is_trivially_destructible_v<T>, "its destructor would not run: use own");
  void* const p = allocate({sizeof(T), alignof(T)}).data();
  return p != nullptr ? ::new (p) T(std::forward<Arguments>(arguments)...) : nullptr;
}

template <class T, class... Arguments>
T* arena::own(Arguments&&... arguments) {
  if constexpr (std::is_trivially_destructible_v<T>) {
    return make<T>(std::forward<Arguments>(arguments)...);
  } else {
    using owned = detail::arena_owned<T>;
    void* const p = allocate({sizeof(owned), alignof(owned)}).data();
    if (p == nullptr) return nullptr;
    auto* const record = ::new (p) owned;
    T* const object = ::new (record->object) T(std::forward<Arguments>(arguments)...);
    // Only now: of an object whose constructor throws, or pushes, the order stays right.
    record->previous = last_owned_;
    record->end = pos();
    record->destroy = [](finalizer& f) noexcept {
      std::launder(reinterpret_cast<T*>(static_cast<owned&>(f).object))->~T();
    };
    last_owned_ = record;
    return object;
  }
}

template <class Visit>
void arena::for_each_chunk(Visit&& visit) const {
  const auto view = [&](const chunk& c, const std::byte* top) {
    if (c.data != nullptr)
      visit(chunk_view{c.data, static_cast<std::size_t>(top - c.data),
                       static_cast<std::size_t>(c.end - c.data)});
  };
  for (const chunk* c = current_; c != nullptr; c = c->previous)
    view(*c, c == current_ ? cur_ : c->top);
  for (const chunk* c = beside_; c != nullptr; c = c->previous) view(*c, c->top);
}

}  // namespace ashlar
