// SPDX-License-Identifier: MIT
// Names of functions as people write them.
//
// Threads: pure functions.
#pragma once

#include <string>
#include <string_view>

namespace ashlar::tool {

/// Returns the demangled name without what the standard library adds to it: inline namespaces,
/// default template arguments, the long name of std::string. Names that are not mangled stay.
std::string readable_name(const char* symbol);

/// Returns a readable name without its parameters and the type it returns.
std::string short_name(std::string_view readable);

/// Tells whether a function belongs to the standard library or is an allocation function: of the
/// frames of a stack, those that say nothing about who wanted the memory.
bool is_plumbing(std::string_view readable, std::string_view file = {});

/// Tells whether a function only starts threads or programs: from there on outwards a stack says
/// nothing any more.
bool is_entry(std::string_view readable);

}  // namespace ashlar::tool
