// SPDX-License-Identifier: MIT
// The general heap: any size, any alignment, any thread.
//
// A heap takes regions from a source (the OS, a block of the user's, an interface of the user's),
// cuts them into spans (span_store), spans into slabs, and serves small and medium blocks from a
// local heap for each thread that uses it. Large blocks get spans of their own. Any number of heaps
// may live; pointers find their way home through the page map, so deallocating needs no heap.
//
// Threads: thread-safe, construction and destruction included; a heap may be destroyed by any
// thread while no other thread uses it or its blocks.
// Cost: see fast_path.hpp for small blocks that hit; about 100 ns for large ones. Under a tool that
// watches memory every call takes locks (heap_poison.cpp).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ashlar/base/result.hpp"
#include "ashlar/heap/local_heap.hpp"
#include "ashlar/heap/span_store.hpp"
#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

namespace observe {
struct snapshot;
}

/// Limits of a heap and what to call when they are met. Units: bytes in spans and direct blocks.
struct heap_limits {
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::size_t soft = none;
  /// Never exceeded. Threads that allocate at the same time near it may be refused a little early.
  std::size_t hard = none;
  void* context = nullptr;
  /// Called when use first rises above `soft`, and again after it has been below. No lock is held.
  void (*above_soft)(void* context, std::size_t used) = nullptr;
  /// Called when `hard` would be exceeded. Returns true to have the allocation tried again, after
  /// memory was freed. No lock is held; it may allocate, but is not called for that.
  bool (*at_hard)(void* context, std::size_t used, std::size_t wanted) = nullptr;
};

struct heap_options {
  os_manager* os = nullptr;  ///< where regions come from; null: the system's
  heap_limits limits = {};
  /// Blocks never share a cache line with another block: sizes round up to multiples of 64 bytes.
  bool cache_line_aligned = false;
  /// Each block has a record for the observer; frees take the slow path.
  bool watched = false;
  /// Threads may have their allocations sampled: no tool is told of blocks.
  bool sampled = false;
  const char* name = nullptr;  ///< in the registry; must outlive the heap
};

/// A block that a walk has come to: its header may be gone from the page map already, for its owner
/// is about to give it back, but is what it was until the walk ends.
struct walked_record {
  const slab& header;
  void* data;
  std::size_t size;  // usable bytes
  observe::block_record& record;
};

/// Called for each block of a walk with its record. The heap is locked: it must not be used.
struct record_visitor {
  void* context = nullptr;
  void (*visit)(void* context, const walked_record& found) = nullptr;
};

/// Where a block lies: the header that tells of it, and its number there (0 for a large one).
struct block_place {
  slab* header = nullptr;  // null: no block starts there
  std::uint32_t index = 0;
};

struct range_visitor {
  void* context = nullptr;
  void (*visit)(void* context, os::range found) = nullptr;
};

/// Says that a heap is to begin without memory: `heap(not_started)`.
struct not_started_t {
  explicit constexpr not_started_t() = default;
};
inline constexpr not_started_t not_started;

class ASHLAR_EXPORT heap : public manager {
 public:
  static constexpr const char* kind_name = "heap";
  static constexpr capability promises = capability::thread_safe;
  /// Larger alignments are refused: `bad_alignment`.
  static constexpr std::size_t max_alignment = std::size_t{1} << 40;

  /// Over the system, without limits.
  heap() noexcept : heap(heap_options{}) {}
  explicit heap(const heap_options& options) noexcept : heap(not_started) { initialize(options); }
  /// Refuses everything until `initialize`: for static storage that is used before `main`.
  constexpr explicit heap(not_started_t) noexcept : manager(ops_for<heap>, nullptr) {}
  ~heap() { destroy(); }

  /// Makes a heap ready that is not; one that is ready is destroyed first. Errors: `no_memory`; the
  /// heap then refuses everything.
  status initialize(const heap_options& options) noexcept;

