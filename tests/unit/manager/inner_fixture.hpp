// SPDX-License-Identifier: MIT
// What the tests of blocks inside managers share: figures of a tag of their own while all is
// tracked, and containers that nobody ends.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <new>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "ashlar/manager/tag_scope.hpp"
#include "ashlar/manager/track.hpp"
#include "ashlar/std_allocator.hpp"

namespace ashlar::test {

template <class T>
using std_vector = std::vector<T, std_allocator<T>>;

/// Live blocks and bytes, and what was ever made.
struct figures {
  std::uint64_t blocks;
  std::uint64_t bytes;
  std::uint64_t total_blocks;
  std::uint64_t total_bytes;
  bool operator==(const figures&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const figures& f) {
  return out << f.blocks << " blocks, " << f.bytes << " bytes of " << f.total_blocks << ", "
             << f.total_bytes;
}

inline figures of(const block_usage& u) {
  return {u.live_blocks, u.live_bytes, u.total_blocks, u.total_bytes};
}

inline figures of(tag t) { return of(usage_of(t).inner); }

/// Each test has a tag of its own, that of the thread.
class inner_test : public testing::Test {
 protected:
  inner_test() : begun_(set_tracking({.level = track_level::full})) {}
  ~inner_test() override { (void)set_tracking({}); }

  figures now() const { return of(mine_); }
  std::uint64_t live() const { return now().blocks; }

  const bool begun_;
  const tag mine_ = define_tag(
      (std::string("inner/") + testing::UnitTest::GetInstance()->current_test_info()->name())
          .substr(0, 44)
          .c_str());
  const tag_scope scope_{mine_};
};

/// A container whose destructor never runs.
template <class Container>
class abandoned {
 public:
  template <class... Args>
  explicit abandoned(Args&&... args) {
    ::new (static_cast<void*>(place_)) Container(std::forward<Args>(args)...);
  }
  Container* operator->() { return std::launder(reinterpret_cast<Container*>(place_)); }

 private:
  alignas(Container) std::byte place_[sizeof(Container)];
};

}  // namespace ashlar::test
