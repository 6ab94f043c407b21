// SPDX-License-Identifier: MIT
// What happens to blocks without a tag, by policy: counted, warned of once a site, or the end.
#include <ashlar/tag.hpp>
#include <ashlar/track.hpp>
#include <csignal>

#include "replace/support/check.hpp"
#include "replace/support/child.hpp"

namespace {

void set(ashlar::untagged_policy policy) {
  expect(ashlar::set_tracking(
             {.level = ashlar::track_level::counters, .depth = 0, .untagged = policy}),
         "tracking begins");
}

void refuse_where_few_are_seen() {
  expect(!ashlar::set_tracking(
             {.level = ashlar::track_level::sampled, .untagged = ashlar::untagged_policy::count}),
         "not where a few blocks are seen alone");
  expect(ashlar::current_tracking().level == ashlar::track_level::off, "nothing has changed");
}

void count(ashlar::tag some) {
  set(ashlar::untagged_policy::count);
  const std::uint64_t before = ashlar::tracked_total().untagged_blocks;
  for (int i = 0; i < 10; ++i) free(opaque(malloc(24)));
  {
    const ashlar::tag_scope scope(some);
    for (int i = 0; i < 10; ++i) free(opaque(malloc(24)));
  }
  expect(ashlar::tracked_total().untagged_blocks - before == 10, "the untagged ones are counted");
  set(ashlar::untagged_policy::ignore);
  for (int i = 0; i < 10; ++i) free(opaque(malloc(24)));
  expect(ashlar::tracked_total().untagged_blocks - before == 10, "ignored");
}

void warn_once_a_site(ashlar::tag some) {
  char text[4096];
  const int status = run(
      [&] {
        set(ashlar::untagged_policy::warn_once);
        for (int i = 0; i < 10; ++i) free(opaque(malloc(24)));
        free(opaque(malloc(48)));
        const ashlar::tag_scope scope(some);
        free(opaque(malloc(96)));
      },
      text, sizeof text);
  expect(status == 0 && count_of("ashlar: ", text) == 2, "one line for each of two sites");
  expect(strstr(text, "ashlar: untagged allocation of 24 bytes\n    #0 0x") == text,
         "what it says");
  expect(strstr(text, " 96 bytes") == nullptr, "nothing of tagged ones");
}

void end(ashlar::tag some) {
  char text[4096];
  const int status = run(
      [&] {
        set(ashlar::untagged_policy::abort);
        {
          const ashlar::tag_scope scope(some);
          free(opaque(malloc(96)));
        }
        free(opaque(malloc(24)));
      },
      text, sizeof text);
  expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "the end");
  expect(count_of("ashlar: ", text) == 1 && strstr(text, " 24 bytes") != nullptr, "and why");
}

}  // namespace

int main() {
  expect_ashlar();
  const ashlar::tag some = ashlar::define_tag("some");
  refuse_where_few_are_seen();
  count(some);
  warn_once_a_site(some);
  end(some);
  return 0;
}
