// SPDX-License-Identifier: MIT
// The OS manager: pages in, pages out, all counted, refusals without a trace.
#include "ashlar/manager/source/os_manager.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/manager/memory.hpp"
#include "support/fake_os.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"

namespace ashlar {
namespace {

TEST(os_manager, reserves_commits_and_gives_back) {
  os_manager& os = system_os();
  const std::size_t held = os.usage().held;
  const os::range r = os.reserve(1_MiB + 1, 64_KiB);
  ASSERT_TRUE(r);
  EXPECT_EQ(r.size, 1_MiB + os.page_size());
  EXPECT_TRUE(is_aligned(address_of(r.data), 64_KiB));
  EXPECT_EQ(os.usage().held, held);
  ASSERT_TRUE(os.commit({r.data, 128_KiB}));
  EXPECT_EQ(os.usage().held, held + 128_KiB);
  std::memset(r.data, 1, 128_KiB);
  ASSERT_TRUE(os.decommit({r.data, 64_KiB}));
  EXPECT_EQ(os.usage().held, held + 64_KiB);
  ASSERT_TRUE(os.discard({r.data + 64_KiB, 64_KiB}));
  EXPECT_EQ(test::first_nonzero(r.data + 64_KiB, 64_KiB), 64_KiB);
  os.release(r, 64_KiB);
  EXPECT_EQ(os.usage().held, held);
}

TEST(os_manager, refuses_what_makes_no_sense) {
  os_manager& os = system_os();
  EXPECT_FALSE(os.reserve(0));
  EXPECT_FALSE(os.reserve(SIZE_MAX));
  EXPECT_FALSE(os.reserve(max_size));
  EXPECT_FALSE(os.reserve(4096, 3));
  EXPECT_FALSE(os.reserve(4096, 0));
  EXPECT_FALSE(os.mirror(0));
  EXPECT_FALSE(os.mirror(max_size));
}

TEST(os_manager, mirrors_memory) {
  os_manager& os = system_os();
  const std::size_t held = os.usage().held;
  const os::range r = os.mirror(64_KiB);
  ASSERT_TRUE(r);
  EXPECT_EQ(r.size, 128_KiB);
  EXPECT_EQ(os.usage().held, held + 64_KiB);
  r.data[0] = std::byte{42};
  EXPECT_EQ(r.data[64_KiB], std::byte{42});
  os.release_mirrored(r);
  EXPECT_EQ(os.usage().held, held);
}

TEST(os_manager, a_refused_call_leaves_no_trace) {
  os_manager& os = system_os();
  const manager_usage before = os.usage();
  for (unsigned n = 1; n <= 2; ++n) {
    test::fake_os fake;
    fake.refuse_call(n);
    EXPECT_EQ(memory(os).allocate({100, 1}).reason(), status::no_memory) << n;
  }
  EXPECT_EQ(os.usage().used, before.used);
  EXPECT_EQ(os.usage().held, before.held);
  EXPECT_EQ(os.usage().live_blocks, before.live_blocks);
}

TEST(os_manager, without_a_verb_says_so) {
  os_manager os({.reserve = [](void*, std::size_t, std::size_t) { return os::range{}; },
                 .release = [](void*, os::range, std::size_t) {},
                 .page_size = 256});
  std::byte page[256];
  EXPECT_EQ(os.page_size(), 256u);
  EXPECT_TRUE(os.commit({page, 256})) << "accessible as it comes";
  EXPECT_FALSE(os.decommit({page, 256}));
  EXPECT_FALSE(os.discard({page, 256}));
  EXPECT_FALSE(os.populate({page, 256}));
  EXPECT_FALSE(os.protect({page, 256}, os::access::read));
  EXPECT_FALSE(os.mirror(256));
  EXPECT_EQ(os.available(), max_size);
  EXPECT_EQ(memory(os).allocate({1, 1}).reason(), status::no_memory);
}

TEST(os_manager, protects_pages) {
  os_manager& os = system_os();
  const allocation a = memory(os).allocate({1, 1}, fit::get_no_less);
  ASSERT_TRUE(a);
  EXPECT_EQ(a.size(), os.page_size());
  const os::range page{static_cast<std::byte*>(a.data()), a.size()};
  EXPECT_TRUE(os.protect(page, os::access::read));
  EXPECT_TRUE(os.protect(page, os::access::read_write));
  page.data[0] = std::byte{1};
  memory(os).deallocate(a.get(), 1);
}

TEST(os_manager, free_of_what_is_no_block_of_it_is_a_fault) {
  test::fault_log faults;
  os_manager& os = system_os();
  const allocation a = os.allocate({100});
  const manager_usage before = os.usage();
  auto* const inside = static_cast<std::byte*>(a.data()) + 16;
  os.deallocate({inside, 8});
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, inside));
  os.deallocate({a.data(), before.used + 1});
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, a.data()));
  EXPECT_EQ(os.usage().used, before.used);
  EXPECT_EQ(os.usage().live_blocks, before.live_blocks);
  os.deallocate(a.get());
}

}  // namespace
}  // namespace ashlar
