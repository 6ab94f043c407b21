// SPDX-License-Identifier: MIT
// Finds what a user may have meant by a word that does not exist.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ashlar::tool {

/// Returns the candidate that `word` (of three letters or more behind its dashes) is the beginning
/// of, else the one that takes the fewest letters to change, or an empty string if even that one is
/// too different to be worth a hint: more than a third of the letters, and at least two.
std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace ashlar::tool
