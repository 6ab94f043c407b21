// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/current.hpp"

#include "ashlar/manager/source/default_manager.hpp"

namespace ashlar {

namespace {

thread_local constinit manager* current_of_thread = nullptr;

}  // namespace

memory current() noexcept {
  return current_of_thread != nullptr ? *current_of_thread : default_manager();
}

use_manager::use_manager(memory m) noexcept : previous_(current_of_thread) {
  current_of_thread = m.get();
}

use_manager::~use_manager() { current_of_thread = previous_; }

}  // namespace ashlar
