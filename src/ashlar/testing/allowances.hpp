// SPDX-License-Identifier: MIT
// What may outlive a test, by the names of managers. It is filled in within tests, so it takes no
// block of its own: that would be a leak in the eyes of the listener.
#pragma once

#include <cstddef>
#include <cstring>

#include "ashlar/testing/listened_managers.hpp"

namespace ashlar::detail {

/// Units: blocks, bytes.
struct allowance {
  std::size_t blocks = 0;
  std::size_t bytes = 0;
};
class allowance_table {
 public:
  static constexpr std::size_t most = 64;

  void clear() { count_ = 0; }
  void set(const char* name, const allowance& allowed) {
    if (entry* const e = enter(name)) e->allowed = allowed;
  }
  void add(const allowance_table& more) {
    for (std::size_t i = 0; i < more.count_; ++i) {
      const allowance mine = find(more.entries_[i].name);
      const allowance& other = more.entries_[i].allowed;
      set(more.entries_[i].name, {mine.blocks + other.blocks, mine.bytes + other.bytes});
    }
  }
  allowance find(const char* name) const {
    for (std::size_t i = 0; i < count_; ++i)
      if (is_name(entries_[i], name)) return entries_[i].allowed;
    return {};
  }

 private:
  struct entry {
    char name[listened_managers::name_capacity];
    allowance allowed;
  };
  static bool is_name(const entry& e, const char* name) {
    return std::strncmp(e.name, name, sizeof e.name - 1) == 0;
  }
  entry* enter(const char* name) {
    for (std::size_t i = 0; i < count_; ++i)
      if (is_name(entries_[i], name)) return &entries_[i];
    if (count_ == most) return nullptr;
    entry& e = entries_[count_++];
    std::strncpy(e.name, name, sizeof e.name - 1);
    e.name[sizeof e.name - 1] = '\0';
    return &e;
  }
  entry entries_[most];
  std::size_t count_ = 0;
};

}  // namespace ashlar::detail