  /// Gives every block, slab and region back, whoever holds them. The heap may be initialised
  /// again.
  void destroy() noexcept;

  /// Returns a block, or the reason why not.
  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  /// As `allocate`, with every byte zero. Fresh pages are not cleared twice.
  allocation allocate_zeroed(layout request, fit wanted = fit::get_exact) noexcept;

  /// Takes back a block of any heap. Null is ignored. Errors: a fault for anything else.
  void deallocate(void* p) noexcept;
  /// The same: a heap knows the size and alignment of its blocks.
  void deallocate(block b, std::size_t = default_alignment) noexcept { deallocate(b.data); }

  /// Resizes a block: in place where that is possible, by moving otherwise if it may. Contents are
  /// kept up to the smaller size. A null block is allocated. Errors: the reason (`unsupported`: it
  /// would have had to move); the block is unchanged.
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;

  /// Returns the usable bytes of a block of any heap; 0 for null and for foreign pointers. Of heaps
  /// that tell a tool, what was asked for.
  /// Requires: `p` does not point inside a block.
  static std::size_t usable_size(const void* p) noexcept;
  /// The same of a block with this header: what a heap sets aside for it, and what a sample's
  /// chance goes by.
  static std::size_t usable_bytes_of(const slab& s) noexcept;
  /// The usable bytes of a large block of `size` bytes: whole pages; but no more of what would be
  /// a medium one and has a span, being a sample.
  static std::size_t usable_bytes_of_large(std::size_t size) noexcept;
  /// Returns the usable size that `allocate` would give for `size`, unless memory has run short and
  /// a larger block stands in.
  static std::size_t good_size(std::size_t size) noexcept;
  /// Returns where the block that starts at `p` lies.
  static block_place place_of(const void* p) noexcept {
    slab* const s = process_page_map.header_of(p);
    return s != nullptr ? place_in(*s, p) : block_place{};
  }
  /// The same, given the header of whatever `p` points to.
  static block_place place_in(slab& s, const void* p) noexcept {
    if (!s.is_slab()) return {p == s.start ? &s : nullptr, 0};
    const std::uint32_t index = s.index_of(p);
    return {index < s.capacity && s.block_at(index) == p ? &s : nullptr, index};
  }
  /// Returns the record of the block that starts at `p`; null if it has none, or is no block.
  static observe::block_record* record_of(const void* p) noexcept {
    const block_place at = place_of(p);
    return at.header != nullptr && at.header->watched ? &at.header->record_at(at.index) : nullptr;
  }
  /// Whether a block that is to have `size` bytes stays where it is; then it has.
  static bool resize_in_place(slab& s, std::size_t size, bool may_move) noexcept;
  /// Has a large block of any heap be watched from now on, or no more: it has a record then.
  /// Returns false, and does nothing, if it lies in a slab. For the owner of the block only.
  static bool watch_large(const void* p, bool watched) noexcept;
  /// Has a large block of any heap remember how often the mean between samples was doubled that its
  /// bytes went by. Nothing if it lies in a slab.
  static void set_doublings(const void* p, std::uint8_t doublings) noexcept;
  /// Returns the heap that `p` came from, or null.
  static heap* owner_of(const void* p) noexcept;

  /// Returns idle memory to the OS: this thread's bins, idle threads' bins, empty slabs, free spans
  /// until `keep` bytes are left. Returns the bytes returned to the OS.
  std::size_t trim(std::size_t keep = 0) noexcept;

  /// Gives every block back, whoever holds them, and all memory with them. Requires: no other
  /// thread uses the heap or its blocks.
  void free_all() noexcept;

  /// Returns whether `p` points into memory of this heap. Slow where it is no start of a block.
  bool owns(const void* p) const noexcept;

  /// Visits each live block. Blocks in bins of running threads are left out; exact while no other
  /// thread allocates.
  void walk(block_visitor visitor) noexcept;

