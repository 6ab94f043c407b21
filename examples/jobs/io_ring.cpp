// SPDX-License-Identifier: MIT
// Job 6: bytes of a pipe through a ring whose spans are always in one piece.
#include <unistd.h>
#include <ashlar/ring_buffer.hpp>

#include <cstdio>

int main() {
  int ends[2];
  if (pipe(ends) != 0) return 1;
  ashlar::ring_buffer in(4096);
  std::size_t lines = 0;
  for (int round = 0; round < 1000; ++round) {
    if (write(ends[1], "one line of 27 bytes, here\n", 27) != 27) return 1;
    in.wrote(static_cast<std::size_t>(read(ends[0], in.write_space().data(), 100)));
    const auto text = in.read_space();
    lines += text.size() == 27 && text.back() == std::byte{'\n'};
    in.consumed(text.size());
  }
  std::printf("%zu lines, none of them torn\n", lines);
}
