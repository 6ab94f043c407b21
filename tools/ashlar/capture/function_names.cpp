// SPDX-License-Identifier: MIT
#include "tools/ashlar/capture/function_names.hpp"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>

namespace ashlar::tool {

namespace {

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
}

/// Returns where the bracket at `open` closes, one behind it; npos if it does not.
std::size_t behind_bracket(std::string_view text, std::size_t open) {
  int depth = 0;
  for (std::size_t i = open; i < text.size(); ++i) {
    if (text[i] == '<') ++depth;
    if (text[i] == '>' && (i == 0 || text[i - 1] != '-') && --depth == 0) return i + 1;
  }
  return std::string::npos;
}

/// Removes template arguments that begin with `what`, which ends in '<'.
void remove_argument(std::string& text, std::string_view what) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;) {
    const std::size_t end = behind_bracket(text, at + what.size() - 1);
    if (end == std::string::npos) return;
    text.erase(at, end - at);
  }
}

/// Returns where the parameters of the function begin: the last pair of parentheses, and what
/// may follow it (const, &).
std::size_t parameters_of(std::string_view name) {
  const std::size_t close = name.rfind(')');
  if (close == std::string_view::npos || name.find_first_of(":<{", close) != std::string_view::npos)
    return name.size();
  int depth = 0;
  for (std::size_t i = close + 1; i-- > 0;) {
    if (name[i] == ')') ++depth;
    // Those of "operator()" alone are its name.
    if (name[i] == '(' && --depth == 0)
      return name.substr(0, i).ends_with("operator") ? name.size() : i;
  }
  return name.size();
}

/// Returns where the name begins: behind the last blank that lies in no brackets.
std::size_t behind_return_type(std::string_view name) {
  int depth = 0;
  for (std::size_t i = name.size(); i-- > 0;) {
    const char c = name[i];
    if (c == '>' || c == ')' || c == '}') ++depth;
    if (c == '<' || c == '(' || c == '{') --depth;
    if (c == ' ' && depth == 0) return i + 1;
  }
  return 0;
}

bool starts_with_any(std::string_view name, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view each) { return name.starts_with(each); });
}

}  // namespace

std::string readable_name(const char* symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> demangled(
      abi::__cxa_demangle(symbol, nullptr, nullptr, &status), &std::free);
  std::string name = status == 0 && demangled != nullptr ? demangled.get() : symbol;
  // Symbol versions ("malloc@@GLIBC_2.2.5") and parts that the compiler split off.
  if (status != 0) name = name.substr(0, name.find('@', 1));
  if (const std::size_t clone = name.find(" [clone "); clone != std::string::npos)
    name.resize(clone);
  replace_all(name, "std::__cxx11::", "std::");
  replace_all(name, "std::__1::", "std::");
  replace_all(name, "[abi:cxx11]", "");
  replace_all(name, " >", ">");
  replace_all(name, "std::basic_string<char, std::char_traits<char>, std::allocator<char>>",
              "std::string");
  for (const char* argument : {", std::allocator<", ", std::char_traits<", ", std::less<",
                               ", std::hash<", ", std::equal_to<", ", std::default_delete<"})
    remove_argument(name, argument);
  return name;
}

std::string short_name(std::string_view readable) {
  std::string_view name = readable.substr(0, parameters_of(readable));
  // "operator new" and "operator unsigned long" have blanks of their own.
  if (name.find("operator") == std::string_view::npos) name.remove_prefix(behind_return_type(name));
  return std::string(name.empty() ? readable : name);
}

bool is_plumbing(std::string_view readable, std::string_view file) {
  // Of what is inlined, the debug information may have the name without its namespace.
  for (const std::string_view folder : {"/include/c++/", "/ashlar/container/", "/ashlar/manager/"})
    if (file.find(folder) != std::string_view::npos) return true;
  const std::string name = short_name(readable);
  if (starts_with_any(name, {"std::", "__gnu_cxx::", "operator new", "boost::container::"}))
    return true;
  // Through which containers come to a manager.
  if (starts_with_any(name, {"ashlar::std_allocator", "ashlar::memory_resource", "ashlar::detail::",
                             "ashlar::inner_blocks", "ashlar::vector", "ashlar::small_vector",
                             "ashlar::slot_map", "ashlar::spsc_ring", "ashlar::joint",
                             "ashlar::managed", "ashlar::make", "ashlar::allocate_or_throw",
                             "ashlar::memory::", "ashlar::new_manager"}))
    return true;
  constexpr std::string_view allocation[] = {
      "malloc",  "calloc",         "realloc", "reallocarray", "aligned_alloc", "memalign", "valloc",
      "pvalloc", "posix_memalign", "strdup",  "strndup",      "__strdup",      "__strndup"};
  return std::find(std::begin(allocation), std::end(allocation), name) != std::end(allocation);
}

bool is_entry(std::string_view readable) {
  return starts_with_any(readable, {"__libc_start", "start_thread", "clone3", "__clone", "_start",
                                    "execute_native_thread_routine", "std::thread::_State_impl",
                                    "std::thread::_Invoker", "std::__invoke"});
}

}  // namespace ashlar::tool