  /// Visits each live block that is watched with its record. Requires: `lock_headers`, or
  /// `lock_all`.
  void walk_records(record_visitor visitor) noexcept;
  /// Visits the address ranges that this heap has reserved for blocks. Requires: as `walk_records`.
  void walk_ranges(range_visitor visitor) noexcept;

  /// `used` counts the spans that hold blocks, `held` also those kept for reuse.
  manager_usage usage() const noexcept;

  /// Fills the parts of `s` that a heap knows. Slow: visits every slab.
  void describe(observe::snapshot& s) noexcept;

  /// Requires: no other thread uses the heap meanwhile.
  void set_limits(const heap_limits& limits) noexcept { limits_ = limits; }
  const heap_limits& limits() const noexcept { return limits_; }
  /// From now on what `other` uses counts too, towards the limits here; null: no more. For two
  /// heaps with the same limits, each of which counts the other. `other` must live as long.
  void count_with(heap* other) noexcept { store_relaxed(beside_, other); }
  /// Tells how many threads can run at a time (processors, or the quota of a container): that many
  /// local heaps of ended threads keep their bins for the next threads.
  void set_concurrency(std::uint32_t threads) noexcept { store_relaxed(idle_with_bins_, threads); }
  std::size_t used_bytes() const noexcept {
    return store_.used_bytes() + load_relaxed(direct_bytes_);
  }

  void check_invariants() noexcept;

  // --- for the local heaps, the replacement of malloc and fork ---

  /// Returns this thread's local heap, creating it; null if there is no memory, the thread is
  /// ending, or the heap tells a tool of each block. `binding` is the thread's pointer to it: set
  /// now, and set to `unbound` when the thread ends.
  local_heap* bind(bin_set** binding, bin_set* unbound) noexcept;
  local_heap* local() noexcept;
  /// As `local`, but null instead of a new one.
  local_heap* bound_to_this_thread() noexcept;

  /// Serves a request without a local heap.
  void* allocate_unbound(size_class c) noexcept;
  /// Serves what is no small or medium block. The first `clear` bytes are zero.
  allocation allocate_large(layout request, std::size_t clear) noexcept;
  /// Serves any request of a thread, given its local heap (or null).
  allocation allocate_from(local_heap* h, layout request, bool zero) noexcept;
  /// The same, of a request that `class_for` gave class `c`.
  allocation allocate_as(local_heap* h, size_class c, layout request, bool zero) noexcept;
  /// Takes back `p` from a thread with local heap `h` (or null) of this heap.
  static void deallocate_from(local_heap* h, void* p) noexcept;
  /// The same, of a block that starts at `p` and whose header is `s`.
  static void put_back(local_heap* h, slab& s, void* p) noexcept {
    if (!s.is_slab()) [[unlikely]]
      return s.home->deallocate_large(s);
    if (h == nullptr || s.home != h->home) [[unlikely]]
      return put_remote(s, p);
    if (bin& b = h->bins[s.class_index]; !b.push(p)) h->push(s.class_index, p);
  }
  allocation reallocate_from(local_heap* h, void* p, std::size_t alignment,
                             const resize& change) noexcept;

  /// Returns the class that serves a request; `class_count` if it is a large one. Requires: the
  /// alignment is a power of two.
  size_class class_for(layout request) const noexcept;

  slab* allocate_slab(size_class c, bool populate) noexcept;
  void publish_slab(slab& s) noexcept;
  void deallocate_slab(slab& s) noexcept;
  bool has_idle() const noexcept { return load_relaxed(idle_) != nullptr; }
  bool is_short() const noexcept;
  slab* take_idle_slab(size_class c, local_heap& taker) noexcept;
  slab* take_any_slab(size_class c, local_heap& taker) noexcept;
  void* take_left_over(size_class c, size_class last) noexcept;

