// SPDX-License-Identifier: MIT
// A lost block that holds another one.
#include "../faulty.hpp"

static char** holder;

int main() {
  holder = static_cast<char**>(malloc(sizeof(char*)));  // made
  *holder = static_cast<char*>(malloc(1000));           // kept
  if (faulty) holder = nullptr;
}
