// SPDX-License-Identifier: MIT
// A manager that watches every block of another one, whichever that is.
//
//     ashlar::debug_manager level(inner, {.quarantine = 8_MiB, .name = "level"});
//     ashlar::vector<int> v(level);            // overruns, double frees, leaks are reported
//     level.next_frame();                      // ages blocks, for `most_frames`
//     level.check();                           // looks at all guards and all freed blocks now
//
// What is found, each by an option (debug_options.hpp): writes in front of and behind a block, by
// guards when it is freed or checked, or at once by pages of its own; writes to a freed block when
// it leaves the quarantine, or at once; double frees, with the stacks of the allocation and both
// frees; frees of what is no block, and with another size or alignment; blocks that live too long,
// or longer than the manager. Each is a fault (hardening/fault.hpp) after lines of details.
//
// Under AddressSanitizer and memcheck (base/poison.hpp) all but live blocks is hidden: so they
// watch managers of every kind.
//
// An inner manager that has no blocks of that size, a pool made for what is asked for, serves
// blocks without pages, then without headers, then without guards, and the sink gets one line about
// it: overruns are not found in them; double frees, writes after free, wrong sizes and leaks are.
// `whole_of` says how large a pool's blocks must be for all.
//
// It resizes by moving always, so that a pointer into the block that was is found.
// Can do: own, size, walk, free_all, trim (of the quarantine), and rewind if the inner manager can.
// Promises those of the inner manager.
// Threads: thread-safe if the inner one is. Cost: hundreds of nanoseconds a block, thousands with
// pages. Memory: `headers`, `guard`, the quarantine, and 176 bytes a block of the OS's.
#pragma once

#include <source_location>

#include "ashlar/hardening/debug_header.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/check/debug_book.hpp"
#include "ashlar/manager/check/debug_options.hpp"
#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/forkable_lock.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/tally.hpp"
#include "ashlar/observe/stack_walk.hpp"

namespace ashlar {

class ASHLAR_EXPORT debug_manager : public manager {
 public:
  static constexpr const char* kind_name = "debug manager";
  static constexpr std::size_t most_events = 64;

  explicit debug_manager(memory inner, const debug_options& options = {}) noexcept;
  /// Checks everything, reports what lives, and gives all of it back to the inner manager.
  ~debug_manager();

  /// Returns the block that an inner manager of one size must be made for, to serve `block` with
  /// all that `options` put around it: `pool p(debug_manager::whole_of({24, 8}))`. A size of 0,
  /// which is learned, stays so.
  static layout whole_of(layout block, const debug_options& options = {}) noexcept;

  /// Called directly, the block remembers the line of the call; through a handle, its stack.
  allocation allocate(layout request, fit wanted = fit::get_exact,
                      const std::source_location& where = std::source_location::current()) noexcept;
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  void deallocate(void* p) noexcept;

  bool owns(const void* p) const noexcept;
  std::size_t usable_size(const void* p) const noexcept;
  void free_all() noexcept;
  mark here() const noexcept;
  /// Ends all blocks that are younger than the mark, quarantined ones included. Fault: stale_mark.
  void rewind(mark place) noexcept;
  void walk(block_visitor visitor) noexcept;
  /// Empties the quarantine down to `keep` bytes. Returns the bytes that the inner manager got.
  std::size_t trim(std::size_t keep = 0) noexcept;
  manager_usage usage() const noexcept;
  void restart_peak() noexcept { use_.restart_peak(); }

  memory inner() const { return inner_; }
  const debug_options& options() const { return options_; }
  /// Changes what is done from now on; blocks that live keep the guards they have. The name stays.
  void set_options(const debug_options& options) noexcept;

  /// Looks at every block, live or in quarantine. Returns how many are damaged.
  std::size_t check() noexcept;
  /// Reports what lives, by site, the most bytes first. Returns the number of blocks.
  std::size_t report_leaks() noexcept;
  /// Begins the next frame. Returns the number of blocks that were reported as too old.
  std::size_t next_frame() noexcept;
  /// Reports what is known of the block that an address lies in, or nothing. Takes no lock that
  /// somebody holds: may be called where a stray access faulted. Returns whether there is one.
  bool describe(const void* address) noexcept;
  /// The header of a live block; null without headers.
  const debug_header* header_of(const void* data) const noexcept;