  /// Takes every lock of this heap, to look at it as a whole.
  void lock_all() noexcept;
  void unlock_all() noexcept;
  /// Keeps all headers where they are: no slab and no large block comes or goes meanwhile, but what
  /// slabs have is handed out and taken back.
  void lock_headers() noexcept;
  void unlock_headers() noexcept;
  void lock_for_fork() noexcept;
  void unlock_after_fork() noexcept;
  void repair_after_fork() noexcept;

  span_store& store() { return store_; }
  heap* next_heap() const { return next_; }

 private:
  friend class heap_registry;

  // Room below the hard limit that is kept for a thread while it takes memory.
  class claim {
   public:
    claim(heap& h, std::size_t bytes) noexcept;
    ~claim();
    claim(const claim&) = delete;
    claim& operator=(const claim&) = delete;

    explicit operator bool() const { return granted_; }

   private:
    heap& heap_;
    std::size_t bytes_;  // 0 without a limit
    bool granted_ = true;
  };

  std::size_t counted_bytes() const noexcept {
    const heap* const other = load_relaxed(beside_);
    return used_bytes() + (other != nullptr ? other->used_bytes() : 0);
  }
  bool has_room_for(std::size_t bytes) noexcept;
  bool charge(std::size_t bytes) noexcept;
  void abandon_locals() noexcept;
  static bool unlink_from_this_thread(const local_heap& h) noexcept;
  bool reclaim(std::size_t wanted) noexcept;
  local_heap* adopt_or_create() noexcept;
  local_heap* shared_local() noexcept;
  void retire(local_heap& h) noexcept;
  /// Takes blocks out of slabs for an empty bin, and returns one of them, with its whole size.
  allocation refill(local_heap* h, size_class c, std::size_t requested) noexcept;
  ASHLAR_COLD allocation allocate_told(layout request, bool zero) noexcept;
  static void show_direct(const slab& s) noexcept;
  allocation take_large(layout request, std::size_t clear) noexcept;
  allocation allocate_in_span(layout request, std::size_t clear) noexcept;
  allocation allocate_direct(layout request) noexcept;
  void link_direct(slab& s, std::size_t counted) noexcept;
  void unlink_direct(slab& s, std::size_t uncounted) noexcept;
  bool resize_direct(slab& s, std::size_t size) noexcept;
  void recharge(os::range before, os::range after) noexcept;
  bool tag_admits(std::size_t more) noexcept;
  bool move_direct(slab& s, std::size_t size) noexcept;
  slab* new_large_header(slab_kind kind, std::byte* start, std::size_t requested,
                         std::uint32_t slices) noexcept;
  void deallocate_large(slab& s) noexcept;
  bool resize_large(slab& s, std::size_t size) noexcept;
  allocation move_large(slab& s, layout request, std::size_t used) noexcept;
  allocation move_block(local_heap* h, void* p, std::size_t kept, layout request) noexcept;
  void open(os_manager& os) noexcept;
  void close() noexcept;

  span_store store_;
  heap_limits limits_;
  local_heap* looked_at_ = nullptr;  // by take_any_slab, last; guarded by mutex_
  heap* beside_ = nullptr;           // what it uses counts towards the limits, too
  std::uint32_t route_tag_ = 0;      // of all its local heaps and slabs
  bool ready_ = false;
  bool cache_line_aligned_ = false;
  bool watched_ = false;
  bool tells_ = false;  // a tool, of each block (heap_poison.cpp)
  bool soft_reported_ = false;
  std::atomic<std::size_t> claimed_{0};
  std::size_t direct_bytes_ = 0;
  std::size_t peak_direct_ = 0;

  lock mutex_;  // guards the lists below; taken before any local heap's
  local_heap* locals_ = nullptr;
  local_heap* idle_ = nullptr;
  std::uint32_t idle_count_ = 0;
  std::uint32_t idle_with_bins_ = 4;
  local_heap* shared_ = nullptr;
  slab* direct_ = nullptr;  // all direct blocks, for walking and destroying
  heap* next_ = nullptr;    // all heaps of the process
  heap* prev_ = nullptr;
};

}  // namespace ashlar
