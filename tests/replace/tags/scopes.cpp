// SPDX-License-Identifier: MIT
// libashlar lies in the program itself.
#include "replace/tags/scopes.hpp"

int main() { return run_scopes(); }
