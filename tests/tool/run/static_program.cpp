// SPDX-License-Identifier: MIT
// A program without a dynamic linker, which no preload can serve.
int main() { return 0; }
