// SPDX-License-Identifier: MIT
// An aligned delete with another alignment.
#include "../faulty.hpp"

int main() {
  void* const p = operator new (64, std::align_val_t{64});  // made
  if (faulty)
    operator delete (hidden(p), std::align_val_t{128});  // noticed
  else
    operator delete (p, std::align_val_t{64});
}
