// SPDX-License-Identifier: MIT
// The rules that are kept are those that a search finds, however many addresses are asked for.
#include "ashlar/observe/unwind/rule_cache.hpp"

#include <dlfcn.h>
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

// Of a module that is gone nothing can be found anew: what is still known was not dropped.
TEST(rule_cache, drops_the_rules_of_a_range_and_no_others) {
  void* const loaded = dlopen("libresolv.so.2", RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(loaded, nullptr) << dlerror();
  const auto inside = reinterpret_cast<std::uintptr_t>(dlsym(loaded, "ns_name_ntop"));
  ASSERT_NE(inside, 0u);
  os::unwind_tables module;
  ASSERT_TRUE(os::find_unwind_tables(inside, module));
  const frame_rule known = cache.find(inside + 1);
  const frame_rule other = cache.find(in_libc + 1);
  ASSERT_NE(known.kind(), rule_kind::unknown);
  ASSERT_EQ(dlclose(loaded), 0);
  if (os::find_unwind_tables(inside, module)) return;  // somebody else has it loaded
  EXPECT_EQ(cache.find(inside + 1), known) << "nobody has asked to forget it";
  const std::uint32_t before = cache.generation();
  cache.drop(module.code_low, module.code_high);
  EXPECT_NE(cache.generation(), before);
  EXPECT_EQ(cache.find(inside + 1).kind(), rule_kind::unknown);
  EXPECT_EQ(cache.find(in_libc + 1), other);
}

TEST(rule_cache, knows_nothing_of_addresses_that_no_module_has) {
  for (const std::uintptr_t address :
       {std::uintptr_t{1}, std::uintptr_t{4096}, std::uintptr_t{1} << 47, ~std::uintptr_t{0}}) {
    EXPECT_EQ(cache.find(address).kind(), rule_kind::unknown) << address;
    EXPECT_EQ(cache.find(address).kind(), rule_kind::unknown) << address;
  }
}

}  // namespace
