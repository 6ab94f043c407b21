// SPDX-License-Identifier: MIT
// The tree of tags: names, paths, parents, limits.
#include "ashlar/observe/table/tag_table.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ashlar::observe {
namespace {

class tag_table_test : public ::testing::Test {
 protected:
  ~tag_table_test() override { table_->release(); }

  std::string path(tag_id tag, std::size_t capacity = 256) {
    std::string text(capacity, '?');
    text.resize(table_->path_of(tag, text.data(), capacity));
    return text;
  }

  std::unique_ptr<tag_table> table_ = std::make_unique<tag_table>();
};

TEST_F(tag_table_test, is_empty_before_its_first_use) {
  EXPECT_EQ(table_->size(), 0u);
  EXPECT_EQ(table_->find("game"), 0);
  EXPECT_EQ(path(0), "untagged");
}

TEST_F(tag_table_test, defines_a_path_with_its_ancestors_once) {
  const tag_id textures = table_->define("game/render/textures");
  const tag_id render = table_->find("game/render");
  EXPECT_NE(textures, 0);
  EXPECT_EQ((*table_)[textures].parent, render);
  EXPECT_EQ((*table_)[render].parent, table_->find("game"));
  EXPECT_EQ(table_->define("game/render/textures"), textures);
  EXPECT_EQ(table_->define("/game//render/textures/"), textures);
  EXPECT_EQ(table_->size(), 4u);
  EXPECT_EQ(path(textures), "game/render/textures");
  EXPECT_EQ(path(textures, 9), "game/ren");
}

TEST_F(tag_table_test, tells_names_below_different_parents_apart) {
  const tag_id a = table_->define("a/buffers");
  const tag_id b = table_->define("b/buffers");
  EXPECT_NE(a, b);
  EXPECT_EQ(table_->define("buffers", table_->find("a")), a);
  EXPECT_EQ(table_->find("a/buffers"), a);
  EXPECT_EQ(table_->find("c/buffers"), 0);
  EXPECT_EQ(table_->find("a/buffers/none"), 0);
}

TEST_F(tag_table_test, numbers_parents_before_their_children) {
  table_->define("x/y/z");
  table_->define("x/w");
  for (std::uint32_t i = 1; i < table_->size(); ++i)
    EXPECT_LT((*table_)[static_cast<tag_id>(i)].parent, i);
}

TEST_F(tag_table_test, cuts_names_that_are_too_long_and_knows_them_again) {
  const std::string name(100, 'n');
  const tag_id cut = table_->define(name.c_str());
  EXPECT_EQ(path(cut), name.substr(0, tag_record::name_capacity - 1));
  EXPECT_EQ(table_->define(name.c_str()), cut);
}

TEST_F(tag_table_test, gives_the_parent_where_there_is_no_room) {
  const tag_id top = table_->define("top");
  for (std::uint32_t i = table_->size(); i < most_tags; ++i)
    EXPECT_NE(table_->define(std::to_string(i).c_str(), top), top);
  EXPECT_EQ(table_->define("one more", top), top);
  EXPECT_EQ(table_->define("one more"), 0);
}

TEST_F(tag_table_test, keeps_budgets) {
  const tag_id some = table_->define("some");
  EXPECT_EQ(table_->budget_of(some).hard, tag_budget::none);
  int context = 0;
  table_->set_budget(some, {.soft = 10, .hard = 20, .context = &context, .exceeded = nullptr});
  EXPECT_EQ(table_->budget_of(some).soft, 10u);
  EXPECT_EQ(table_->budget_of(some).hard, 20u);
  EXPECT_EQ(table_->budget_of(some).context, &context);
  table_->set_budget(static_cast<tag_id>(4000), {.hard = 1});  // nobody's
}

TEST_F(tag_table_test, gives_all_threads_the_same_numbers) {
  constexpr int thread_count = 4;
  std::vector<std::vector<tag_id>> found(thread_count);
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i)
        found[static_cast<std::size_t>(t)].push_back(
            table_->define(("many/" + std::to_string(i)).c_str()));
    });
  }
  for (std::thread& t : threads) t.join();
  for (const auto& one : found) EXPECT_EQ(one, found[0]);
  EXPECT_EQ(table_->size(), 202u);
}

}  // namespace
}  // namespace ashlar::observe
