// SPDX-License-Identifier: MIT
// A plain delete of an aligned object.
#include "../faulty.hpp"

int main() {
  void* const p = operator new (64, std::align_val_t{64});  // made
  if (faulty)
    operator delete(hidden(p));  // noticed
  else
    operator delete (p, std::align_val_t{64});
}
