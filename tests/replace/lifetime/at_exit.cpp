// SPDX-License-Identifier: MIT
// atexit handlers and destructors of globals allocate and free, and what they print arrives.
#include <stdlib.h>

#include <string>

#include "replace/lifetime/churn.hpp"

namespace {

struct global {
  global() { churn(1); }
  ~global() {
    churn(2);
    text += " and destroyed";
    // The last word of this program: its test looks for it.
    expect(text == "a global, long enough to live on the heap, made and destroyed",
           "it kept its text");
    puts(text.c_str());
    fflush(stdout);
  }
  std::string text = "a global, long enough to live on the heap, made";
};

global instance;
void* held_by_handlers = nullptr;

void free_what_main_made() {
  churn(3);
  expect(is_filled(held_by_handlers, 5000, 7), "main's block is whole");
  free(held_by_handlers);
}

/// Handlers may register handlers.
void nested() {
  atexit([] { churn(4); });
}

}  // namespace

int main() {
  expect_ashlar();
  for (unsigned i = 0; i < 100; ++i) atexit([] { churn(5); });
  atexit(free_what_main_made);
  atexit(nested);
  held_by_handlers = malloc(5000);
  fill(held_by_handlers, 5000, 7);
  return 0;
}
