// SPDX-License-Identifier: MIT
// A library whose constructor and destructor allocate; loaded and unloaded by unload.cpp.
#include <string>
#include <vector>

#include "replace/lifetime/churn.hpp"

namespace {

struct keeper {
  keeper() {
    churn(1);
    for (int i = 0; i < 50; ++i) texts.push_back(std::string(100, static_cast<char>('a' + i % 26)));
  }
  ~keeper() { churn(2); }
  std::vector<std::string> texts;
};

keeper instance;
thread_local std::string of_thread;

}  // namespace

extern "C" {

__attribute__((constructor)) void plugin_loaded() { churn(3); }
__attribute__((destructor)) void plugin_unloaded() { churn(4); }

/// Returns a block that outlives the library.
void* plugin_allocate(size_t size) {
  of_thread = std::string(200, 'x');
  return malloc(size);
}

void plugin_free(void* p) { free(p); }
}
