// SPDX-License-Identifier: MIT
// slot_map: handles know when their element is gone; elements lie side by side; memory comes from
// the manager and goes back to it.
#include "ashlar/container/slot_map.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "ashlar/manager/arena/stack_manager.hpp"
#include "ashlar/manager/source/os_manager.hpp"
#include "support/fault_log.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"

namespace ashlar {
namespace {

/// A manager that counts what it lent, and refuses after a while.
class counting_manager : public manager {
 public:
  static constexpr const char* kind_name = "counting";
  counting_manager() : manager(ops_for<counting_manager>, nullptr) {}

  allocation allocate(layout request, fit wanted) noexcept {
    if (left == 0) return allocation::failed(status::over_budget);
    --left;
    const allocation got = inner_.allocate(request, wanted);
    lent += got.size();
    return got;
  }
  void deallocate(block b, std::size_t alignment) noexcept {
    lent -= b.size;
    inner_.deallocate(b, alignment);
  }
  manager_usage usage() const noexcept { return {.used = lent}; }

  std::size_t left = static_cast<std::size_t>(-1);
  std::size_t lent = 0;

 private:
  memory inner_ = system_os();
};

TEST(slot_map, finds_elements_by_handle_until_they_are_erased) {
  slot_map<std::string> m;
  const auto a = m.insert("a");
  const auto b = m.emplace(3, 'b');
  EXPECT_EQ(*m.find(a), "a");
  EXPECT_EQ(*m.find(b), "bbb");
  EXPECT_TRUE(m.erase(a));
  EXPECT_EQ(m.find(a), nullptr);
  EXPECT_FALSE(m.contains(a));
  EXPECT_FALSE(m.erase(a)) << "a second time";
  EXPECT_EQ(*m.find(b), "bbb") << "it has moved, and its handle knows";
  m.check_invariants();
}

TEST(slot_map, tells_an_element_from_the_one_that_had_its_slot_before) {
  slot_map<int> m;
  const auto first = m.insert(1);
  m.erase(first);
  const auto second = m.insert(2);
  EXPECT_EQ(second.index, first.index);
  EXPECT_NE(second, first);
  EXPECT_EQ(m.find(first), nullptr);
  EXPECT_EQ(*m.find(second), 2);
}

TEST(slot_map, knows_nothing_by_the_empty_handle_or_one_of_nobody) {
  slot_map<int> m;
  EXPECT_EQ(m.find({}), nullptr);
  m.insert(1);
  EXPECT_EQ(m.find({}), nullptr);
  EXPECT_EQ(m.find({0, 2}), nullptr);
  EXPECT_EQ(m.find({1, 1}), nullptr);
  EXPECT_FALSE(m.erase(slot_map<int>::handle{}));
  EXPECT_FALSE(slot_map<int>::handle{});
}

TEST(slot_map, never_uses_a_slot_again_whose_generations_are_used_up) {
  slot_map<int, std::uint8_t> m;
  std::vector<slot_map<int, std::uint8_t>::handle> gone;
  for (int i = 0; i < 1'000; ++i) {
    const auto h = m.insert(i);
    for (const auto& old : gone) ASSERT_FALSE(old == h);
    gone.push_back(h);
    m.erase(h);
    m.check_invariants();
  }
  for (const auto& old : gone) ASSERT_EQ(m.find(old), nullptr);
  EXPECT_EQ(gone.back().index, 1'000u / 128) << "128 elements a slot";
}

TEST(slot_map, keeps_its_elements_side_by_side) {
  slot_map<int> m;
  std::vector<slot_map<int>::handle> handles;
  for (int i = 0; i < 100; ++i) handles.push_back(m.insert(i));
  for (std::size_t i = 0; i < 100; i += 3) m.erase(handles[i]);
  EXPECT_EQ(m.end() - m.begin(), 66);
  EXPECT_EQ(std::accumulate(m.begin(), m.end(), 0), 4'950 - 33 * 51);
  for (const int* p = m.begin(); p != m.end(); ++p) EXPECT_EQ(m.find(m.handle_of(p)), p);
  EXPECT_EQ(m.erase_if([](int n) { return n % 2 == 0; }), 33u);
  for (const int n : m) EXPECT_EQ(n % 2, 1);
  m.check_invariants();
}

TEST(slot_map, makes_an_element_of_one_of_its_own_while_it_grows) {
  slot_map<std::string> m;
  m.insert(std::string(100, 'x'));
  while (m.size() < m.capacity()) m.insert(*m.begin());
  const auto h = m.insert(*m.begin());
  EXPECT_EQ(*m.find(h), std::string(100, 'x'));
}

TEST(slot_map, takes_elements_that_can_only_be_moved) {
  slot_map<std::unique_ptr<int>> m;
  const auto a = m.insert(std::make_unique<int>(1));
  for (int i = 0; i < 50; ++i) m.insert(std::make_unique<int>(i));
  EXPECT_EQ(**m.find(a), 1);
  slot_map<std::unique_ptr<int>> other(std::move(m));
  EXPECT_TRUE(m.empty());
  EXPECT_EQ(**other.find(a), 1);
  m = std::move(other);
  EXPECT_EQ(m.size(), 51u);
}

TEST(slot_map, takes_elements_of_any_alignment) {
  struct alignas(256) wide {
    char c;
  };
  slot_map<wide> m;
  for (int i = 0; i < 20; ++i) m.insert(wide{'x'});
  for (const wide& w : m) EXPECT_TRUE(is_aligned(address_of(&w), 256));
}

TEST(slot_map, gives_all_memory_back) {
  counting_manager from;
  {
    slot_map<std::string> m(from);
    for (int i = 0; i < 1'000; ++i) m.insert(std::string(50, 'x'));
    EXPECT_GT(from.lent, 1'000 * sizeof(std::string));
    m.clear();
    EXPECT_TRUE(m.empty());
    m.check_invariants();
  }
  EXPECT_EQ(from.lent, 0u);
}

TEST(slot_map, has_changed_nothing_when_memory_is_refused) {
  counting_manager from;
  from.left = 1;
  slot_map<std::string> m(from);
  m.insert("first");
  while (m.size() < m.capacity()) m.insert("more");
  std::string kept = "is not lost, and long enough to have a block of its own";
  slot_map<std::string>::handle made;
  EXPECT_EQ(m.try_emplace(made, std::move(kept)), status::over_budget);
  EXPECT_FALSE(made);
  EXPECT_EQ(kept.size(), 55u);
  EXPECT_THROW(m.insert("one too many"), bad_allocation);
  EXPECT_EQ(m.try_reserve(100), status::over_budget);
  EXPECT_EQ(m.try_reserve(static_cast<std::size_t>(-1)), status::too_large);
  EXPECT_EQ(m.size(), m.capacity());
  EXPECT_EQ(*m.begin(), "first");
  m.check_invariants();
  from.left = 1;
  EXPECT_EQ(m.try_emplace(made, std::move(kept)), status::success);
  EXPECT_TRUE(made);
}

TEST(slot_map, frees_no_block_below_another) {
  test::fault_log faults;
  stack_manager last_first;
  {
    slot_map<int> map(last_first);
    status reason = status::success;
    slot_handle<std::uint32_t> made;
    std::size_t count = 0;
    while ((reason = map.try_emplace(made, 7)) == status::success) ++count;
    EXPECT_EQ(reason, status::unsupported);
    EXPECT_EQ(map.size(), count);
    EXPECT_EQ(map.size(), map.capacity());
    EXPECT_EQ(last_first.usage().live_blocks, 1u);
  }
  EXPECT_EQ(last_first.usage().live_blocks, 0u);
  EXPECT_EQ(faults.count(), 0u);
}

TEST(slot_map, has_changed_nothing_when_a_constructor_throws) {
  struct picky {
    explicit picky(int n) {
      if (n < 0) throw std::invalid_argument("negative");
    }
  };
  counting_manager from;
  {
    slot_map<picky> m(from);
    EXPECT_THROW(m.emplace(-1), std::invalid_argument) << "while it grows";
    EXPECT_EQ(from.lent, 0u);
    const auto h = m.emplace(1);
    EXPECT_THROW(m.emplace(-1), std::invalid_argument);
    EXPECT_EQ(m.size(), 1u);
    EXPECT_TRUE(m.contains(h));
    m.check_invariants();
  }
  EXPECT_EQ(from.lent, 0u);
}

TEST(slot_map, agrees_with_a_map_in_a_random_walk) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    test::random_source random(seed);
    slot_map<std::string, std::uint8_t> m;
    using handle = decltype(m)::handle;
    const auto key = [](handle h) { return std::uint64_t{h.index} << 8 | h.generation; };
    std::map<std::uint64_t, std::pair<handle, std::string>> model;
    std::vector<handle> gone;
    for (std::size_t step = 0; step < test::scaled(6'000); ++step) {
      const auto picked = model.lower_bound(random.below(40) << 8);
      if (picked == model.end() || random.one_in(2)) {
        const std::string text(random.below(40), static_cast<char>('a' + random.below(26)));
        const handle h = m.insert(text);
        ASSERT_TRUE(model.emplace(key(h), std::pair{h, text}).second);
      } else if (random.one_in(400)) {
        for (const auto& [k, entry] : model) gone.push_back(entry.first);
        model.clear();
        m.clear();
      } else {
        ASSERT_TRUE(m.erase(picked->second.first));
        gone.push_back(picked->second.first);
        model.erase(picked);
      }
      m.check_invariants();
      ASSERT_EQ(m.size(), model.size());
      ASSERT_FALSE(!gone.empty() && m.contains(gone[random.below(gone.size())]));
    }
    for (const auto& [k, entry] : model) ASSERT_EQ(*m.find(entry.first), entry.second);
    for (const handle h : gone) ASSERT_FALSE(m.contains(h));
  }
}

}  // namespace
}  // namespace ashlar
