// SPDX-License-Identifier: MIT
// Memory that plays the part of the user's: a block for a heap to live in, and an interface that
// hands out such blocks and keeps account of them.
#pragma once

#include <cstddef>
#include <cstring>
#include <vector>

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar::test {

/// Bytes at a multiple of 64 KiB, given back at the end of the scope. The first of them are not
/// zero, so that whoever takes them for zero is found out.
class user_memory {
 public:
  explicit user_memory(std::size_t size)
      : range_(os::reserve_committed(size, std::size_t{64} << 10).value) {
    std::memset(range_.data, 0xa5, range_.size < dirty_size ? range_.size : dirty_size);
  }
  ~user_memory() { os::release(range_, range_.size); }
  user_memory(const user_memory&) = delete;
  user_memory& operator=(const user_memory&) = delete;

  os::range all() const { return range_; }

  bool contains(const void* p) const {
    return address_of(p) >= address_of(range_.data) && address_of(p) < address_of(range_.end());
  }

 private:
  static constexpr std::size_t dirty_size = std::size_t{4} << 20;

  os::range range_;
};

/// An interface of a user: every function of the table, each of them counted and checked.
class user_interface {
 public:
  user_interface() = default;
  user_interface(const user_interface&) = delete;
  user_interface& operator=(const user_interface&) = delete;

  os_verbs verbs() {
    return {.context = this,
            .reserve = reserve,
            .release = release,
            .commit = commit,
            .discard = discard,
            .zeroed = true};
  }

  /// How much more may be reserved.
  std::size_t budget = static_cast<std::size_t>(-1);
  bool refuse_commit = false;
  std::size_t acquired = 0;
  std::size_t released = 0;
  std::size_t committed = 0;
  std::size_t discarded = 0;
  std::size_t regions = 0;  // held now
  bool has_erred = false;   // something was asked for that does not fit what was acquired

 private:
  static user_interface& of(void* context) { return *static_cast<user_interface*>(context); }

  static os::range reserve(void* context, std::size_t size, std::size_t alignment) {
    user_interface& self = of(context);
    if (size > self.budget) return {};
    const os::range memory = os::reserve(size, alignment).value;
    if (!memory) return {};
    self.budget -= size;
    self.acquired += size;
    ++self.regions;
    self.held_.push_back(memory);
    return memory;
  }

  static void release(void* context, os::range memory, std::size_t committed_bytes) {
    user_interface& self = of(context);
    bool known = false;
    for (os::range& r : self.held_) {
      if (r.data != memory.data || r.size != memory.size) continue;
      r = {};
      known = true;
    }
    if (!known || committed_bytes > memory.size) self.has_erred = true;
    self.released += memory.size;
    self.committed -= committed_bytes;
    --self.regions;
    os::release(memory, committed_bytes);
  }

  bool holds(os::range part) const {
    for (const os::range& r : held_)
      if (r && part.data >= r.data && part.end() <= r.end()) return true;
    return false;
  }

  static bool commit(void* context, os::range part) {
    user_interface& self = of(context);
    if (!self.holds(part)) self.has_erred = true;
    if (self.refuse_commit || !os::commit(part).ok()) return false;
    self.committed += part.size;
    return true;
  }

  static bool discard(void* context, os::range part) {
    user_interface& self = of(context);
    if (!self.holds(part)) self.has_erred = true;
    self.discarded += part.size;
    return os::discard(part).ok();
  }

  std::vector<os::range> held_;
};

}  // namespace ashlar::test
