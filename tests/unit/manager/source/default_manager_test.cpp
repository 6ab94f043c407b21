// SPDX-License-Identifier: MIT
// The default manager is operator new and delete.
#include "ashlar/manager/source/default_manager.hpp"

#include <gtest/gtest.h>

#include <new>

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/memory_system.hpp"

namespace ashlar {
namespace {

TEST(default_manager, blocks_are_operator_news) {
  const memory m = default_manager();
  const allocation a = m.allocate({100});
  ASSERT_TRUE(a);
  EXPECT_EQ(a.size(), 100u);
  ::operator delete(a.data());  // ours to give, anyone's to take back
  void* const p = ::operator new(100);
  m.deallocate({p, 100});
  const allocation wide = m.allocate({100, 256});
  EXPECT_TRUE(is_aligned(address_of(wide.data()), 256));
  ::operator delete (wide.data(), std::align_val_t{256});
}

TEST(default_manager, is_one_for_the_process_and_nameless) {
  EXPECT_EQ(&default_manager(), &default_manager());
  EXPECT_EQ(default_manager().name(), nullptr);
  EXPECT_EQ(default_manager().upstream(), nullptr);
  EXPECT_TRUE(default_manager().can(capability::thread_safe));
}

TEST(new_manager, may_have_a_name) {
  new_manager named("named");
  EXPECT_EQ(system().find("named"), &named);
}

}  // namespace
}  // namespace ashlar
