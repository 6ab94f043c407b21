// SPDX-License-Identifier: MIT
// The containers against std::vector, driven by libFuzzer (tests/support/vector_model.hpp): the
// first byte chooses container and manager, the rest are choices. The arena is small and bounded,
// so that growth in place, moves and refusals all happen.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "ashlar/arena.hpp"
#include "ashlar/manager/source/default_manager.hpp"
#include "ashlar/small_vector.hpp"
#include "ashlar/vector.hpp"
#include "support/vector_model.hpp"

namespace {

class byte_choices {
 public:
  byte_choices(const std::uint8_t* data, std::size_t size) : at_(data), end_(data + size) {}

  bool at_end() const { return at_ == end_; }
  std::size_t below(std::size_t limit) {
    std::size_t number = byte();
    if (limit > 256) number = number << 8 | byte();
    return number % limit;
  }
  std::size_t byte() { return at_ != end_ ? *at_++ : 0; }

 private:
  const std::uint8_t* at_;
  const std::uint8_t* end_;
};

template <class Container>
void run(byte_choices& choices, ashlar::memory from) {
  Container subject(from);
  const auto fail = [](const char* what) {
    std::fprintf(stderr, "%s\n", what);
    std::abort();
  };
  ashlar::test::vector_model model(subject, choices, fail);
  while (!choices.at_end()) model.step();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  byte_choices choices(data, size);
  const std::size_t which = choices.byte();
  alignas(16) std::array<std::byte, 20'000> buffer;
  ashlar::arena arena({.kind = ashlar::backing::fixed, .buffer = buffer});
  const ashlar::memory from = which % 2 == 0 ? ashlar::default_manager() : arena;
  switch (which / 2 % 4) {
    case 0: run<ashlar::vector<int>>(choices, from); break;
    case 1: run<ashlar::vector<std::string, ashlar::inverse_size<256>>>(choices, from); break;
    case 2: run<ashlar::small_vector<int, 9>>(choices, from); break;
    case 3: run<ashlar::small_vector<std::string, 9>>(choices, from); break;
  }
  return 0;
}
