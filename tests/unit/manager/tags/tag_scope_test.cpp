// SPDX-License-Identifier: MIT
// The tag of a thread: scopes, pushes, what travels, and what is wrong with an unbalanced end.
#include "ashlar/manager/tag_scope.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "ashlar/hardening/fault.hpp"

namespace ashlar {
namespace {

// Collects the lines of faults.
class fault_lines {
 public:
  fault_lines() {
    lines().clear();
    before_ = exchange_fault_hook([](fault_kind kind, const void*, const char* line) {
      lines() += name(kind) + line + "\n";
    });
  }
  ~fault_lines() { exchange_fault_hook(before_); }

  static std::string& lines() {
    static std::string all;
    return all;
  }
  bool empty() const { return lines().empty(); }
  bool has(const std::string& part) const { return lines().find(part) != std::string::npos; }

 private:
  static std::string name(fault_kind kind) {
    return kind == fault_kind::unbalanced_tag ? "" : "another kind: ";
  }

  fault_hook before_;
};

std::string place(std::uint_least32_t line) {
  return std::string(std::source_location::current().file_name()) + ":" + std::to_string(line);
}

const tag a = define_tag("scope test/a");
const tag b = define_tag("scope test/b");

TEST(tag_scope, nests_and_gives_back_what_was_before) {
  EXPECT_FALSE(current_tag());
  {
    const tag_scope outer(a);
    EXPECT_EQ(current_tag(), a);
    {
      const tag_scope inner(b);
      EXPECT_EQ(current_tag(), b);
      const tag_scope none{tag()};
      EXPECT_FALSE(current_tag());
    }
    EXPECT_EQ(current_tag(), a);
  }
  EXPECT_FALSE(current_tag());
}

TEST(tag_scope, belongs_to_its_thread) {
  const tag_scope scope(a);
  tag elsewhere = a;
  std::thread([&] { elsewhere = current_tag(); }).join();
  EXPECT_FALSE(elsewhere);
}

TEST(tag_scope, remembers_where_it_began) {
  const auto line = std::source_location::current().line() + 1;
  const tag_scope scope(a);
  EXPECT_EQ(capture_tags().place.line(), line);
  EXPECT_EQ(capture_tags().current, a);
}

TEST(tag_scope, travels_as_a_token) {
  tag_token token;
  {
    const tag_scope scope(a);
    token = capture_tags();
  }
  tag inside;
  tag after = a;
  std::thread([&] {
    {
      const use_tags scope(token);
      inside = current_tag();
      EXPECT_EQ(capture_tags().place.line(), token.place.line());
    }
    after = current_tag();
  }).join();
  EXPECT_EQ(inside, a);
  EXPECT_FALSE(after);
}

TEST(tag_scope, that_ends_out_of_order_is_a_fault_with_both_places) {
  const fault_lines faults;
  auto first = std::unique_ptr<tag_scope>(new tag_scope(a));
  const auto first_line = std::source_location::current().line() - 1;
  auto second = std::unique_ptr<tag_scope>(new tag_scope(b));
  const auto second_line = std::source_location::current().line() - 1;
  first.reset();
  EXPECT_TRUE(faults.has("pushed at " + place(first_line)));
  EXPECT_TRUE(faults.has("the last one is of " + place(second_line)));
  EXPECT_EQ(current_tag(), b);
  second.reset();
  EXPECT_FALSE(current_tag());  // what the first would have given back
}

// Its memory is used again by then: nobody may look at it.
void end_in_another_thread(std::unique_ptr<tag_scope>& scope) {
  void* const memory = scope.release();
  std::thread([memory] {
    const tag_scope own(b);
    std::destroy_at(static_cast<tag_scope*>(memory));
    std::memset(memory, 0x41, sizeof(tag_scope));
    EXPECT_EQ(current_tag(), b);
  }).join();
  ::operator delete(memory);
}

TEST(tag_scope, that_ends_in_another_thread_ends_in_its_own) {
  const fault_lines faults;
  auto scope = std::unique_ptr<tag_scope>(new tag_scope(a));
  end_in_another_thread(scope);
  EXPECT_TRUE(faults.has("pushed at"));
  EXPECT_FALSE(current_tag());
  EXPECT_EQ(capture_tags().place.line(), 0u);
  const tag_scope again(b);
  EXPECT_EQ(current_tag(), b);
}

TEST(tag_scope, that_ends_in_another_thread_leaves_those_around_it_and_inside) {
  const fault_lines faults;
  const tag_scope around(b);
  const auto line = std::source_location::current().line() - 1;
  {
    auto first = std::unique_ptr<tag_scope>(new tag_scope(a));
    auto second = std::unique_ptr<tag_scope>(new tag_scope(a));
    const tag_scope inside(a);
    end_in_another_thread(first);
    end_in_another_thread(second);
    EXPECT_EQ(current_tag(), a);
  }
  EXPECT_EQ(current_tag(), b);
  EXPECT_EQ(capture_tags().place.line(), line);
}

// More of them than are kept at a time.
TEST(tag_scope, may_end_in_other_threads_many_times) {
  const fault_lines faults;
  for (int i = 0; i < 300; ++i) {
    auto scope = std::unique_ptr<tag_scope>(new tag_scope(a));
    end_in_another_thread(scope);
  }
  EXPECT_FALSE(current_tag());
}

TEST(push_tag, and_pop_tag_nest_like_scopes) {
  const fault_lines faults;
  EXPECT_TRUE(push_tag(a));
  EXPECT_TRUE(push_tag(b));
  EXPECT_EQ(current_tag(), b);
  {
    const tag_scope scope(a);
    EXPECT_TRUE(push_tag(b));
    pop_tag(b);
    EXPECT_EQ(current_tag(), a);
  }
  pop_tag(b);
  EXPECT_EQ(current_tag(), a);
  pop_tag(a);
  EXPECT_FALSE(current_tag());
  EXPECT_TRUE(faults.empty());
}

TEST(pop_tag, of_another_tag_is_a_fault_with_both_places) {
  const fault_lines faults;
  push_tag(a);
  const auto pushed = std::source_location::current().line() - 1;
  pop_tag(b);
  const auto popped = std::source_location::current().line() - 1;
  EXPECT_TRUE(faults.has("last pushed at " + place(pushed)));
  EXPECT_TRUE(faults.has("popped at " + place(popped)));
  EXPECT_EQ(current_tag(), a);
  pop_tag(a);
}

TEST(pop_tag, inside_a_scope_does_not_end_what_was_pushed_outside) {
  const fault_lines faults;
  push_tag(a);
  {
    const tag_scope scope(b);
    pop_tag(a);
    EXPECT_FALSE(faults.empty());
    EXPECT_EQ(current_tag(), b);
  }
  pop_tag(a);
  EXPECT_FALSE(current_tag());
}

TEST(pop_tag, without_a_push_names_its_own_place) {
  const fault_lines faults;
  pop_tag(a);
  const auto popped = std::source_location::current().line() - 1;
  EXPECT_TRUE(faults.has("popped at " + place(popped)));
  EXPECT_FALSE(faults.has("pushed at"));
}

TEST(push_tag, refuses_more_than_it_can_keep) {
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(push_tag(a));
  EXPECT_FALSE(push_tag(b));
  EXPECT_EQ(current_tag(), a);
  for (int i = 0; i < 16; ++i) pop_tag(a);
  EXPECT_FALSE(current_tag());
}

}  // namespace
}  // namespace ashlar
