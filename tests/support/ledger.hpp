// SPDX-License-Identifier: MIT
// A manager for tests of whoever uses managers: keeps a ledger of its blocks, checks what comes
// back against it, gives more than asked for when it may, and refuses chosen calls.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/concepts.hpp"

namespace ashlar::test {

/// What both kinds of ledger share. Each block has hidden bytes behind it to be extended into.
class ledger_base : public manager {
 public:
  static constexpr std::size_t granule = 48;  // get_no_less rounds up to it

  /// Lets calls that ask for memory fail, from the `n`-th from now on (1: the next).
  void refuse_from(std::size_t n, status why = status::no_memory) {
    calls_until_refusal_ = n;
    refusal_ = why;
  }
  void accept_all() { calls_until_refusal_ = 0; }
  /// How many bytes may be handed out in all; what is left is told by `would_fit`.
  std::size_t budget = max_size;

  std::size_t live_blocks() const { return blocks_.size(); }
  std::size_t used() const { return used_; }

  std::size_t allocations = 0;
  std::size_t in_place = 0;   // resizes that did not move
  std::size_t moved = 0;      // resizes that did
  std::size_t last_used = 0;  // of the last resize

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept {
    if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
    if (request.size > max_size / 2) return allocation::failed(status::too_large);
    if (is_refused()) return allocation::failed(refusal_);
    if (request.size > left()) return allocation::failed(status::not_enough_memory, left());
    const std::size_t usable = usable_for(request.size, wanted);
    const std::size_t room = usable + hidden;
    const std::size_t alignment = std::max(request.alignment, alignof(std::max_align_t));
    void* const p =
        std::aligned_alloc(alignment, align_up(std::max(room, std::size_t{1}), alignment));
    std::memset(p, 0xcd, room);
    blocks_[p] = {request.size, usable, request.alignment, room};
    used_ += usable;
    ++allocations;
    return allocation::of(p, usable);
  }

  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    if (b.data == nullptr) return;
    const auto found = blocks_.find(b.data);
    ASSERT_TRUE(found != blocks_.end()) << "not a block of this manager";
    expect_matches(found->second, b, alignment);
    used_ -= found->second.usable;
    std::free(b.data);
    blocks_.erase(found);
  }

  manager_usage usage() const noexcept {
    return {.used = used_, .held = used_, .live_blocks = blocks_.size()};
  }

  /// Bytes behind each new block into which it can be extended.
  std::size_t hidden = 0;

 protected:
  explicit ledger_base(const manager_ops& ops) : manager(ops, nullptr) {}
  ~ledger_base() { EXPECT_TRUE(blocks_.empty()) << blocks_.size() << " blocks were not returned"; }

  struct entry {
    std::size_t asked;
    std::size_t usable;
    std::size_t alignment;
    std::size_t room;
  };

  static std::size_t usable_for(std::size_t size, fit wanted) {
    return wanted == fit::get_exact ? size : (size + granule - 1) / granule * granule;
  }
  static void expect_matches(const entry& known, block b, std::size_t alignment) {
    EXPECT_GE(b.size, known.asked);
    EXPECT_LE(b.size, known.usable);
    EXPECT_EQ(alignment, known.alignment);
  }
  std::size_t left() const { return budget > used_ ? budget - used_ : 0; }
  bool is_refused() {
    if (calls_until_refusal_ > 1) {
      --calls_until_refusal_;
      return false;
    }
    return calls_until_refusal_ == 1;
  }

  std::map<void*, entry> blocks_;
  std::size_t used_ = 0;
  std::size_t calls_until_refusal_ = 0;
  status refusal_ = status::no_memory;
};

/// One that cannot resize.
class ledger : public ledger_base {
 public:
  static constexpr const char* kind_name = "ledger";
  ledger() : ledger_base(ops_for<ledger>) {}
};

/// One that can. What a move need not keep is overwritten, so that who relies on it is found out.
class resizing_ledger : public ledger_base {
 public:
  static constexpr const char* kind_name = "resizing ledger";
  resizing_ledger() : ledger_base(ops_for<resizing_ledger>) {}

  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept {
    entry& known = blocks_.at(b.data);
    expect_matches(known, b, alignment);
    last_used = change.used;
    const std::size_t usable = usable_for(change.size, change.wanted);
    if (usable <= known.room && change.size <= left() + known.usable) {
      if (is_refused()) return allocation::failed(refusal_);
      used_ += usable - known.usable;
      known.asked = change.size;
      known.usable = usable;
      ++in_place;
      return allocation::of(b.data, usable);
    }
    if (!change.may_move) return allocation::failed(status::unsupported);
    const allocation fresh = allocate({change.size, alignment}, change.wanted);
    if (!fresh) return fresh;
    std::memcpy(fresh.data(), b.data, std::min({b.size, change.used, change.size}));
    deallocate(b, alignment);
    ++moved;
    return fresh;
  }
};

}  // namespace ashlar::test
