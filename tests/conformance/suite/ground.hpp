// SPDX-License-Identifier: MIT
// What the managers under test stand on: an upstream and an OS that remember everything.
//
//     ground floor;
//     arena a({.upstream = floor.upstream()});            // or: {.os = &floor.upstream().os()}
//     floor.refuse_call(3);                               // the third request from now fails
//     floor.limit(64_KiB);                                // no more than this at a time
//     EXPECT_EQ(floor.problem(), "");                     // every block came back as it had to
//
// Blocks come dirty, with the least alignment that was asked for, and are overwritten when they
// come back. The OS passes on to the real one, and knows which pages are committed.
// Threads: thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar::test {

/// Disjoint ranges of addresses.
class range_set {
 public:
  /// Returns false if a part of it is in already.
  bool add(std::uintptr_t first, std::uintptr_t last);
  /// Returns false if a part of it is not in.
  bool remove(std::uintptr_t first, std::uintptr_t last);
  bool contains(std::uintptr_t first, std::uintptr_t last) const;
  std::size_t total() const;

 private:
  std::map<std::uintptr_t, std::uintptr_t> ranges_;  // first to last
};

class ground {
 public:
  ground();
  ~ground();
  ground(const ground&) = delete;
  ground& operator=(const ground&) = delete;

  /// The upstream; `upstream().os()` is the OS of this ground.
  memory upstream() { return upstream_; }

  /// Lets the `n`-th request from now (1: the next one) fail, and all after it if `all_after`.
  void refuse_call(std::size_t n, bool all_after = false);
  /// Refuses blocks and commits that would bring the bytes in use above `bytes`.
  void limit(std::size_t bytes);
  void accept_all();

  /// The requests so far, refused ones too.
  std::size_t calls() const;
  std::size_t refusals() const;
  /// Bytes in blocks and in committed pages that have not come back.
  std::size_t in_use() const;
  /// Whether `m` takes its memory from here directly.
  bool is_under(memory m) const {
    const manager* const next = m.get()->upstream();
    return next == &upstream_ || next == &os_ || m.get() == &os_;
  }
  /// Whether all blocks and all reservations have come back.
  bool is_bare() const;
  /// The first thing that the manager above did wrong; empty if nothing.
  std::string problem() const;

 private:
  class block_source : public manager {
   public:
    static constexpr const char* kind_name = "ground";
    static constexpr capability promises = capability::thread_safe;
    block_source(ground& owner, os_manager& os)
        : manager(ops_for<block_source>, &os), owner_(owner) {}
    allocation allocate(layout request, fit wanted) noexcept;
    void deallocate(block b, std::size_t alignment) noexcept;
    manager_usage usage() const noexcept;

   private:
    ground& owner_;
  };
  struct lent_block {
    std::size_t asked;
    std::size_t usable;
    std::size_t alignment;
  };
  struct reservation {
    std::size_t size;
    range_set committed;
    bool mirrored;
  };

  static os_verbs make_verbs(ground& owner);
  bool refuses(std::size_t growth);
  void fail(const char* text);
  void* lend(layout request, std::size_t usable);
  void take_back(block b, std::size_t alignment);
  os::range reserve(std::size_t size, std::size_t alignment);
  void release(os::range memory, std::size_t committed, bool mirrored);
  bool commit(os::range part);
  bool decommit(os::range part);
  bool is_committed(os::range part);
  os::range mirror(std::size_t size);
  reservation* find(os::range part);

  mutable std::recursive_mutex mutex_;
  std::map<std::uintptr_t, lent_block> blocks_;
  std::map<std::uintptr_t, reservation> reservations_;
  std::size_t in_use_ = 0;
  std::size_t limit_ = SIZE_MAX;
  std::size_t calls_ = 0;
  std::size_t refusals_ = 0;
  std::size_t calls_until_refusal_ = 0;  // 0: none
  bool all_after_ = false;
  std::string problem_;
  os_manager os_;
  block_source upstream_;
};

}  // namespace ashlar::test
