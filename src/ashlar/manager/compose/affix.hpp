// SPDX-License-Identifier: MIT
// An object in front of each block, and one behind it if wanted: sizes, names, links, canaries.
//
//     affix<memory, owner_record> m(current());
//     allocation a = m.allocate({100});
//     m.prefix_of(a.data()).owner = this;
//
// A prefix lies directly in front of its block, a suffix behind it at the next multiple of its
// alignment. Both are made anew with each block and are kept when it is resized; neither may need a
// destructor or more than copying its bytes. Blocks are taken from the part to the byte, so that
// the suffix is found: the usable size is the size asked for.
// Can do: what the part can, but size and walk, for which the part would have to know alignments.
// Threads: as the part. Cost: the bytes, and filling them in.
#pragma once

#include <new>

#include "ashlar/manager/composed.hpp"

namespace ashlar {

/// No suffix.
struct no_affix {};

constexpr capability affix_rule(capability inner) {
  return without(inner & (all_deeds | all_promises), capability::size | capability::walk);
}

template <part_type Part, class Prefix, class Suffix = no_affix>
class affix : public wrapper<affix<Part, Prefix, Suffix>, Part> {
  using base = wrapper<affix, Part>;
  using base::part_;
  static_assert(std::is_trivially_copyable_v<Prefix> && std::is_trivially_destructible_v<Prefix>);
  static_assert(std::is_trivially_copyable_v<Suffix> && std::is_trivially_destructible_v<Suffix>);
  static constexpr bool has_suffix = !std::same_as<Suffix, no_affix>;

 public:
  static constexpr const char* kind_name = "affix";
  static constexpr capability can_do = affix_rule(part<Part>::can);
  static constexpr capability promises = can_do & all_promises;

  constexpr affix() noexcept { start(nullptr); }
  /// Made from what makes the part (part.hpp): its options, a function that returns it, a manager
  /// to refer to, a handle. `name`: in the registry; outlives this.
  template <class From>
  explicit constexpr affix(From&& from, const char* name = nullptr) noexcept
      : base(std::forward<From>(from)) {
    start(name);
  }
  ~affix() { this->leave_registry(manager::parting::silent); }

  /// The prefix of a live block.
  static Prefix& prefix_of(void* data) noexcept {
    return *std::launder(reinterpret_cast<Prefix*>(static_cast<std::byte*>(data) - sizeof(Prefix)));
  }
  /// The suffix of a live block, given its size as asked for.
  static Suffix& suffix_of(block b) noexcept requires(has_suffix) {
    return *std::launder(
        reinterpret_cast<Suffix*>(static_cast<std::byte*>(b.data) + suffix_offset(b.size)));
  }

  allocation allocate(layout request, fit = fit::get_exact) noexcept {
    const layout whole = with_affixes(request);
    if (whole.size > max_size) return refusal_of(request);
    return dress(part_.get().allocate(whole, fit::get_exact), request);
  }
  allocation allocate_zeroed(layout request, fit = fit::get_exact) noexcept
      requires(has(can_do, capability::zero)) {
    const layout whole = with_affixes(request);
    if (whole.size > max_size) return refusal_of(request);
    return dress(part_.get().allocate_zeroed(whole, fit::get_exact), request);
  }

  void deallocate(block b, std::size_t alignment = default_alignment) noexcept {
    if (b.data == nullptr) return;
    const layout whole = with_affixes({b.size, alignment});
    part_.get().deallocate({start_of(b.data, alignment), whole.size}, whole.alignment);
  }

  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept
      requires(has(can_do, capability::resize)) {
    const layout request{change.size, alignment};
    if (b.data == nullptr) return allocate(request);
    const layout after = with_affixes(request);
    if (after.size > max_size) return refusal_of(request);
    const layout before = with_affixes({b.size, alignment});
    const std::size_t offset = offset_for(alignment);
    const std::size_t used = change.used < b.size ? change.used : b.size;
    Suffix kept_suffix{};
    if constexpr (has_suffix) kept_suffix = suffix_of(b);
    const allocation a = part_.get().reallocate(
        {start_of(b.data, alignment), before.size}, before.alignment,
        {.size = after.size, .used = offset + used, .may_move = change.may_move});
    if (!a) return undressed(a, alignment);
    auto* const data = static_cast<std::byte*>(a.data()) + offset;
    if constexpr (has_suffix) ::new (data + suffix_offset(change.size)) Suffix(kept_suffix);
    return allocation::of(data, change.size);
  }

 private:
  constexpr void start(const char* name) noexcept {
    base::begin(affix_rule(part_.can_now()), part_.upstream(), name);
  }

  static constexpr std::size_t alignment_for(std::size_t alignment) {
    constexpr std::size_t least =
        alignof(Prefix) < alignof(Suffix) ? alignof(Suffix) : alignof(Prefix);
    return alignment < least ? least : alignment;
  }
  // From the start of the part's block to ours.
  static constexpr std::size_t offset_for(std::size_t alignment) {
    return align_up(sizeof(Prefix), alignment_for(alignment));
  }
  static constexpr std::size_t suffix_offset(std::size_t size) {
    return align_up(at_least_one(size), alignof(Suffix));
  }
  static std::byte* start_of(void* data, std::size_t alignment) {
    return static_cast<std::byte*>(data) - offset_for(alignment);
  }

  // A size that overflows, or an alignment that is none, gives a size above max_size.
  static constexpr layout with_affixes(layout request) {
    if (fault_of(request) != status::success) return {max_size + 1, 1};
    std::size_t size = at_least_one(request.size);
    if constexpr (has_suffix) size = suffix_offset(size) + sizeof(Suffix);
    const std::size_t offset = offset_for(request.alignment);
    if (offset > max_size || size > max_size - offset) return {max_size + 1, 1};
    return {offset + size, alignment_for(request.alignment)};
  }

  static allocation refusal_of(layout request) noexcept {
    const status why = fault_of(request);
    return allocation::failed(why != status::success ? why : status::too_large);
  }

  static allocation dress(allocation a, layout request) noexcept {
    if (!a) return undressed(a, request.alignment);
    auto* const data = static_cast<std::byte*>(a.data()) + offset_for(request.alignment);
    ::new (data - sizeof(Prefix)) Prefix{};
    if constexpr (has_suffix) ::new (data + suffix_offset(request.size)) Suffix{};
    return allocation::of(data, request.size);
  }

  // What would have fitted, less what we add.
  static allocation undressed(allocation a, std::size_t alignment) noexcept {
    if (a.reason() != status::not_enough_memory) return a;
    std::size_t fits = a.would_fit();
    if constexpr (has_suffix)
      fits = fits < sizeof(Suffix) ? 0 : align_down(fits - sizeof(Suffix), alignof(Suffix));
    const std::size_t offset = offset_for(alignment);
    return allocation::failed(a.reason(), fits < offset ? 0 : fits - offset);
  }
};

}  // namespace ashlar
