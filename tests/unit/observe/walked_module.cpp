// SPDX-License-Identifier: MIT
// A module that stacks are walked through: loaded and unloaded by stack_walk_test.cpp. Built twice,
// with small frames and with large ones, and nothing else to tell them apart.
extern "C" __attribute__((visibility("default"), noinline)) void call(void (*function)()) {
  volatile char memory[ASHLAR_FRAME_SIZE];
  memory[0] = 0;
  function();
  memory[1] = 0;
}
