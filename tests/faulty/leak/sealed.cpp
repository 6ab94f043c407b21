// SPDX-License-Identifier: MIT
// A block whose only pointer lies in memory that may be read alone is no leak, in anonymous memory
// and in the program's own data; one whose pointer was overwritten before is.
#include <sys/mman.h>

#include "../faulty.hpp"

alignas(4096) static char* data[4096 / sizeof(char*)];
alignas(4096) static char* filled[4096 / sizeof(char*)] = {reinterpret_cast<char*>(1)};

static char** make_page() {
  void* const page =
      mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return static_cast<char**>(page);
}

int main() {
  char** const page = make_page();
  page[1] = static_cast<char*>(malloc(10));
  filled[1] = static_cast<char*>(malloc(20));
  data[1] = static_cast<char*>(malloc(30));  // made
  if (faulty) data[1] = nullptr;
  mprotect(page, 4096, PROT_READ);
  mprotect(filled, 4096, PROT_READ);
  mprotect(data, 4096, PROT_READ);
  wipe_stack();
}
