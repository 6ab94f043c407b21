// SPDX-License-Identifier: MIT
// The sources of a user's and the one that has nothing.
#include "ashlar/sources.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/manager/memory_system.hpp"
#include "support/fault_log.hpp"
#include "support/pattern.hpp"

namespace ashlar {
namespace {

// --- nothing ---

TEST(null_manager, refuses_everything_with_the_reason) {
  null_manager none;
  const memory m = none;
  EXPECT_EQ(m.allocate({1, 1}).reason(), status::not_enough_memory);
  EXPECT_EQ(m.allocate({0, 1}).would_fit(), 0u);
  EXPECT_EQ(m.allocate_zeroed({8, 8}).reason(), status::not_enough_memory);
  EXPECT_EQ(m.allocate({1, 3}).reason(), status::bad_alignment);
  EXPECT_EQ(m.allocate({max_size + 1, 1}).reason(), status::too_large);
  EXPECT_FALSE(m.owns(&none));
  EXPECT_EQ(m.usage().used, 0u);
}

TEST(null_manager, takes_nothing_back) {
  null_manager none;
  test::fault_log faults;
  memory(none).deallocate({});
  EXPECT_EQ(faults.count(), 0u);
  memory(none).deallocate({&none, 1});
  EXPECT_TRUE(faults.took(fault_kind::invalid_free, &none));
}

// --- functions of the user's ---

struct c_engine {
  std::size_t blocks = 0;
  std::size_t last_size = 0;
  bool refuse = false;
};

void* take(void* context, std::size_t size, std::size_t alignment) {
  auto& engine = *static_cast<c_engine*>(context);
  engine.last_size = size;
  void* p = nullptr;
  if (engine.refuse || ::posix_memalign(&p, alignment < 8 ? 8 : alignment, size) != 0)
    return nullptr;
  ++engine.blocks;
  return p;
}
void give(void* context, void* data, std::size_t, std::size_t) {
  --static_cast<c_engine*>(context)->blocks;
  std::free(data);
}
void* take_zeroed(void* context, std::size_t size, std::size_t alignment) {
  void* const p = take(context, size, alignment);
  return p != nullptr ? std::memset(p, 0, size) : nullptr;
}
void* resize_in_place(void*, void* data, std::size_t old_size, std::size_t new_size, std::size_t,
                      bool) {
  return new_size <= old_size ? data : nullptr;
}

ashlar_user_memory table_of(c_engine& engine) {
  ashlar_user_memory table = {};
  table.context = &engine;
  table.allocate = take;
  table.deallocate = give;
  return table;
}

TEST(user_manager, declares_what_the_user_has_given) {
  c_engine engine;
  user_manager least(table_of(engine));
  EXPECT_EQ(least.ops().can, capability::none);
  EXPECT_EQ(least.ops().reallocate, nullptr);
  user_manager most({.context = &engine,
                     .allocate = take,
                     .deallocate = give,
                     .allocate_zeroed = take_zeroed,
                     .reallocate = resize_in_place,
                     .thread_safe = true});
  EXPECT_EQ(most.ops().can, capability::zero | capability::resize | capability::thread_safe);
  EXPECT_EQ(least.ops().can, capability::none) << "each has a table of its own";
}

TEST(user_manager, counts_what_goes_through_it) {
  c_engine engine;
  user_manager m(table_of(engine), "engine");
  EXPECT_EQ(system().find("engine"), &m);
  const allocation a = memory(m).allocate({100, 64});
  const allocation b = memory(m).allocate({0, 1});
  EXPECT_EQ(engine.last_size, 1u);
  EXPECT_EQ(m.usage().used, 101u);
  EXPECT_EQ(m.usage().live_blocks, 2u);
  memory(m).deallocate(a.get(), 64);
  memory(m).deallocate(b.get(), 1);
  EXPECT_EQ(m.usage().used, 0u);
  EXPECT_EQ(m.usage().peak_used, 101u);
  EXPECT_EQ(engine.blocks, 0u);
}

TEST(user_manager, resizes_as_the_user_does) {
  c_engine engine;
  ashlar_user_memory table = table_of(engine);
  table.reallocate = resize_in_place;
  user_manager m(table);
  const allocation a = memory(m).allocate({100, 8});
  EXPECT_EQ(memory(m).reallocate(a.get(), 8, {.size = 50, .may_move = false}).data(), a.data());
  EXPECT_EQ(m.usage().used, 50u);
  EXPECT_EQ(memory(m).reallocate({a.data(), 50}, 8, {.size = 60, .may_move = false}).reason(),
            status::unsupported);
  EXPECT_EQ(memory(m).reallocate({a.data(), 50}, 8, {.size = 60}).reason(), status::no_memory);
  EXPECT_EQ(m.usage().used, 50u);
  memory(m).deallocate({a.data(), 50}, 8);
}

// --- a block of the user's ---

alignas(64_KiB) std::byte the_block[1_MiB];

TEST(user_block_os, serves_parts_of_the_block) {
  user_block_os os({.memory = {the_block, sizeof(the_block)}});
  EXPECT_EQ(os.capacity(), 1_MiB);
  EXPECT_EQ(os.available(), 1_MiB);
  const os::range a = os.reserve(64_KiB);
  const os::range b = os.reserve(64_KiB, 64_KiB);
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a.data, the_block);
  EXPECT_EQ(b.data, the_block + 64_KiB);
  EXPECT_EQ(os.available(), 1_MiB - 128_KiB);
  EXPECT_FALSE(os.reserve(1_MiB));
  EXPECT_TRUE(os.commit(a));
  EXPECT_FALSE(os.decommit(a)) << "pages of a block stay";
  EXPECT_EQ(os.usage().held, 64_KiB);
  os.release(a, 64_KiB);
  os.release(b, 0);
  EXPECT_EQ(os.available(), 1_MiB) << "parts grow together again";
  EXPECT_EQ(os.usage().held, 0u);
}

TEST(user_block_os, keeps_alignment_and_what_is_cut_off) {
  user_block_os os({.memory = {the_block + 1, 8_KiB}, .page_size = 256});
  EXPECT_EQ(os.capacity(), 8_KiB - 256);
  const os::range small = os.reserve(1);
  EXPECT_EQ(small.size, 256u);
  const std::size_t fits = os.available(4_KiB);
  const os::range wide = os.reserve(fits, 4_KiB);
  ASSERT_TRUE(wide);
  EXPECT_TRUE(is_aligned(address_of(wide.data), 4_KiB));
  EXPECT_EQ(os.available(4_KiB), 0u);
  const os::range rest = os.reserve(os.available());
  ASSERT_TRUE(rest);
  EXPECT_EQ(os.available(), 0u);
  EXPECT_FALSE(os.reserve(1));
  for (const os::range r : {wide, small, rest}) os.release(r, 0);
  EXPECT_EQ(os.available(), os.capacity());
}

TEST(user_block_os, writes_nothing_before_the_first_request) {
  std::memset(the_block, 0x5a, 256);
  {
    user_block_os os({.memory = {the_block, sizeof(the_block)}});
    EXPECT_TRUE(os.owns(the_block));
    EXPECT_FALSE(os.owns(the_block + sizeof(the_block)));
    EXPECT_FALSE(os.owns(nullptr));
  }
  for (std::size_t i = 0; i < 256; ++i) ASSERT_EQ(the_block[i], std::byte{0x5a});
}

TEST(user_block_os, of_nothing_has_nothing) {
  user_block_os empty({.memory = {}});
  EXPECT_EQ(empty.available(), 0u);
  EXPECT_EQ(memory(empty).allocate({1, 1}).reason(), status::not_enough_memory);
  user_block_os tiny({.memory = {the_block + 1, 100}});
  EXPECT_FALSE(tiny.reserve(1));
  EXPECT_FALSE(tiny.owns(the_block + 1));
}

TEST(user_block_os, reports_what_does_not_come_back_as_it_went) {
  test::fault_log faults;
  {
    user_block_os os({.memory = {the_block, sizeof(the_block)}});
    const os::range a = os.reserve(64_KiB);
    os.release({the_block + 512_KiB, 64_KiB}, 0);
    EXPECT_TRUE(faults.took(fault_kind::double_free, the_block + 512_KiB));
    os.release({reinterpret_cast<std::byte*>(&os), 64_KiB}, 0);
    EXPECT_TRUE(faults.took(fault_kind::invalid_free, &os));
    os.release({the_block, 2_MiB}, 0);
    EXPECT_TRUE(faults.took(fault_kind::invalid_free, the_block));
    os.release(a, 0);
    os.release(a, 0);
    EXPECT_TRUE(faults.took(fault_kind::double_free, a.data));
    EXPECT_EQ(os.available(), 1_MiB);
    EXPECT_TRUE(os.reserve(1));
  }
  EXPECT_TRUE(faults.took(fault_kind::still_in_use, the_block));
}

TEST(user_block_os, counts_no_free_that_it_refuses) {
  test::fault_log faults;
  user_block_os os({.memory = {the_block, sizeof(the_block)}});
  const allocation a = os.allocate({100});
  const allocation b = os.allocate({100});
  os.deallocate(a.get());
  const manager_usage before = os.usage();
  os.deallocate(a.get());
  EXPECT_TRUE(faults.took(fault_kind::double_free, a.data()));
  EXPECT_EQ(os.usage().used, before.used);
  EXPECT_EQ(os.usage().held, before.held);
  EXPECT_EQ(os.usage().live_blocks, 1u);
  os.deallocate(b.get());
  EXPECT_EQ(faults.count(), 0u);
}

// --- an OS of the user's ---

TEST(user_os, passes_pages_on) {
  user_block_os behind({.memory = {the_block, sizeof(the_block)}});
  ashlar_user_os table = {};
  table.context = &behind;
  table.reserve = [](void* c, std::size_t size, std::size_t alignment) -> void* {
    return static_cast<user_block_os*>(c)->reserve(size, alignment).data;
  };
  table.release = [](void* c, void* data, std::size_t size, std::size_t committed) {
    static_cast<user_block_os*>(c)->release({static_cast<std::byte*>(data), size}, committed);
  };
  table.commit = [](void* c, void* data, std::size_t size) {
    return static_cast<user_block_os*>(c)->commit({static_cast<std::byte*>(data), size});
  };
  table.available = [](void* c, std::size_t alignment) {
    return static_cast<user_block_os*>(c)->available(alignment);
  };
  user_os os(table);
  EXPECT_EQ(os.available(), 1_MiB);
  const allocation a = memory(os).allocate({100, 64_KiB});
  ASSERT_TRUE(a);
  EXPECT_EQ(behind.usage().held, os.page_size());
  EXPECT_EQ(&memory(os).os(), &os);
  EXPECT_FALSE(os.discard({static_cast<std::byte*>(a.data()), os.page_size()}));
  memory(os).deallocate(a.get(), 64_KiB);
  EXPECT_EQ(behind.usage().held, 0u);
  EXPECT_EQ(memory(os).allocate({2_MiB, 1}).would_fit(), 1_MiB);
}

}  // namespace
}  // namespace ashlar
