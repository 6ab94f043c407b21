// SPDX-License-Identifier: MIT
// What children of fork know of tags, while another thread publishes what it counts all the time.
#include <sys/wait.h>

#include <atomic>
#include <cstdlib>
#include <thread>

#include "ashlar/tag.hpp"
#include "ashlar/track.hpp"
#include "replace/support/check.hpp"

namespace {

constexpr int fork_count = 400;
constexpr std::size_t block_size = 1000;
constexpr int window = 64;  // several batches of 16 KiB go up and down

std::atomic<bool> stop{false};

void allocate_all_the_time(ashlar::tag mine) {
  const ashlar::tag_scope here(mine);
  void* blocks[window] = {};
  while (!stop.load(std::memory_order_relaxed)) {
    for (void*& p : blocks) p = std::malloc(block_size);
    for (void*& p : blocks) std::free(p);
  }
}

// One block may have been under way, between its site and its tag.
void expect_that_tag_and_sites_agree(ashlar::tag mine) {
  const ashlar::tag_usage all = ashlar::usage_of(mine);
  const auto differ = static_cast<long long>(all.live_bytes - all.blocks.live_bytes);
  expect(static_cast<std::size_t>(std::llabs(differ)) <= block_size, "no batch is lost");
}

// What the tag may still hold is what its budget says.
void expect_that_the_budget_holds(ashlar::tag mine) {
  const std::size_t live = ashlar::usage_of(mine).live_bytes;
  ashlar::set_budget(mine, {.hard = live + 10 * block_size});
  const ashlar::tag_scope here(mine);
  int count = 0;
  while (std::malloc(block_size) != nullptr && count < 100) ++count;
  expect(count == 10, "ten blocks fit");
}

}  // namespace

int main() {
  expect_ashlar();
  expect(ashlar::set_tracking({.level = ashlar::track_level::full, .depth = 1}), "tracking begins");
  const ashlar::tag mine = ashlar::define_tag("forked");
  std::thread other(allocate_all_the_time, mine);
  for (int i = 0; i < fork_count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      expect_that_tag_and_sites_agree(mine);
      expect_that_the_budget_holds(mine);
      _exit(0);
    }
    int status = 0;
    expect(waitpid(child, &status, 0) == child && status == 0, "the child finds its tags right");
  }
  stop = true;
  other.join();
  expect(ashlar::usage_of(mine).live_bytes == 0, "all is freed");
}
