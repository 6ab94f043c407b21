// SPDX-License-Identifier: MIT
// Replays allocation traces on the fit managers and prints, as a Markdown table, how much more
// memory each needed than was live.
//
//     ashlar-fragmentation [NAME=FILE]...     FILE: as written by the recorder
//
// `live` is the most that was live at a time: the bytes asked for, and a header of 8 bytes for each
// block. `blocks` is the same with each block rounded up to what the format can hold. A manager's
// column is its peak footprint (from the start of its region to the last used block, the highest
// that ever was) beyond `live`; in brackets beyond `blocks`, which is what the holes alone cost.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "ashlar/fit.hpp"
#include "trace.hpp"

namespace {

using namespace ashlar::literals;
using bench::call_kind;
using bench::step;
using bench::trace;

struct demand {
  std::size_t live = 0;
  std::size_t blocks = 0;
};

demand peak_demand(const trace& t) {
  constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::vector<std::size_t> sizes(t.block_numbers, none);
  demand now;
  demand peak;
  for (const step& s : t.steps) {
    std::size_t& size = sizes[s.block];
    if (size != none) {
      now.live -= size + ashlar::fit_block::header;
      now.blocks -= ashlar::fit_block::size_for(size);
    }
    size = s.kind == call_kind::free ? none : s.size;
    if (size != none) {
      now.live += size + ashlar::fit_block::header;
      now.blocks += ashlar::fit_block::size_for(size);
    }
    peak.live = std::max(peak.live, now.live);
    peak.blocks = std::max(peak.blocks, now.blocks);
  }
  return peak;
}

/// Returns the peak footprint of a manager that did all that the trace asks for.
template <class Manager>
std::size_t replay(const trace& t) {
  Manager m({.reserve = 32_GiB});
  std::vector<ashlar::block> blocks(t.block_numbers);
  std::size_t peak = 0;
  for (const step& s : t.steps) {
    ashlar::block& b = blocks[s.block];
    ashlar::allocation a;
    switch (s.kind) {
      case call_kind::allocate: a = m.allocate({s.size}); break;
      case call_kind::reallocate: a = m.reallocate(b, 16, {.size = s.size}); break;
      case call_kind::free: m.deallocate(b); break;
    }
    if (s.kind != call_kind::free && !a) {
      std::fprintf(stderr, "%s: %s\n", t.name.c_str(), to_string(a.reason()));
      return 0;
    }
    b = a.get();
    peak = std::max(peak, m.footprint());
  }
  return peak;
}

double beyond(std::size_t footprint, std::size_t needed) {
  return 100 * (static_cast<double>(footprint) / static_cast<double>(needed) - 1);
}

void print_row(const trace& t) {
  const demand d = peak_demand(t);
  std::printf("| %s | %.2f M | %.1f | %.1f |", t.name.c_str(),
              static_cast<double>(t.steps.size()) / 1e6, static_cast<double>(d.live) / 1e6,
              static_cast<double>(d.blocks) / 1e6);
  for (const std::size_t peak :
       {replay<ashlar::best_fit_manager>(t), replay<ashlar::hybrid_manager>(t),
        replay<ashlar::tlsf_manager>(t)}) {
    std::printf(" %+.1f %% (%+.1f %%) |", beyond(peak, d.live), beyond(peak, d.blocks));
  }
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("| trace | calls | live, MB | blocks, MB | best_fit | hybrid | tlsf |\n");
  std::printf("|---|---|---|---|---|---|---|\n");
  print_row(bench::shifting_sizes(0));
  print_row(bench::shifting_sizes(50));
  for (int i = 1; i < argc; ++i) {
    const char* const equals = std::strchr(argv[i], '=');
    if (equals == nullptr) return std::fprintf(stderr, "not NAME=FILE: %s\n", argv[i]), 1;
    const trace t = bench::read_trace(
        equals + 1, std::string(argv[i], static_cast<std::size_t>(equals - argv[i])));
    if (t.steps.empty()) return std::fprintf(stderr, "no trace: %s\n", equals + 1), 1;
    print_row(t);
  }
  return 0;
}
