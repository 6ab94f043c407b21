// SPDX-License-Identifier: MIT
#include "ashlar/replace/leak_scan.hpp"

#include <sys/auxv.h>

#include <algorithm>
#include <cstring>

#include "ashlar/heap/metadata_store.hpp"
#include "ashlar/observe/table/range_set.hpp"
#include "ashlar/os/mapping.hpp"
#include "ashlar/replace/capture/self_copy.hpp"
#include "ashlar/replace/dead_stack.hpp"
#include "ashlar/replace/debug/guarded_heap.hpp"
#include "ashlar/replace/debug/page_guard.hpp"
#include "ashlar/replace/ended_threads.hpp"
#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

namespace {

using observe::block_record;
using observe::block_standing;

constexpr std::size_t buffer_size = 32_KiB;
constexpr std::size_t most_own_ranges = 4096;  // beside those of large samples

// The live watched block that an address lies in; no record: in none.
struct found_block {
  block_record* record = nullptr;
  std::byte* start = nullptr;
};

// Everything that a scan works with; one scan at a time.
class scan {
 public:
  bool run(const void* interrupted) noexcept;

 private:
  // Not inlined: what they leave on the stack must not lie in the frame of who scans it.
  ASHLAR_NO_INLINE void forget_verdicts() noexcept;
  ASHLAR_NO_INLINE void collect_own_ranges(watched_blocks_lock& blocks) noexcept;
  void add_watched(os::range memory) noexcept;
  void add_watched_ranges(watched_blocks_lock& blocks) noexcept;
  void add_large(const slab& s) noexcept;
  slab* header_around(std::uintptr_t address) const noexcept;
  found_block find_block(std::uintptr_t word) const noexcept;
  void add_own_data() noexcept;
  void add_dead_stacks() noexcept;
  void scan_roots() noexcept;
  void scan_sealed(os::written_pages& pages, const os::mapped_range& sealed) noexcept;
  template <class Function>
  void outside_own(std::uintptr_t begin, std::uintptr_t end, Function function) noexcept;
  void scan_root(std::uintptr_t begin, std::uintptr_t end) noexcept;
  void scan_resident(std::uintptr_t begin, std::uintptr_t end) noexcept;
  void scan_memory(std::uintptr_t begin, std::uintptr_t end, block_standing found) noexcept;
  void scan_block(std::uintptr_t begin, std::size_t size, block_standing found) noexcept;
  void look_at(std::uintptr_t word, block_standing found) noexcept;
  void drain(block_standing found) noexcept;
  void wait(os::range block) noexcept;
  void find_heads(watched_blocks_lock& blocks) noexcept;
  void take_as_head(os::range block, block_record& record) noexcept;
  void keep_one_of_each(watched_blocks_lock& blocks) noexcept;
  void add_own(os::range memory) noexcept;
  os::range* waiting() const { return reinterpret_cast<os::range*>(waiting_->data()); }

