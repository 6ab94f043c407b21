// SPDX-License-Identifier: MIT
// A scope over a part of the program: what that part made and left, by site, tag and thread.
#include <ashlar/debug.hpp>
#include <ashlar/tag.hpp>

#include <string>
#include <thread>

#include "replace/support/child.hpp"

namespace {

struct lines {
  std::string text;
  bool on_its_way = false;

  static void add(void* to, const char* line) {
    auto& all = *static_cast<lines*>(to);
    all.text.append(line).append("\n");
  }
  ashlar::debug_sink sink() { return {this, add}; }
  bool has(const char* words) const { return text.find(words) != std::string::npos; }
};

void counts_what_was_made_and_left() {
  void* const before = malloc(10);
  void* left = nullptr;
  void* also_left = nullptr;
  lines said;
  said.text.reserve(10000);
  {
    const ashlar::leak_scope scope("part", {.sink = said.sink()});
    expect(scope.check().is_known && scope.check().blocks == 0, "nothing yet");
    left = opaque(malloc(100));
    free(opaque(malloc(200)));
    free(before);
    also_left = new char[30];
    expect(scope.check().blocks == 2 && scope.check().bytes == 130, "two that live");
  }
  expect(said.has("ashlar: scope 'part' ends with 2 live blocks, 130 B"), "the sum");
  expect(said.has("1 block, 100 B, at 0x") && said.has("made by malloc"), "one");
  expect(said.has("1 block, 30 B, at 0x") && said.has("made by operator new[]"), "the other");
  expect(said.has("  allocated at:") && said.has("    #0 0x"), "and where");

  said.text.clear();
  {
    const ashlar::leak_scope scope("clean", {.sink = said.sink()});
    free(left);
    delete[] static_cast<char*>(also_left);
  }
  expect(said.text.empty(), "nothing to say");
  {
    ashlar::leak_scope scope("meant", {.sink = said.sink()});
    left = opaque(malloc(100));
    scope.dismiss();
  }
  expect(said.text.empty(), "dismissed");
  free(left);
}

void tells_threads_apart() {
  std::thread([] {}).join();  // libc keeps what its first thread needed
  const ashlar::leak_scope own("own");
  ashlar::leak_scope all("all", {.all_threads = true});
  void* left = nullptr;
  std::thread([&left] { left = opaque(malloc(1234)); }).join();
  expect(own.check().blocks == 0, "another thread's is not ours");
  expect(all.check().blocks == 1 && all.check().bytes == 1234, "but it is one of all");
  free(left);
  all.dismiss();
}

void tells_tags_apart() {
  const ashlar::tag textures = ashlar::define_tag("leak_scope/textures");
  const ashlar::tag sounds = ashlar::define_tag("leak_scope/sounds");
  const ashlar::tag both = ashlar::define_tag("leak_scope");
  const ashlar::leak_scope of_both("both", {.within = both});
  const ashlar::leak_scope of_one("one", {.within = textures});
  void* left[3] = {};
  {
    const ashlar::tag_scope scope(textures);
    left[0] = opaque(malloc(10));
  }
  {
    const ashlar::tag_scope scope(sounds);
    left[1] = opaque(malloc(20));
  }
  left[2] = opaque(malloc(30));
  expect(of_both.check().bytes == 30 && of_one.check().bytes == 10, "below the tag, and no other");
  for (void* const p : left) free(p);
}

void is_silent_where_nothing_is_known() {
  expect(ashlar::set_tracking({.level = ashlar::track_level::counters}), "tracking changes");
  lines said;
  {
    const ashlar::leak_scope scope("blind", {.sink = said.sink()});
    expect(!scope.check().is_known, "not known");
    free(opaque(malloc(10)));
  }
  expect(said.text.empty(), "not a word");
  const ashlar::leak_scope early("early");
  expect(ashlar::set_tracking({.level = ashlar::track_level::full}), "tracking goes on");
  expect(!early.check().is_known, "what came before that is not known");
}

}  // namespace

int main() {
  expect_ashlar();
  counts_what_was_made_and_left();
  tells_threads_apart();
  tells_tags_apart();
  is_silent_where_nothing_is_known();
  static char text[4096];
  const int status = run(
      [] {
        const ashlar::leak_scope scope("child");
        (void)opaque(malloc(77));
      },
      text, sizeof text);
  expect(status == 0 && count_of("ashlar: scope 'child' ends with 1 live block, 77 B", text) == 1,
         "on stderr, too");
  return 0;
}
