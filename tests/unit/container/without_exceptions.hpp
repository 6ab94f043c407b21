// SPDX-License-Identifier: MIT
// A part of a program that is built without exceptions and without RTTI (without_exceptions.cpp).
#pragma once

#include "ashlar/base/result.hpp"
#include "ashlar/manager/memory.hpp"

namespace ashlar::test {

/// Fills containers over `from` by their `try_` forms until it refuses. Returns its reason.
status fill_until_refused(memory from);

/// Fills a vector by push_back. Does not return once `from` refuses.
void push_until_the_end(memory from);

}  // namespace ashlar::test
