// SPDX-License-Identifier: MIT
// What a tool that watches memory is told of free blocks and of the wilderness.
//
//     free:       | head | node |  hidden ............ | foot |
//     wilderness: | sentinel |  hidden up to the end of what is committed ... |
//
// What the manager itself reads stays visible: the first 16 bytes of a freed block's payload and
// its last 8. So a use after free is found from its 17th byte on, in blocks of more than 32 bytes.
// Of a block that joined another one nothing is left to read, and it is hidden whole.
#include "ashlar/manager/fit/fit_space.hpp"

namespace ashlar {

void fit_space::hide_all_but_tags(const fit_block* b, std::size_t size) const noexcept {
  if (size <= sizeof(fit_block) + fit_block::header) return poison::show(b, size);
  const std::byte* const inside = at_address(address_of(b)) + sizeof(fit_block);
  const std::size_t hidden = size - sizeof(fit_block) - fit_block::header;
  poison::show(b, sizeof(fit_block));
  poison::show(inside + hidden, fit_block::header);
  poison::hide(inside, hidden);
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
