// SPDX-License-Identifier: MIT
// new calls the new-handler again and again, until there is memory, no handler, or an exception.
#include <new>

#include "replace/support/check.hpp"

namespace {

unsigned calls = 0;
constexpr size_t impossible = size_t{1} << 48;

void gives_up_at_third_call() {
  if (++calls == 3) std::set_new_handler(nullptr);
}

struct own_exception : std::bad_alloc {};

void throws_its_own() {
  ++calls;
  throw own_exception();
}

void throws_bad_alloc() {
  ++calls;
  throw std::bad_alloc();
}

/// Calls `allocate` with a handler; returns how often the handler was called.
template <class Call>
unsigned calls_of(std::new_handler handler, Call allocate) {
  calls = 0;
  std::set_new_handler(handler);
  try {
    allocate();
  } catch (const own_exception&) {
    calls += 100;
  } catch (const std::bad_alloc&) {
    calls += 10;
  }
  std::set_new_handler(nullptr);
  return calls;
}

}  // namespace

int main() {
  expect_ashlar();
  const size_t n = opaque(impossible);
  constexpr std::align_val_t wide{256};
  const std::new_handler up = gives_up_at_third_call;
  expect(calls_of(up, [n] { (void)::operator new(n); }) == 13, "three calls, then bad_alloc");
  expect(calls_of(up, [n] { (void)::operator new[](n); }) == 13, "new[] too");
  expect(calls_of(up, [n] { (void)::operator new(n, wide); }) == 13, "aligned new too");
  expect(calls_of(up, [n] { (void)::operator new(n, std::nothrow); }) == 3, "nothrow: then null");
  expect(calls_of(up, [n] { (void)::operator new(n, wide, std::nothrow); }) == 3, "aligned too");
  expect(calls_of(throws_its_own, [n] { (void)::operator new(n); }) == 101,
         "what a handler throws reaches the caller");
  for (const std::new_handler thrower :
       {std::new_handler{throws_its_own}, std::new_handler{throws_bad_alloc}}) {
    const auto is_null = [](void* p) { expect(p == nullptr, "nothrow gives null"); };
    expect(calls_of(thrower, [&] { is_null(::operator new(n, std::nothrow)); }) == 1,
           "what it throws does not pass nothrow new");
    expect(calls_of(thrower, [&] { is_null(::operator new[](n, std::nothrow)); }) == 1,
           "nor new[]");
    expect(calls_of(thrower, [&] { is_null(::operator new(n, wide, std::nothrow)); }) == 1,
           "nor the aligned form");
    expect(calls_of(thrower, [&] { is_null(::operator new[](n, wide, std::nothrow)); }) == 1,
           "nor that of new[]");
  }
  expect(calls_of(up, [n] { (void)malloc(n); }) == 0, "malloc calls no handler");
  for (const size_t value : {0, 3, 24, 100}) {
    const auto bad = static_cast<std::align_val_t>(opaque(value));
    expect(calls_of(up, [bad] { (void)::operator new(10, bad); }) == 10,
           "no handler can help with an alignment that cannot be");
    expect(calls_of(up, [bad] { expect(!::operator new(10, bad, std::nothrow), "null"); }) == 0,
           "nor in the nothrow form");
  }
  return 0;
}
