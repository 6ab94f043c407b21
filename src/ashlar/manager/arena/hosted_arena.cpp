// SPDX-License-Identifier: MIT
#include "ashlar/manager/arena/hosted_arena.hpp"

#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

namespace {

// Blocks begin at the next cache line.
constexpr std::size_t size_in_memory = align_up(sizeof(hosted_arena), 64);

// An arena over what is behind it in its block.
arena_options behind(arena_options options, block b) {
  auto* const data = static_cast<std::byte*>(b.data);
  options.buffer = {data + size_in_memory, b.size - size_in_memory};
  return options;
}

}  // namespace

hosted_arena::hosted_arena(const arena_options& options, os::range range,
                           std::size_t committed) noexcept
    : arena(options, range, committed, size_in_memory), range_(range) {}

hosted_arena::hosted_arena(const arena_options& options, block first, memory source) noexcept
    : arena(behind(options, first), guest{}),
      first_block_(source ? first : block{}),
      source_(source) {}

hosted_arena* hosted_arena::create(const arena_options& options) noexcept {
  switch (options.kind) {
    case backing::reserved: return create_reserved(options);
    case backing::chained: return create_chained(options);
    case backing::fixed:
    case backing::inline_then_chained: break;
  }
  return create_in(options, {options.buffer.data(), options.buffer.size()}, {});
}

hosted_arena* hosted_arena::create_reserved(const arena_options& options) noexcept {
  os_manager& os = os_of(options);
  const std::size_t step = granule_of(options, os);
  if (options.reserve > max_size - size_in_memory - step) return nullptr;
  const os::range range = os.reserve(align_up(options.reserve + size_in_memory, step), step);
  if (!range) return nullptr;
  const std::size_t good = larger(commit_step_of(options), size_in_memory);
  const std::size_t first = good < range.size ? align_up(good, step) : range.size;
  if (!os.commit({range.data, first})) {
    os.release(range, 0);
    return nullptr;
  }
  if (options.huge != huge_pages::as_system)
    (void)os.advise_huge({range.data, first}, options.huge == huge_pages::wanted);
  return ::new (static_cast<void*>(range.data)) hosted_arena(options, range, first);
}

hosted_arena* hosted_arena::create_in(const arena_options& options, block memory_of_it,
                                      memory source) noexcept {
  if (memory_of_it.data == nullptr) return nullptr;
  const std::size_t gap = (0 - address_of(memory_of_it.data)) & (alignof(hosted_arena) - 1);
  if (memory_of_it.size < gap || memory_of_it.size - gap < size_in_memory) return nullptr;
  const block aligned{static_cast<std::byte*>(memory_of_it.data) + gap, memory_of_it.size - gap};
  return ::new (aligned.data) hosted_arena(options, aligned, source);
}

hosted_arena* hosted_arena::create_chained(const arena_options& options) noexcept {
  const memory source = options.upstream ? options.upstream : memory(os_of(options));
  const std::size_t size = larger(options.growth.first, 2 * size_in_memory);
  const allocation a = source.allocate({size, alignof(hosted_arena)}, fit::get_no_less);
  if (!a) return nullptr;
  arena_options inside = options;
  inside.kind = backing::inline_then_chained;
  inside.buffer_zeroed = source.can(capability::is_os) && source.os().zeroed();
  return create_in(inside, a.get(), source);
}

void hosted_arena::destroy(hosted_arena* a) noexcept {
  if (a == nullptr) return;
  const os::range range = a->range_;
  const block first = a->first_block_;
  const memory source = a->source_;
  os_manager* const os = range ? &a->os() : nullptr;
  const std::size_t size = range ? a->committed() : 0;
  const bool is_needed = a->has_children();
  a->~hosted_arena();
  if (is_needed) return;  // a fault was reported: the memory is left to them
  if (range) return os->release(range, size);
  if (first) source.deallocate(first, alignof(hosted_arena));
}

}  // namespace ashlar
