// SPDX-License-Identifier: MIT
#include "ashlar/heap/slab.hpp"

#include <bit>

namespace ashlar {

void slab::fill() noexcept {
  const std::uint32_t full_words = capacity / 64;
  for (std::uint32_t w = 0; w < full_words; ++w) words()[w] = ~std::uint64_t{0};
  std::uint32_t word_count = full_words;
  if (capacity % 64 != 0) words()[word_count++] = (std::uint64_t{1} << (capacity % 64)) - 1;
  summary = word_count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << word_count) - 1;
  free_count = capacity;
}

std::uint32_t slab::take(void** slots, std::uint32_t wanted) noexcept {
  if (wanted > free_count) wanted = free_count;
  std::uint32_t left = wanted;
  while (left != 0) {
    const auto w = static_cast<std::uint32_t>(std::countr_zero(summary));
    std::uint64_t bits = words()[w];
    const std::byte* const base = block_at(w * 64);
    do {
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(bits));
      bits &= bits - 1;
      store_relaxed<void*>(*slots--, const_cast<std::byte*>(base) + std::size_t{bit} * block_size);
    } while (--left != 0 && bits != 0);
    words()[w] = bits;
    if (bits == 0) summary &= summary - 1;
  }
  free_count -= wanted;
  return wanted;
}

void slab::check_invariants() const noexcept {
  ASHLAR_CHECK(is_slab());
  std::uint32_t count = 0;
  for (std::uint32_t w = 0; w < words_for(capacity); ++w) {
    count += static_cast<std::uint32_t>(std::popcount(words()[w]));
    ASHLAR_CHECK((words()[w] != 0) == (((summary >> w) & 1) != 0));
  }
  ASHLAR_CHECK(count == free_count);
  ASHLAR_CHECK(!linked || free_count > 0);
  for (std::uint32_t i = 0; i < slices; ++i)
    ASHLAR_CHECK(process_page_map.header_of(start + i * slice_size) == this);
}

}  // namespace ashlar
