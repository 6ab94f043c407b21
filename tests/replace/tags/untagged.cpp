// SPDX-License-Identifier: MIT
// What happens to blocks without a tag, by policy: counted, warned of once a site, or the end.
#include <sys/wait.h>
#include <ashlar/tag.hpp>
#include <ashlar/track.hpp>
#include <csignal>

#include "replace/support/check.hpp"

namespace {

void set(ashlar::untagged_policy policy) {
  expect(ashlar::set_tracking(
             {.level = ashlar::track_level::counters, .depth = 0, .untagged = policy}),
         "tracking begins");
}

// Runs `child` in a child whose stderr is read. Returns its status.
template <class Child>
int run(Child child, char* text, size_t capacity) {
  int ends[2];
  expect(pipe(ends) == 0, "a pipe");
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    child();
    _exit(0);
  }
  close(ends[1]);
  size_t size = 0;
  ssize_t got;
  while (size + 1 < capacity && (got = read(ends[0], text + size, capacity - 1 - size)) > 0)
    size += static_cast<size_t>(got);
  text[size] = 0;
  close(ends[0]);
  int status = 0;
  expect(waitpid(pid, &status, 0) == pid, "the child ends");
  return status;
}

int lines_in(const char* text) {
  int count = 0;
  for (; *text != 0; ++text) count += *text == '\n';
  return count;
}

}  // namespace

int main() {
  expect_ashlar();
  const ashlar::tag some = ashlar::define_tag("some");
  char text[4096];

  expect(!ashlar::set_tracking(
             {.level = ashlar::track_level::sampled, .untagged = ashlar::untagged_policy::count}),
         "not where a few blocks are seen alone");
  expect(ashlar::current_tracking().level == ashlar::track_level::off, "nothing has changed");

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

  int status = run(
      [&] {
        set(ashlar::untagged_policy::warn_once);
        for (int i = 0; i < 10; ++i) free(opaque(malloc(24)));
        free(opaque(malloc(48)));
        const ashlar::tag_scope scope(some);
        free(opaque(malloc(96)));
      },
      text, sizeof text);
  expect(status == 0 && lines_in(text) == 2, "one line for each of two sites");
  expect(strstr(text, "ashlar: untagged allocation of 24 bytes by 0x") == text, "what it says");
  expect(strstr(text, " 96 bytes") == nullptr, "nothing of tagged ones");

  status = run(
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
  expect(lines_in(text) == 1 && strstr(text, " 24 bytes") != nullptr, "and why");
  return 0;
}
