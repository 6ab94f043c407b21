// SPDX-License-Identifier: MIT
// A bounded manager for compositions to hold: a chunk of its upstream's, cut first fit.
//
// It can do much (own, size, resize in place, walk, free all) and is as simple as can be: the chunk
// is taken at the first request and an ordered map outside of it knows the blocks.
#pragma once

#include <map>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/memory.hpp"

namespace ashlar::test {

class chunk_manager : public manager {
 public:
  static constexpr const char* kind_name = "chunk";
  static constexpr capability promises = capability::none;
  static constexpr std::size_t chunk_size = 64_KiB;

  explicit chunk_manager(memory upstream)
      : manager(ops_for<chunk_manager>, upstream.get()), upstream_memory_(upstream) {}
  ~chunk_manager() { free_all(); }

  allocation allocate(layout request, fit wanted) noexcept;
  void deallocate(block b, std::size_t) noexcept {
    if (b.data != nullptr) deallocate(b.data);
  }
  void deallocate(void* p) noexcept {
    if (p == nullptr) return;
    store_relaxed(used_, used_ - blocks_[address_of(p)]);
    blocks_.erase(address_of(p));
  }
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept;
  bool owns(const void* p) const noexcept {
    return address_of(p) - address_of(chunk_.data) < chunk_.size;
  }
  std::size_t usable_size(const void* p) const noexcept { return blocks_.at(address_of(p)); }
  void free_all() noexcept;
  void walk(block_visitor visitor) noexcept {
    for (const auto& [at, size] : blocks_)
      if (!visitor({at_address(at), size})) return;
  }
  manager_usage usage() const noexcept {
    return {.used = load_relaxed(used_), .held = load_relaxed(chunk_.size)};
  }

 private:
  static std::size_t rounded(std::size_t size) { return align_up(size + (size == 0), 16); }
  std::uintptr_t find_gap(std::size_t size, std::size_t alignment) const;
  std::size_t largest_gap(std::size_t alignment) const;

  memory upstream_memory_;
  block chunk_;
  std::size_t used_ = 0;
  std::map<std::uintptr_t, std::size_t> blocks_;  // all of them, by address
};

}  // namespace ashlar::test
