// SPDX-License-Identifier: MIT
// The registry as JSON and as text: to the byte, in any buffer.
#include "ashlar/report/registry_report.hpp"

#include <gtest/gtest.h>

#include <string>

#include "unit/manager/plain_manager.hpp"

namespace ashlar {
namespace {

using test::plain_manager;

std::string as_text(std::size_t (*write)(memory_system&, std::span<char>) noexcept,
                    std::size_t room = 4096) {
  std::string text(room, '#');
  const std::size_t size = write(system(), text);
  EXPECT_LE(size, room);
  return text.substr(0, size);
}

TEST(write_json, of_no_managers) {
  EXPECT_EQ(as_text(write_json), R"({"used":0,"held":0,"managers":[]})");
}

TEST(write_json, shows_the_tree) {
  plain_manager game("game");
  plain_manager level("level", &game);
  plain_manager mesh("mesh", &level);
  plain_manager audio("audio", &game);
  plain_manager other("other");
  game.figures = {.used = 100, .held = 200, .peak_used = 150, .limit = 300, .live_blocks = 4};
  EXPECT_EQ(
      as_text(write_json),
      R"({"used":100,"held":200,"managers":[)"
      R"({"name":"game","kind":"plain","used":100,"held":200,"peak":150,"limit":300,"blocks":4,)"
      R"("managers":[{"name":"level","kind":"plain","used":0,"held":0,"peak":null,"limit":null,)"
      R"("blocks":null,"managers":[{"name":"mesh","kind":"plain","used":0,"held":0,"peak":null,)"
      R"("limit":null,"blocks":null,"managers":[]}]},{"name":"audio","kind":"plain","used":0,)"
      R"("held":0,"peak":null,"limit":null,"blocks":null,"managers":[]}]},)"
      R"({"name":"other","kind":"plain","used":0,"held":0,"peak":null,"limit":null,)"
      R"("blocks":null,"managers":[]}]})");
}

TEST(write_json, escapes_names) {
  plain_manager odd("a \"b\" \\ \n \x1f \xc3\xa9");
  EXPECT_NE(as_text(write_json)
                .find(R"("name":"a \"b\" \\ \u000a \u001f )"
                      "\xc3\xa9\""),
            std::string::npos);
}

std::string quoted_name(const char* name) {
  const plain_manager m(name);
  const std::string text = as_text(write_json);
  const std::size_t from = text.find("\"name\":") + 7;
  return text.substr(from, text.find(",\"kind\"") - from);
}

TEST(write_json, replaces_what_is_not_utf8) {
  EXPECT_EQ(quoted_name("caf\xe9"), R"("caf\ufffd")") << "Latin-1";
  EXPECT_EQ(quoted_name("a\x80\xbfz"), R"("a\ufffd\ufffdz")") << "nothing leads them";
  EXPECT_EQ(quoted_name("\xe2\x82z"), R"("\ufffd\ufffdz")") << "the third byte is missing";
  EXPECT_EQ(quoted_name("\xc3"), R"("\ufffd")") << "the name ends";
  EXPECT_EQ(quoted_name("\xc0\xaf"), R"("\ufffd\ufffd")") << "a longer spelling of a slash";
  EXPECT_EQ(quoted_name("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")") << "half a pair";
  EXPECT_EQ(quoted_name("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")") << "beyond all";
  EXPECT_EQ(quoted_name("\xff"), R"("\ufffd")");
  for (const char* const fine : {"\xc2\x80", "\xe2\x82\xac", "\xef\xbf\xbf", "\xf0\x9f\xaa\xa8"})
    EXPECT_EQ(quoted_name(fine), std::string("\"") + fine + '"');
}

TEST(write_json, tells_the_size_whatever_the_room) {
  plain_manager game("game");
  const std::string whole = as_text(write_json);
  for (std::size_t room = 0; room <= whole.size(); ++room) {
    std::string part(room + 1, '#');
    EXPECT_EQ(write_json(system(), std::span(part).first(room)), whole.size());
    EXPECT_EQ(part, whole.substr(0, room) + '#') << "nothing is written behind the end";
  }
}

TEST(write_tree, indents_children_and_cuts_sizes) {
  plain_manager game("game");
  plain_manager level("level", &game);
  game.figures = {.used = 1536, .held = 3 << 20, .peak_used = 2047, .limit = 1u << 30};
  level.figures = {.used = 1023, .held = 1024, .live_blocks = 7};
  EXPECT_EQ(as_text(write_tree),
            "1.4 KiB used, held 3.0 MiB\n"  // 1535 bytes
            "game (plain): 1.5 KiB used, at most 1.9 KiB, limit 1.0 GiB, held 3.0 MiB\n"
            "  level (plain): 1023 B used, held 1.0 KiB, blocks 7\n");
}

TEST(write_json, cuts_no_character_of_a_long_name) {
  const std::string long_name = std::string(255, 'a') + "\u00e9\u00e9";
  plain_manager m(long_name.c_str());
  EXPECT_NE(as_text(write_json).find('"' + std::string(255, 'a') + '"'), std::string::npos);
}

}  // namespace
}  // namespace ashlar
