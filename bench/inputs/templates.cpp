// SPDX-License-Identifier: MIT
// Input of the compiler benchmark: templates that make g++ allocate small tree nodes of all kinds.
//
// PARTS, set on the command line, is the number of instantiations. Nothing here is ever run.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#ifndef PARTS
#define PARTS 1
#endif

namespace {

template <int Part>
struct quantity {
  long value;
  friend auto operator<=>(const quantity&, const quantity&) = default;
  quantity operator+(quantity other) const { return {value + other.value * Part}; }
};

template <int Part>
struct ledger {
  std::map<std::string, quantity<Part>> accounts;
  std::unordered_map<long, std::vector<quantity<Part>>> history;

  void book(const std::string& who, long amount) {
    auto [place, fresh] = accounts.try_emplace(who, quantity<Part>{amount});
    if (!fresh) place->second = place->second + quantity<Part>{amount};
    history[amount % 17].push_back(place->second);
  }

  std::optional<quantity<Part>> richest() const {
    auto found = std::max_element(
        accounts.begin(), accounts.end(),
        [](const auto& left, const auto& right) { return left.second < right.second; });
    return found == accounts.end() ? std::nullopt : std::optional(found->second);
  }
};

template <int Part>
using value = std::variant<long, std::string, quantity<Part>, std::vector<quantity<Part>>>;

template <int Part>
long weigh(const value<Part>& of) {
  struct visitor {
    long operator()(long number) const { return number; }
    long operator()(const std::string& text) const { return static_cast<long>(text.size()); }
    long operator()(const quantity<Part>& one) const { return one.value; }
    long operator()(const std::vector<quantity<Part>>& many) const {
      return std::accumulate(many.begin(), many.end(), 0L,
                             [](long sum, const quantity<Part>& each) { return sum + each.value; });
    }
  };
  return std::visit(visitor{}, of);
}

template <int Part>
long run_part(long seed) {
  ledger<Part> book;
  std::array<value<Part>, 4> values = {seed, std::to_string(seed), quantity<Part>{seed},
                                       std::vector<quantity<Part>>(3, quantity<Part>{seed})};
  std::vector<std::function<long(long)>> steps;
  for (const value<Part>& each : values) {
    steps.push_back([weight = weigh<Part>(each)](long number) { return number * Part + weight; });
  }
  auto joined = std::make_tuple(seed, std::to_string(Part), std::make_shared<ledger<Part>>(book));
  for (const auto& step : steps) {
    seed = step(seed);
    book.book(std::get<1>(joined) + std::to_string(seed % 5), seed);
  }
  std::vector<std::pair<quantity<Part>, std::string>> order;
  for (const auto& [who, how_much] : book.accounts) order.emplace_back(how_much, who);
  std::stable_sort(order.begin(), order.end());
  return seed + book.richest().value_or(quantity<Part>{0}).value + static_cast<long>(order.size());
}

template <int... Part>
long run_all(long seed, std::integer_sequence<int, Part...>) {
  return (run_part<Part>(seed) + ... + 0L);
}

}  // namespace

int main(int count, char**) {
  return static_cast<int>(run_all(count, std::make_integer_sequence<int, PARTS>{}));
}