  observe::range_set* own_ = nullptr;
  observe::range_set* large_ = nullptr;        // the large blocks
  observe::growing_space* waiting_ = nullptr;  // blocks that were found, to be read
  std::size_t waiting_count_ = 0;
  std::size_t head_count_ = 0;                  // of lost blocks, which lie below those that wait
  std::size_t block_count_ = 0;                 // when the scan began
  std::size_t large_count_ = 0;                 // of them
  std::uintptr_t lowest_ = ~std::uintptr_t{0};  // watched blocks lie in [lowest_, highest_)
  std::uintptr_t highest_ = 0;
  std::uintptr_t dead_end_ = 0;   // of the stack, where `main` has returned
  std::uintptr_t stack_top_ = 0;  // of the thread that a signal interrupted; 0: of this one
  const void* head_ = nullptr;    // whose group is being read: no member of it makes it kept
  bool failed_ = false;
  bool reads_in_place_ = true;  // nobody makes pages of blocks inaccessible meanwhile
  alignas(8) std::byte buffer_[buffer_size] = {};
};

constinit scan the_scan;
constinit lock scan_mutex;

void scan::add_own(os::range memory) noexcept {
  if (!own_->add(memory)) failed_ = true;
}

// The data of this library, where it is one of its own: heaps know where their blocks begin.
void scan::add_own_data() noexcept {
  const std::uintptr_t code = address_of(reinterpret_cast<const void*>(&find_leaks));
  const std::uintptr_t entry = ::getauxval(AT_ENTRY);
  char name[256] = "";
  std::uintptr_t end = 0;  // of the last mapping that was added
  os::mapping_list maps;
  for (os::mapped_range m; maps.next(m);) {
    if (code - m.begin < m.end - m.begin) {
      if (entry - m.begin < m.end - m.begin) return;  // the program and we are one file
      std::strncpy(name, m.name, sizeof name - 1);
    }
    const bool is_file = name[0] != 0 && std::strncmp(name, m.name, sizeof name - 1) == 0;
    const bool is_rest = m.begin == end && m.name[0] == 0;  // what follows the file's: zeroes
    if (!m.writable || !(is_file || is_rest)) continue;
    add_own({at_address(m.begin), m.end - m.begin});
    end = m.end;
  }
}

// What ended threads have left is as little a root as what is ours.
void scan::add_dead_stacks() noexcept {
  constexpr std::size_t kept_for_others = 8;
  dead_stacks stacks;
  for (os::range each; own_->count() + kept_for_others < own_->most() && stacks.next(each);)
    add_own(each);
}

void scan::add_watched(os::range memory) noexcept {
  add_own(memory);
  lowest_ = std::min(lowest_, address_of(memory.data));
  highest_ = std::max(highest_, address_of(memory.end()));
}

void scan::add_large(const slab& s) noexcept {
  const os::range place = {s.start, s.place_size()};
  // Samples lie in the process heap, between blocks that are roots.
  if (s.home == &process_heap) add_watched(place);
  if (!large_->add(place)) failed_ = true;
}

void scan::add_watched_ranges(watched_blocks_lock& blocks) noexcept {
  watched_heap.walk_ranges(
      {this, [](void* self, os::range r) { static_cast<scan*>(self)->add_watched(r); }});
  blocks.walk({this, [](void* self, const walked_record& found) {
                 if (!found.header.is_slab()) static_cast<scan*>(self)->add_large(found.header);
               }});
  large_->sort();
}

void scan::collect_own_ranges(watched_blocks_lock& blocks) noexcept {
  add_watched_ranges(blocks);
  process_metadata.for_each_reservation([this](os::range r) { add_own(r); });
  process_page_map.for_each_plane([this](os::range r) { add_own(r); });
  observe::process_tracker().for_each_range([this](os::range r) { add_own(r); });
  freed_blocks.for_each_range([this](os::range r) { add_own(r); });
  for (heap* const each : {&watched_heap, &process_heap})
    add_own({reinterpret_cast<std::byte*>(each), sizeof(heap)});
  add_own(copy_stack());
  add_own_data();
  add_dead_stacks();
  // Last, for they grow while ranges are added.
  add_own({reinterpret_cast<std::byte*>(this), sizeof(*this)});
  add_own(own_->reserved());
  add_own(large_->reserved());
  add_own(waiting_->reserved());
  own_->join();
}

void scan::forget_verdicts() noexcept {
  block_count_ = 0;
  large_count_ = 0;
  watched_blocks_lock().walk({this, [](void* self, const walked_record& found) {
                                auto& s = *static_cast<scan*>(self);
                                found.record.set_standing(block_standing::lost);
                                ++s.block_count_;
                                if (!found.header.is_slab()) ++s.large_count_;
                              }});
}

// The page map knows a large block by its first slice alone.
slab* scan::header_around(std::uintptr_t address) const noexcept {
  if (slab* const s = process_page_map.header_of(at_address(address))) return s;
  const os::range* const block = large_->around(address);
  return block != nullptr ? process_page_map.header_of(block->data) : nullptr;
}

found_block scan::find_block(std::uintptr_t word) const noexcept {
  slab* const s = header_around(word);
  if (s == nullptr || !load_relaxed(s->watched)) return {};
  const std::uint32_t index = s->is_slab() ? s->index_of(at_address(word)) : 0;
  if (s->is_slab() && index >= s->capacity) return {};
  block_record& record = s->record_at(index);
  if (!record.is_live()) return {};
  return {&record, s->is_slab() ? s->block_at(index) : s->start};
}

void scan::wait(os::range block) noexcept {
  if (waiting_->ensure((waiting_count_ + 1) * sizeof(os::range)))
    waiting()[waiting_count_++] = block;
  else
    failed_ = true;
}

// One word of the program: does it lead into a live block that was not found yet? Headers of other
// heaps, which may lie between, are nobody's here: they may go away meanwhile.
void scan::look_at(std::uintptr_t word, block_standing found) noexcept {
  if (word - lowest_ >= highest_ - lowest_ || own_->around(word) == nullptr) return;
  const found_block block = find_block(word);
  if (block.record == nullptr || block.record->standing() != block_standing::lost) return;
  const observe::block_facts facts = block.record->load();
  std::byte* const data = watched_data(block.start, facts);
  if (word < address_of(data) || block.start == head_) return;  // the guard's; or its own group's
  block.record->set_standing(found);
  wait({data, facts.size});
}

void scan::scan_memory(std::uintptr_t begin, std::uintptr_t end, block_standing found) noexcept {
  begin = align_up(begin, sizeof(void*));
  while (begin + sizeof(void*) <= end) {
    const std::size_t wanted = end - begin < buffer_size ? end - begin : buffer_size;
    const std::size_t got = align_down(read_safely(begin, buffer_, wanted), sizeof(void*));
    if (got == 0) {
      begin = align_up(begin + 1, os::page_size());  // this page is gone
      continue;
    }
    for (std::size_t i = 0; i < got; i += sizeof(void*)) {
      std::uintptr_t word;
      std::memcpy(&word, buffer_ + i, sizeof word);
      look_at(word, found);
    }
    begin += got;
  }
}

// What a watched block holds. One from a slab stays where it is as long as the heap is locked, and
// is read in place: there may be millions, and a system call for each would take minutes. A large
// one may be moved by its owner meanwhile, and with `protect` each is taken away when it is freed.
void scan::scan_block(std::uintptr_t begin, std::size_t size, block_standing found) noexcept {
  if (size > buffer_size || !reads_in_place_) return scan_memory(begin, begin + size, found);
  const std::uintptr_t end = begin + size;
  for (std::uintptr_t at = align_up(begin, sizeof(void*)); at + sizeof(void*) <= end;
       at += sizeof(void*)) {
    const auto word =
        __atomic_load_n(reinterpret_cast<const std::uintptr_t*>(at), __ATOMIC_RELAXED);
    if (word - lowest_ < highest_ - lowest_) look_at(word, found);
  }
}

// Reads what is in memory of a range: halves it until a part is there whole, or not at all.
void scan::scan_resident(std::uintptr_t begin, std::uintptr_t end) noexcept {
  const std::size_t page = os::page_size();
  const std::uintptr_t first = align_down(begin, page);
  const std::size_t size = align_up(end, page) - first;
  const std::size_t resident = os::resident_bytes({at_address(first), size});
  if (resident == 0) return;
  if (resident == size || size == page) return scan_memory(begin, end, block_standing::reachable);
  const std::uintptr_t middle = first + align_up(size / 2, page);
  scan_resident(begin, middle);
  scan_resident(middle, end);
}

// Calls `function(begin, end)` for the parts of a range that are not ours.
template <class Function>
void scan::outside_own(std::uintptr_t begin, std::uintptr_t end, Function function) noexcept {
  const os::range* const last = own_->end();
  for (const os::range* next = own_->first_behind(begin); begin < end; ++next) {
    const std::uintptr_t stop = next == last ? end : std::min(end, address_of(next->data));
    if (stop > begin) function(begin, stop);
    if (stop == end) return;
    begin = address_of(next->end());
  }
}

// A mapping of the process, less what in it is ours.
void scan::scan_root(std::uintptr_t begin, std::uintptr_t end) noexcept {
  outside_own(begin, end,
              [this](std::uintptr_t first, std::uintptr_t last) { scan_resident(first, last); });
}

// A mapping that cannot be written to now may have been: data that is sealed once it is made. The
// pages that are still the file's, as code, hold no pointers to blocks. Of ours not even that is
// asked: the page map has millions of pages.
void scan::scan_sealed(os::written_pages& pages, const os::mapped_range& sealed) noexcept {
  outside_own(sealed.begin, sealed.end, [&](std::uintptr_t begin, std::uintptr_t end) {
    const std::uintptr_t last = align_up(end, os::page_size());
    for (std::uintptr_t at = align_down(begin, os::page_size()); at < last;) {
      const os::written_pages::run run = pages.first_in(at, last);
      if (run.end == 0) return;
      scan_root(run.begin, run.end);
      at = run.end;
    }
  });
}

void scan::scan_roots() noexcept {
  const std::uintptr_t here = stack_top_ != 0 ? stack_top_ : address_of(__builtin_frame_address(0));
  os::mapping_list maps;
  os::written_pages pages;
  for (os::mapped_range m; maps.next(m); drain(block_standing::reachable)) {
    if (m.readable && !m.writable && m.is_private) scan_sealed(pages, m);
    if (!m.readable || !m.writable) continue;
    // Below this frame lies what has been, and this scan itself.
    const bool is_this_stack = here - m.begin < m.end - m.begin;
    const std::uintptr_t live = dead_end_ > here ? dead_end_ : here;
    scan_root(is_this_stack ? live : m.begin, m.end);
  }
}

void scan::drain(block_standing found) noexcept {
  while (waiting_count_ > head_count_) {
    const os::range block = waiting()[--waiting_count_];
    scan_block(address_of(block.data), block.size, found);
  }
}

// Reads what hangs on a lost block that nothing before it has led to.
void scan::take_as_head(os::range block, block_record& record) noexcept {
  record.set_standing(block_standing::kept_by_lost);
  wait(block);
  head_count_ = waiting_count_;
  scan_block(address_of(block.data), block.size, block_standing::kept_by_lost);
  drain(block_standing::kept_by_lost);
}

// Goes through the lost blocks, and takes each as a head that hangs on none of those before it.
void scan::find_heads(watched_blocks_lock& blocks) noexcept {
  blocks.walk({this, [](void* self, const walked_record& found) {
                 auto& s = *static_cast<scan*>(self);
                 if (s.failed_ || found.record.standing() != block_standing::lost) return;
                 const observe::block_facts facts = found.record.load();
                 auto* const start = static_cast<std::byte*>(found.data);
                 s.take_as_head({watched_data(start, facts), facts.size}, found.record);
               }});
}

// What hangs on lost blocks is lost with them: of each group one block shall count as the lost one,
// of a cycle that nothing else leads to any one. A head may hang on a later one, but on none that
// came earlier. So from the last to the first, those that are left over are on none at all.
void scan::keep_one_of_each(watched_blocks_lock& blocks) noexcept {
  find_heads(blocks);
  blocks.walk({nullptr, [](void*, const walked_record& found) {
                 if (found.record.standing() == block_standing::kept_by_lost)
                   found.record.set_standing(block_standing::lost);
               }});
  for (std::size_t i = head_count_; i-- > 0 && !failed_;) {
    const os::range block = waiting()[i];
    const found_block head = find_block(address_of(block.data));
    if (head.record == nullptr || head.record->standing() != block_standing::lost) continue;
    head_ = head.start;
    scan_block(address_of(block.data), block.size, block_standing::kept_by_lost);
    drain(block_standing::kept_by_lost);
  }
  head_ = nullptr;
  head_count_ = 0;
}

bool scan::run(const void* interrupted) noexcept {
  failed_ = false;
  waiting_count_ = 0;
  lowest_ = ~std::uintptr_t{0};
  highest_ = 0;
  // Functions may use what lies this little below their stack (the System V ABI).
  constexpr std::uintptr_t red_zone = 128;
  stack_top_ = interrupted != nullptr ? address_of(interrupted) - red_zone : 0;
  // Who was interrupted may hold the loader's lock, which it takes to find out.
  dead_end_ = interrupted != nullptr ? 0 : end_of_dead_stack();
  if (interrupted == nullptr) learn_of_threads();
  reads_in_place_ = !load_relaxed(guarding) || guard_settings.protect == page_protection::off;
  forget_verdicts();
  // Each block waits once at most, and may be a head besides. Other threads may make some while
  // this goes on.
  observe::growing_space room((2 * block_count_ + block_count_ / 4 + 4096) * sizeof(os::range));
  const std::size_t most_large = large_count_ + large_count_ / 4 + 1024;
  observe::range_set own(most_large + most_own_ranges);
  observe::range_set large(most_large);
  waiting_ = &room;
  own_ = &own;
  large_ = &large;
  if (room.ensure(1)) {
    watched_blocks_lock blocks;  // no header goes away while words are looked up
    collect_own_ranges(blocks);
    scan_roots();
    keep_one_of_each(blocks);
  } else {
    failed_ = true;
  }
  room.release();
  return !failed_;
}

}  // namespace

ASHLAR_NO_INLINE bool find_leaks(const void* interrupted) noexcept {
  // What this function's callers keep in registers must lie on the stack, above `scan_roots`.
  __builtin_unwind_init();
  lock_guard guard(scan_mutex);
  return the_scan.run(interrupted);
}

}  // namespace ashlar::replace
