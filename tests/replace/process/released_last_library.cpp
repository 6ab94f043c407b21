// SPDX-License-Identifier: MIT
// A library that has a last word, from a destructor, and needs memory for it until then.
#include <cstdio>
#include <string>

namespace {

struct last_word {
  std::string text{"the library's destructor follows that of the program, with its memory"};
  ~last_word() { std::puts(text.c_str()); }
};
last_word word;

}  // namespace

const char* word_of_library() { return word.text.c_str(); }