  /// Copies the latest events, oldest first. Returns how many: at most `most_events`.
  std::size_t events(debug_event* to, std::size_t most) const noexcept;

 private:
  using record = detail::debug_record;
  friend struct debug_tables;

  // A mark of ours names one of these, so that it knows the blocks that came after it.
  struct taken_mark {
    mark inner;
    std::uint64_t sequence;
    std::uint64_t frees;
    std::uintptr_t id;
  };

  // What lies around a block.
  struct dressing {
    debug_pages pages;
    bool headers;
    std::uint16_t guard;

    bool reduce() noexcept;
  };

  // How a request lies in a block of the inner manager.
  struct plan {
    layout whole;
    std::size_t offset;    // of the data
    std::size_t pages_at;  // 0: not on pages of its own
    std::size_t pages_size;
    std::uint16_t guard;
    bool has_header;
  };

  allocation allocate_from(layout request, const observe::caller& from,
                           const std::source_location* where) noexcept;
  void free_from(const block* b, void* data, std::size_t alignment,
                 const observe::caller& from) noexcept;
  static dressing dressing_of(const debug_options& options) noexcept;
  static bool plan_for(layout request, const dressing& wanted, plan& result) noexcept;
  // Why a free cannot be done.
  struct wrong_free {
    fault_kind kind = fault_kind::corruption;
    fault_detail detail = {};
    const record* block = nullptr;  // that is told of; null: none is known
  };

  allocation obtain(layout request, plan& p) noexcept;
  allocation obtain_reduced(layout request, plan& p) noexcept;
  void tell_of_reduced(layout request, const plan& p) noexcept;
  void fill_in(record& r, std::byte* memory, layout request, const plan& p) noexcept;
  allocation refusal_of(const allocation& refused, layout request, const plan& p) const noexcept;
  observe::site_id site_of(const observe::caller& from,
                           const std::source_location* where) const noexcept;
  void dress(record& r) noexcept;
  void write_header(record& r, std::uint64_t mark) noexcept;
  void shut_pages(record& r) noexcept;
  void open_pages(const record& r, bool with_guards) noexcept;

  void reveal(const record& r) const noexcept;
  void conceal(const record& r) const noexcept;
  bool check_block(record& r) noexcept;
  bool find_damage(record& r) noexcept;
  bool check_header(record& r) noexcept;
  bool check_filling(record& r) noexcept;
  void report_stomp(record& r, bool behind, const std::byte* begin, const std::byte* end,
                    const std::byte* first) noexcept;
  bool find_wrong_free(const record* r, const block* b, void* data, std::size_t alignment,
                       wrong_free& found) const noexcept;
  bool report_wrong_free(record* r, const block* b, void* data, std::size_t alignment,
                         observe::site_id site) noexcept;

  void quarantine(record& r) noexcept;
  void release(record& r, bool forget) noexcept;
  void drain(std::size_t keep) noexcept;
  void end_all() noexcept;
  std::size_t report_live(const char* why) noexcept;
  void note(debug_event_kind kind, const record& r, observe::site_id site) noexcept;
  void note(const debug_event& event) noexcept;

  memory inner_;
  manager_ops table_;
  debug_options options_;
  mutable manager_lock mutex_;
  detail::debug_book book_;
  use_tally<false> use_;
  std::size_t held_ = 0;
  std::size_t kept_ = 0;  // bytes in quarantine
  bool has_told_of_reduced_ = false;
  std::uint64_t sequence_ = 0;
  std::uint64_t frame_ = 0;
  std::uint64_t event_count_ = 0;
  mutable observe::growing_table<taken_mark, std::size_t{1} << 22> marks_;  // ever younger
  mutable std::size_t mark_count_ = 0;
  std::uint64_t frees_ = 0;
  mutable std::uintptr_t mark_ids_ = 0;
  debug_event events_[most_events];
};

}  // namespace ashlar
