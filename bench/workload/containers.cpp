// SPDX-License-Identifier: MIT
// Workload containers: a mix of standard containers as ordinary C++ programs use them.
//
// Words are counted in a map and an unordered_map, collected in vectors of strings, queued in a
// list and thrown away in the order of the containers' destructors. Calls go through operator new
// and sized delete.
// A bad allocator shows here: slow new/delete forwarding, neighbours in time placed far apart (the
// map's descent misses), vectors that copy where the block could have grown, slow frees in sorted
// order.
#include <list>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "table.hpp"

namespace bench {
namespace {

std::string word(random_numbers& numbers) {
  const std::size_t length = 4 + numbers.below(40);
  std::uint64_t letters = numbers.below(60'000) * 0x9e3779b97f4a7c15U;
  std::string made;
  for (std::size_t i = 0; i < length; ++i) {
    made.push_back(static_cast<char>('a' + letters % 26));
    letters = letters / 26 + i * 0x2545f491U;
  }
  return made;
}

std::uint64_t count_words(random_numbers& numbers, std::size_t words) {
  std::map<std::string, std::vector<std::uint32_t>> places;
  std::unordered_map<std::string, std::uint64_t> counts;
  std::list<std::string> recent;
  for (std::size_t i = 0; i < words; ++i) {
    std::string next = word(numbers);
    places[next].push_back(static_cast<std::uint32_t>(i));
    ++counts[next];
    recent.push_back(std::move(next));
    if (recent.size() > 2000) recent.pop_front();
    if (i % 7 == 0) places.erase(places.begin());
  }
  std::uint64_t sum = recent.size() + counts.size();
  for (const auto& [key, where] : places) sum += key.size() * where.back() + counts[key];
  return sum;
}

std::uint64_t sort_rows(random_numbers& numbers, std::size_t rows) {
  std::vector<std::vector<std::string>> table;
  for (std::size_t i = 0; i < rows; ++i) {
    std::vector<std::string> row;
    for (std::size_t field = 0; field < 6; ++field) row.push_back(word(numbers));
    table.push_back(row);  // a copy: six strings and their vector again
  }
  std::map<std::string, std::vector<std::string>> sorted;
  for (auto& row : table) sorted.emplace(row[2], std::move(row));
  std::uint64_t sum = 0;
  std::uint64_t rank = 0;
  for (const auto& [key, row] : sorted) sum += ++rank * (key.size() + row.size());
  return sum;
}

}  // namespace

void run_containers(session& now) {
  random_numbers numbers(3);
  const std::size_t rounds = now.scaled(10);
  for (std::size_t round = 0; round < rounds; ++round) {
    now.add(count_words(numbers, 40'000));
    now.add(sort_rows(numbers, 8'000));
  }
}

}  // namespace bench
