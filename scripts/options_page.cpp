// SPDX-License-Identifier: MIT
// Writes docs/reference/options.md from the table of options, the one place where they are
// described.
//
//     cmake --build --preset release --target options-page     writes the page anew
//     ctest --preset release -R reference.options_page          fails if that would change it
#include <cstdio>

#include "ashlar/replace/options.hpp"

namespace {

using ashlar::replace::option_description;
using ashlar::replace::option_kind;
using ashlar::replace::option_table;

const char* values_of(option_kind kind) {
  switch (kind) {
    case option_kind::boolean: return "`0` or `1`";
    case option_kind::count: return "a number";
    case option_kind::bytes: return "bytes; `K`, `M`, `G` or `T` may follow";
    case option_kind::policy: return "`abort`, `warn`, `ignore`";
    case option_kind::path: return "a path";
    case option_kind::level: return "`off`, `counters`, `sampled`, `full`, `debug`";
    case option_kind::side: return "`off`, `back`, `front`";
    case option_kind::duration: return "seconds; `ms`, `m` or `h` may follow";
    case option_kind::signal: return "`USR1`, `USR2`, `HUP`, `QUIT`, `WINCH`, ..., or a number";
  }
  return "";
}

constexpr const char* opening =
    R"(<!-- Written by scripts/options_page.cpp from src/ashlar/replace/options.hpp. Change that table, then run
     cmake --build --preset release --target options-page -->
# Run-time options

`libashlar-malloc` reads one environment variable when it is loaded:

```
ASHLAR_OPTIONS="key=value,key=value" LD_PRELOAD=.../libashlar-malloc.so PROGRAM
```

An unknown key, or a value that makes no sense, gets one line on stderr, with the nearest key or with what
is expected; everything else holds. In privileged programs (setuid, file capabilities) the variable is
ignored.

| key | values | default | meaning |
|---|---|---|---|
)";

}  // namespace

int main(int, char** arguments) {
  std::FILE* const page = std::fopen(arguments[1], "w");
  if (page == nullptr) {
    std::perror(arguments[1]);
    return 1;
  }
  std::fputs(opening, page);
  for (const option_description& o : option_table)
    std::fprintf(page, "| `%s` | %s | `%s` | %s |\n", o.name, values_of(o.kind), o.standard,
                 o.text);
  return std::fclose(page) == 0 ? 0 : 1;
}
