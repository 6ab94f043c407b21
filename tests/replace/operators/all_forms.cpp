// SPDX-License-Identifier: MIT
// Every operator new and delete of C++17 allocates from ashlar and gives back to it.
#include <new>

#include "replace/support/check.hpp"

namespace {

constexpr std::align_val_t wide{4096};

void check_block(void* p, size_t size, size_t alignment) {
  expect(p != nullptr && is_aligned(p, alignment), "a block of the alignment");
  expect(malloc_usable_size(p) >= size, "which ashlar knows");
  memset(p, 1, size);
}

void check_plain(size_t size) {
  void* blocks[] = {
      ::operator new(size),   ::operator new(size),   ::operator new(size, std::nothrow),
      ::operator new[](size), ::operator new[](size), ::operator new[](size, std::nothrow)};
  for (void* p : blocks) check_block(p, size, 16);
  ::operator delete(blocks[0]);
  ::operator delete(blocks[1], size);
  ::operator delete(blocks[2], std::nothrow);
  ::operator delete[](blocks[3]);
  ::operator delete[](blocks[4], size);
  ::operator delete[](blocks[5], std::nothrow);
}

void check_aligned(size_t size) {
  void* blocks[] = {::operator new(size, wide),
                    ::operator new(size, wide),
                    ::operator new(size, wide, std::nothrow),
                    ::operator new[](size, wide),
                    ::operator new[](size, wide),
                    ::operator new[](size, wide, std::nothrow)};
  for (void* p : blocks) check_block(p, size, 4096);
  ::operator delete(blocks[0], wide);
  ::operator delete(blocks[1], size, wide);
  ::operator delete(blocks[2], wide, std::nothrow);
  ::operator delete[](blocks[3], wide);
  ::operator delete[](blocks[4], size, wide);
  ::operator delete[](blocks[5], wide, std::nothrow);
}

struct alignas(128) wide_object {
  char bytes[384];
};

}  // namespace

int main() {
  expect_ashlar();
  const size_t before = mallinfo2().uordblks;
  for (unsigned round = 0; round < 100; ++round) {
    for (const size_t size : {size_t{0}, size_t{1}, size_t{24}, size_t{3000}, size_t{1'000'000}}) {
      check_plain(size);
      check_aligned(size);
    }
    auto* const object = new wide_object[3];
    expect(is_aligned(object, 128), "new of an aligned type is aligned");
    delete[] object;
    auto* const text = new char[100];
    free(
        realloc(text, 200));  // one heap serves both, so this works, though no program should do it
  }
  ::operator delete(nullptr);
  ::operator delete[](nullptr, wide);
  expect(mallinfo2().uordblks <= before + 200'000, "nothing stays behind");
  return 0;
}
