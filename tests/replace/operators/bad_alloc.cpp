// SPDX-License-Identifier: MIT
// Where memory runs out, new throws std::bad_alloc, nothrow new returns null.
#include <new>
#include <vector>

#include "replace/support/check.hpp"

namespace {

template <class Call>
bool throws_bad_alloc(Call call) {
  try {
    (void)opaque(call());
    return false;  // and the test fails, so nothing is freed
  } catch (const std::bad_alloc&) {
    return true;
  }
}

}  // namespace

int main() {
  expect_ashlar();
  for (const size_t size : {size_t{PTRDIFF_MAX}, SIZE_MAX, SIZE_MAX - 4096, size_t{1} << 48}) {
    const size_t n = opaque(size);
    expect(throws_bad_alloc([n] { return ::operator new(n); }), "new throws");
    expect(throws_bad_alloc([n] { return ::operator new[](n); }), "new[] throws");
    expect(throws_bad_alloc([n] { return ::operator new (n, std::align_val_t{64}); }),
           "aligned new throws");
    expect(throws_bad_alloc([n] { return ::operator new[](n, std::align_val_t{4096}); }),
           "aligned new[] throws");
    expect(::operator new(n, std::nothrow) == nullptr, "nothrow new gives null");
    expect(::operator new[](n, std::nothrow) == nullptr, "nothrow new[] gives null");
    expect(::operator new (n, std::align_val_t{64}, std::nothrow) == nullptr,
           "aligned nothrow new gives null");
    expect(::operator new[](n, std::align_val_t{64}, std::nothrow) == nullptr,
           "aligned nothrow new[] gives null");
  }
  // The exception passes through frames with destructors, as any does.
  struct counter {
    unsigned& count;
    ~counter() { ++count; }
  };
  unsigned destroyed = 0;
  try {
    const counter on_the_way{destroyed};
    std::vector<char> v(opaque(size_t{1} << 47));
    expect(v.empty(), "not reached");
  } catch (const std::bad_alloc&) {
  }
  expect(destroyed == 1, "the stack was unwound");
  return 0;
}
