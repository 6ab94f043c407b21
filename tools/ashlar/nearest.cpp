// SPDX-License-Identifier: MIT
#include "tools/ashlar/nearest.hpp"

#include <algorithm>
#include <numeric>

namespace ashlar::tool {

namespace {

/// Counts the letters to insert, delete or replace between `a` and `b` (Levenshtein), row by row.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

bool is_abbreviation(std::string_view word, std::string_view candidate) {
  const std::size_t dashes = std::min(word.find_first_not_of('-'), word.size());
  return word.size() - dashes >= 3 && candidate.starts_with(word);
}

}  // namespace

std::string nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  for (const std::string& candidate : candidates)
    if (is_abbreviation(word, candidate)) return candidate;
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(word.size() / 3, 2) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t letters = distance(word, candidate);
    if (letters < best_distance) {
      best = candidate;
      best_distance = letters;
    }
  }
  return best;
}

}  // namespace ashlar::tool
