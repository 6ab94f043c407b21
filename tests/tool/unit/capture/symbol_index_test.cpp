// SPDX-License-Identifier: MIT
// Names of functions by address, against libdwfl's own search, for this program and libc.
#include "tools/ashlar/capture/symbol_index.hpp"

#include <elfutils/libdwfl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace ashlar::tool {
namespace {

class symbol_index_test : public testing::Test {
 protected:
  void SetUp() override {
    callbacks.find_elf = dwfl_linux_proc_find_elf;
    callbacks.find_debuginfo = dwfl_standard_find_debuginfo;
    session = dwfl_begin(&callbacks);
    ASSERT_NE(session, nullptr);
    ASSERT_EQ(dwfl_linux_proc_report(session, ::getpid()), 0);
    ASSERT_EQ(dwfl_report_end(session, nullptr, nullptr), 0);
  }
  void TearDown() override { dwfl_end(session); }

  Dwfl_Module* module_of(const void* code) {
    return dwfl_addrmodule(session, reinterpret_cast<std::uintptr_t>(code));
  }

  Dwfl_Callbacks callbacks = {};
  Dwfl* session = nullptr;
};

extern "C" __attribute__((noinline, used)) int a_function_of_this_test(int n) { return n * 3 + 1; }

TEST_F(symbol_index_test, finds_a_function_by_an_address_within) {
  const auto begin = reinterpret_cast<std::uintptr_t>(&a_function_of_this_test);
  const symbol_index index(module_of(reinterpret_cast<const void*>(begin)));
  for (const std::uintptr_t address : {begin, begin + 1}) {
    const char* const name = index.find(address);
    ASSERT_NE(name, nullptr);
    EXPECT_EQ(std::string_view(name), "a_function_of_this_test");
  }
}

TEST_F(symbol_index_test, knows_nothing_of_addresses_elsewhere) {
  const symbol_index index(module_of(reinterpret_cast<const void*>(&a_function_of_this_test)));
  EXPECT_EQ(index.find(0), nullptr);
  EXPECT_EQ(index.find(~std::uint64_t{0}), nullptr);
}

TEST_F(symbol_index_test, names_what_libdwfl_names) {
  for (const void* const code : {reinterpret_cast<const void*>(&a_function_of_this_test),
                                 reinterpret_cast<const void*>(&std::abort)}) {
    Dwfl_Module* const module = module_of(code);
    const symbol_index index(module);
    const auto middle = reinterpret_cast<std::uintptr_t>(code);
    std::size_t compared = 0;
    for (std::uintptr_t address = middle; address < middle + 200'000; address += 97) {
      if (dwfl_addrmodule(session, address) != module) break;
      const char* const theirs = dwfl_module_addrname(module, address);
      if (theirs == nullptr) continue;
      const char* const ours = index.find(address);
      ASSERT_NE(ours, nullptr) << theirs;
      ASSERT_EQ(std::string_view(ours), theirs) << std::hex << address;
      ++compared;
    }
    EXPECT_GT(compared, 100u);
  }
}

}  // namespace
}  // namespace ashlar::tool
