// SPDX-License-Identifier: MIT
// A sized delete[] with another size.
#include "../faulty.hpp"

int main() {
  void* const p = operator new[](24);  // made
  if (faulty)
    operator delete[](hidden(p), std::size_t{25});  // noticed
  else
    operator delete[](p, std::size_t{24});
}
