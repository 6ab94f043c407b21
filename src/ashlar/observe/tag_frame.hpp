// SPDX-License-Identifier: MIT
// A tag that was pushed on a thread: what it replaced, and where.
#pragma once

#include <source_location>

#include "ashlar/observe/tag.hpp"

namespace ashlar::observe {

struct thread_state;

struct tag_frame {
  const tag_frame* outer = nullptr;
  const thread_state* owner = nullptr;  // whose list it is in; may have ended
  std::source_location place = {};
  tag_id tag = 0;
  tag_id before = 0;
  bool is_explicit = false;  // by push_tag, to be ended by pop_tag
};

}  // namespace ashlar::observe
