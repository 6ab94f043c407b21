// SPDX-License-Identifier: MIT
// What a tool that watches memory is told of blocks and of the wilderness.
//
//     used:       | head | what was asked for | red zone, hidden: 16 bytes and the slack |
//     free:       | head | node |  hidden ........................................ | foot |
//     wilderness: | sentinel |  hidden up to the end of what is committed ... |
//
// So an overrun by up to 16 bytes is found at once, and the slack is nobody's.
//
// Of free blocks what the manager itself reads stays visible to memcheck, which watches the library
// too: the first 16 bytes of a freed block's payload, so that a use after free is found from its
// 17th byte on, and the last 8, which are red zone. AddressSanitizer sees only what was built with
// it, and in programs that is not the library: there freed blocks are hidden whole. Of a block that
// joined another one nothing is left to read, and it is always hidden whole.
#include "ashlar/manager/fit/fit_space.hpp"

namespace ashlar {

void fit_space::hide_all_but_tags(const fit_block* b, std::size_t size) const noexcept {
  if (!poison::sees_library()) {
    poison::show(b, fit_block::header);
    return poison::hide(at_address(address_of(b) + fit_block::header), size - fit_block::header);
  }
  if (size <= sizeof(fit_block) + fit_block::header) return poison::show(b, size);
  const std::byte* const inside = at_address(address_of(b)) + sizeof(fit_block);
  const std::size_t hidden = size - sizeof(fit_block) - fit_block::header;
  poison::show(b, sizeof(fit_block));
  poison::show(inside + hidden, fit_block::header);
  poison::hide(inside, hidden);
}

void fit_space::show_asked(fit_block* b, std::size_t size, std::size_t asked) const noexcept {
  poison::show(b, fit_block::header + asked);
  poison::hide(b->payload() + asked, size - fit_block::header - asked);
}

void fit_space::show_resized(fit_block* b, std::size_t kept) const noexcept {
  const std::size_t asked = lent(b);
  if (kept < asked) poison::show(b->payload() + kept, asked - kept);
  poison::hide(b->payload() + asked, b->usable() - asked);
}

// Before `top` becomes the top: its sentinel can be written then.
void fit_space::move_wilderness(const fit_block* top) const noexcept {
  const std::byte* const behind = at_address(address_of(top)) + fit_block::header;
  const std::byte* const before = top_ != nullptr ? top_->payload() : committed_;
  poison::show(top, fit_block::header);
  if (before > behind) poison::hide(behind, static_cast<std::size_t>(before - behind));
}

// Before the memory goes back to where it came from.
void fit_space::show_everything() const noexcept {
  poison::show(start_, static_cast<std::size_t>(committed_ - start_));
  for (const row* r = added_; r != nullptr;) {
    const row* const next = r->next;
    poison::show(r, r->size);
    r = next;
  }
}

}  // namespace ashlar
