// SPDX-License-Identifier: MIT
// libashlar is a static library.
#include "replace/track/listener.hpp"

int main(int argc, char** argv) { return run_listened(argc, argv); }
