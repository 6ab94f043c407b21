// SPDX-License-Identifier: MIT
// All blocks are looked at while other threads free theirs: nothing is wrong, and nothing faults.
#include <atomic>
#include <thread>

#include "replace/support/check.hpp"

namespace {

std::atomic<bool> stops{false};

void come_and_go(uint64_t seed) {
  random_numbers random(seed);
  void* kept[8] = {};
  while (!stops) {
    void*& p = kept[random.below(8)];
    free(p);
    p = malloc(random.size_up_to(3000));
  }
  for (void* const p : kept) free(p);
}

}  // namespace

int main() {
  expect_ashlar();
  const auto check = reinterpret_cast<size_t (*)()>(dlsym(RTLD_DEFAULT, "ashlar_check_blocks"));
  expect(check != nullptr, "blocks can be checked");
  std::thread threads[] = {std::thread(come_and_go, 1), std::thread(come_and_go, 2),
                           std::thread(come_and_go, 3)};
  for (int i = 0; i < 3000; ++i) expect(check() == 0, "no block was damaged");
  stops = true;
  for (std::thread& t : threads) t.join();
  return 0;
}
