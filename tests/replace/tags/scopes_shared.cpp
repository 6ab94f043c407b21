// SPDX-License-Identifier: MIT
// libashlar is a shared library.
#include "replace/tags/scopes.hpp"

int main() { return run_scopes(); }
