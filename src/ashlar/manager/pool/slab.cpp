// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/slab.hpp"

#include <bit>

#include "ashlar/os/address_space.hpp"

namespace ashlar {

namespace {

// With 16 pages the headers of many slabs do not all fall into the same set of the first-level
// cache, as they do with one; and what is not touched yet takes no memory from the OS anyway.
constexpr std::size_t good_pages = 16;

// The fewest blocks of a slab, so that a block more than fits costs at most a quarter.
constexpr std::size_t good_blocks = 4;

std::size_t at_least(std::size_t a, std::size_t b) { return a < b ? b : a; }

void lay_out_in_pages(slab_shape& shape) {
  const std::size_t size = shape.block_size;
  shape.first = static_cast<std::uint32_t>(divide_up(sizeof(pool_slab), size) * size);
  shape.page_blocks = static_cast<std::uint32_t>(shape.page / size);
  shape.first_page_blocks = static_cast<std::uint32_t>((shape.page - shape.first) / size);
  const std::size_t more_pages = shape.slab_size / shape.page - 1;
  shape.capacity =
      static_cast<std::uint32_t>(shape.first_page_blocks + more_pages * shape.page_blocks);
}

void lay_out_end_to_end(slab_shape& shape) {
  shape.first = static_cast<std::uint32_t>(align_up(sizeof(pool_slab), shape.alignment));
  shape.bias = shape.first;
  const std::size_t room = shape.first + shape.block_size;
  shape.slab_size = at_least(shape.slab_size, std::bit_ceil(room));
  shape.page = shape.slab_size;
  shape.capacity = static_cast<std::uint32_t>((shape.slab_size - shape.first) / shape.block_size);
  shape.first_page_blocks = shape.capacity;
  shape.page_blocks = 1;  // there is no second page
}

}  // namespace

std::size_t slab_shape::good_slab_size(layout wanted, std::size_t least) noexcept {
  const slab_shape smallest = of(wanted, os::page_size(), os::page_size());
  const std::size_t room = smallest.first + good_blocks * smallest.block_size;
  if (least == 0) least = good_pages * os::page_size();
  return at_least(least, std::bit_ceil(room));
}

slab_shape slab_shape::of(layout wanted, std::size_t slab_size, std::size_t os_page) noexcept {
  slab_shape shape;
  const layout block = block_for(wanted);
  shape.alignment = block.alignment;
  shape.block_size = block.size;
  shape.slab_size = slab_size;
  shape.page = os_page;
  shape.reciprocal = ~std::uint64_t{0} / shape.block_size + 2;
  if (shape.block_size <= os_page / 2)
    lay_out_in_pages(shape);
  else
    lay_out_end_to_end(shape);
  shape.page_mask = shape.page - 1;
  const std::size_t blocks = shape.bias != 0 ? shape.capacity : shape.page_blocks;
  shape.limit = blocks * (shape.reciprocal * shape.block_size);
  return shape;
}

std::uint32_t slab_shape::index_of(std::size_t offset) const noexcept {
  if (!starts_block(offset)) return none;
  if (offset < page) {
    const auto index = static_cast<std::uint32_t>((offset - first) / block_size);
    return index < first_page_blocks ? index : none;
  }
  const auto in_page = static_cast<std::uint32_t>((offset & page_mask) / block_size);
  if (in_page >= page_blocks || offset >= slab_size) return none;
  return first_page_blocks + static_cast<std::uint32_t>(offset / page - 1) * page_blocks + in_page;
}

std::size_t slab_shape::offset_of(std::uint32_t index) const noexcept {
  if (index < first_page_blocks) return first + index * block_size;
  index -= first_page_blocks;
  return (1 + index / page_blocks) * page + index % page_blocks * block_size;
}

std::uint32_t slab_shape::run_from(std::uint32_t index) const noexcept {
  if (index >= capacity) return 0;
  if (index < first_page_blocks) return first_page_blocks - index;
  return page_blocks - (index - first_page_blocks) % page_blocks;
}

}  // namespace ashlar
