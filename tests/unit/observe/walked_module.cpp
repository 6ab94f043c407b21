// SPDX-License-Identifier: MIT
// A module that stacks are walked through: loaded and unloaded by stack_walk_test.cpp. Built
// several times, with frames of several sizes and nothing else to tell them apart: two of them
// return to the same place in their code, too.
extern "C" __attribute__((visibility("default"), noinline)) void call(void (*function)()) {
  volatile char memory[ASHLAR_FRAME_SIZE];
  memory[0] = 0;
  function();
  memory[1] = 0;
}
