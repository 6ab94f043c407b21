// SPDX-License-Identifier: MIT
// A library of C++ in a program of C, which has libstdc++ for it alone; loaded by late_library.c.
#include <cstddef>
#include <new>

namespace {

int handler_calls = 0;

void give_up() {
  ++handler_calls;
  std::set_new_handler(nullptr);
}

}  // namespace

extern "C" {

/// Asks for more than there is. Returns 1 if that throws bad_alloc.
int plugin_throws(std::size_t size) {
  try {
    ::operator delete(::operator new(size));
  } catch (const std::bad_alloc&) {
    return 1;
  }
  return 0;
}

/// The same with a handler. Returns how often that was called, and 10 more for the exception.
int plugin_calls_handler(std::size_t size) {
  std::set_new_handler(give_up);
  return plugin_throws(size) * 10 + handler_calls;
}

/// Returns 1 if the form that does not throw gives null, handler or not.
int plugin_gives_null(std::size_t size) {
  if (::operator new(size, std::nothrow) != nullptr) return 0;
  std::set_new_handler([] { throw std::bad_alloc(); });
  const bool is_null = ::operator new(size, std::nothrow) == nullptr;
  std::set_new_handler(nullptr);
  return is_null;
}
}
