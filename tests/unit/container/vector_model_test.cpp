// SPDX-License-Identifier: MIT
// Every container of contiguous elements against std::vector, with memory refused now and then.
#include <gtest/gtest.h>

#include <string>

#include "ashlar/small_vector.hpp"
#include "ashlar/vector.hpp"
#include "ashlar/vm_vector.hpp"
#include "support/ledger.hpp"
#include "support/random.hpp"
#include "support/scale.hpp"
#include "support/tracked.hpp"
#include "support/vector_model.hpp"

namespace ashlar {
namespace {

using test::ledger;
using test::resizing_ledger;
using test::tracked;

template <class Container>
void walk(Container& subject, std::uint64_t seed, test::ledger_base* from) {
  test::random_source random(seed);
  const auto fail = [&](const char* what) { FAIL() << what << ", seed " << seed; };
  test::vector_model model(subject, random, fail);
  for (std::size_t i = 0; i < test::scaled(4000) && !testing::Test::HasFailure(); ++i) {
    if (from != nullptr && random.one_in(10)) from->refuse_from(1 + random.below(3));
    model.step();
    if (from != nullptr) from->accept_all();
  }
}

template <class Container, class From>
void walk_over(std::size_t hidden) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    const test::tracked_scope elements;
    From from;
    from.hidden = hidden;
    Container subject(from);
    walk(subject, seed, &from);
  }
}

TEST(vector_model, agrees_with_std_vector_whatever_the_manager_does) {
  walk_over<vector<int>, ledger>(0);
  walk_over<vector<int, inverse_size<256>>, resizing_ledger>(400);
  walk_over<vector<std::string>, ledger>(0);
  walk_over<vector<std::string>, resizing_ledger>(400);
  walk_over<vector<tracked<>>, resizing_ledger>(400);
}

TEST(vector_model, agrees_for_elements_whose_moves_may_throw) {
  walk_over<vector<tracked<test::moves::may_throw>>, ledger>(0);
  walk_over<vector<tracked<test::moves::may_throw>>, resizing_ledger>(400);
}

TEST(vector_model, agrees_for_small_vectors) {
  walk_over<small_vector<int, 20>, ledger>(0);
  walk_over<small_vector<std::string, 20>, resizing_ledger>(400);
  walk_over<small_vector<tracked<>, 20>, resizing_ledger>(400);
}

TEST(vector_model, agrees_for_vm_vectors) {
  const test::tracked_scope elements;
  vm_vector<int> numbers(1000);
  walk(numbers, 1, nullptr);
  vm_vector<std::string> strings(1000);
  walk(strings, 2, nullptr);
  vm_vector<tracked<>> objects(1000);
  walk(objects, 3, nullptr);
}

}  // namespace
}  // namespace ashlar
