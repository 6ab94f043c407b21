// SPDX-License-Identifier: MIT
// Libraries come and go with dlopen and dlclose; their blocks stay valid. Argument: the plugin's
// path.
#include <pthread.h>

#include "replace/lifetime/churn.hpp"

namespace {

const char* path = nullptr;

void check_once() {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) fprintf(stderr, "%s\n", dlerror());
  expect(library != nullptr, "the plugin can be loaded");
  const auto allocate = reinterpret_cast<void* (*)(size_t)>(dlsym(library, "plugin_allocate"));
  const auto deallocate = reinterpret_cast<void (*)(void*)>(dlsym(library, "plugin_free"));
  expect(allocate != nullptr && deallocate != nullptr, "and has its functions");

  void* const ours = malloc(300);
  void* const theirs = allocate(400);
  fill(theirs, 400, 5);
  deallocate(ours);  // what one allocates the other frees
  expect(dlclose(library) == 0, "the plugin can be unloaded");
  churn(6);
  expect(is_filled(theirs, 400, 5), "what it allocated stays");
  free(theirs);
}

void* run(void*) {
  for (unsigned i = 0; i < 25; ++i) check_once();
  return nullptr;
}

}  // namespace

int main(int, char** arguments) {
  expect_ashlar();
  path = arguments[1];
  run(nullptr);
  // In threads too, which end while the plugin may be gone.
  for (unsigned round = 0; round < 10; ++round) {
    pthread_t threads[2];
    for (pthread_t& t : threads) expect(pthread_create(&t, nullptr, run, nullptr) == 0, "a thread");
    for (const pthread_t t : threads) expect(pthread_join(t, nullptr) == 0, "which ends");
  }
  return 0;
}
