// SPDX-License-Identifier: MIT
// The rules that are kept are those that a search finds, however many addresses are asked for.
#include "ashlar/observe/unwind/rule_cache.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "ashlar/base/bits.hpp"
#include "ashlar/observe/unwind/table_search.hpp"

namespace {

using namespace ashlar;
using namespace ashlar::observe;

constinit rule_cache cache;

const std::uintptr_t in_libc = reinterpret_cast<std::uintptr_t>(&std::qsort);

os::unwind_tables libc() {
  os::unwind_tables found;
  EXPECT_TRUE(os::find_unwind_tables(in_libc, found));
  EXPECT_NE(found.index, 0u);
  return found;
}

// More addresses than there is room for.
TEST(rule_cache, keeps_the_rules_that_a_search_finds) {
  const os::unwind_tables module = libc();
  std::size_t known = 0;
  for (std::uintptr_t a = in_libc; a < in_libc + 300'000; a += 3) {
    const frame_rule expected = search_tables(module, a - 1);
    ASSERT_EQ(cache.find(a), expected) << a - module.code_low;
    ASSERT_EQ(cache.find(a), expected) << a - module.code_low;
    if (expected.kind() != rule_kind::unknown) ++known;
  }
  EXPECT_GT(known, 70'000u);
}

TEST(rule_cache, finds_again_what_was_dropped) {
  const os::unwind_tables module = libc();
  const frame_rule before = cache.find(in_libc + 1);
  EXPECT_EQ(before, frame_rule::of(rule_kind::from_stack, 8, 0));
  cache.drop(module.code_low, module.code_high);
  EXPECT_EQ(cache.find(in_libc + 1), before);
}

TEST(rule_cache, knows_nothing_of_addresses_that_no_module_has) {
  for (const std::uintptr_t address :
       {std::uintptr_t{1}, std::uintptr_t{4096}, std::uintptr_t{1} << 47, ~std::uintptr_t{0}}) {
    EXPECT_EQ(cache.find(address).kind(), rule_kind::unknown) << address;
    EXPECT_EQ(cache.find(address).kind(), rule_kind::unknown) << address;
  }
}

}  // namespace
