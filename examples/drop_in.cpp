// SPDX-License-Identifier: MIT
// A program that knows nothing of ashlar and runs on it, because it is linked with ashlar::malloc.
//
// Whether it does shows in malloc_info, a function of glibc that ashlar replaces with the rest of
// the family: the report names who made it.
#include <malloc.h>

#include <cstdio>
#include <cstring>
#include <map>
#include <string>

int main() {
  std::map<std::string, std::string> words;
  for (int i = 0; i < 1000; ++i) words[std::to_string(i)] = std::string(100, 'x');

  char report[1 << 16] = {};
  std::FILE* const out = fmemopen(report, sizeof report, "w");
  if (out == nullptr || malloc_info(0, out) != 0) return 1;
  std::fclose(out);
  report[std::strcspn(report, "\n")] = '\0';
  std::printf("%zu words on %s\n", words.size(), report);
  return std::strstr(report, "ashlar") == nullptr;
}
