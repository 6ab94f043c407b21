// SPDX-License-Identifier: MIT
// Replays allocation traces on the fit managers and prints, as Markdown tables, how much more
// memory each needed than was live: once with all blocks aligned to 16, which is what malloc
// promises, and once to 8, which is enough where nothing holds a `long double` or a vector.
//
//     ashlar-fragmentation [NAME=FILE]...     FILE: as written by the recorder
//
// `live` is the most that was live at a time: the bytes asked for, and a header of 8 bytes for each
// block. `blocks` is the same with each block rounded up to what the format can hold. A manager's
// column is its peak footprint (from the start of its region to the last used block, the highest
// that ever was) beyond `live`; in brackets beyond `blocks`, which is what the holes alone cost.
// `committed` is the most that best fit had committed, in whole steps, beyond `live`. `least`,
// where something is known: what any manager like these needs (least_footprint.hpp).
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "ashlar/fit.hpp"
#include "least_footprint.hpp"
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

demand peak_demand(const trace& t, std::size_t alignment) {
  constexpr std::size_t none = static_cast<std::size_t>(-1);
  std::vector<std::size_t> sizes(t.block_numbers, none);
  demand now;
  demand peak;
  for (const step& s : t.steps) {
    std::size_t& size = sizes[s.block];
    if (size != none) {
      now.live -= size + ashlar::fit_block::header;
      now.blocks -= ashlar::fit_block::size_for(size, alignment);
    }
    size = s.kind == call_kind::free ? none : s.size;
    if (size != none) {
      now.live += size + ashlar::fit_block::header;
      now.blocks += ashlar::fit_block::size_for(size, alignment);
    }
    peak.live = std::max(peak.live, now.live);
    peak.blocks = std::max(peak.blocks, now.blocks);
  }
  return peak;
}

struct need {
  std::size_t footprint = 0;
  std::size_t committed = 0;
};

/// Returns the peaks of a manager that did all that the trace asks for.
template <class Manager>
need replay(const trace& t, std::size_t alignment) {
  Manager m({.reserve = 16_GiB});
  std::vector<ashlar::block> blocks(t.block_numbers);
  need peak;
  for (const step& s : t.steps) {
    ashlar::block& b = blocks[s.block];
    ashlar::allocation a;
    switch (s.kind) {
      case call_kind::allocate: a = m.allocate({s.size, alignment}); break;
      case call_kind::reallocate: a = m.reallocate(b, alignment, {.size = s.size}); break;
      case call_kind::free: m.deallocate(b, alignment); break;
    }
    if (s.kind != call_kind::free && !a) {
      std::fprintf(stderr, "%s: %s\n", t.name.c_str(), to_string(a.reason()));
      return {};
    }
    b = a.get();
    peak.footprint = std::max(peak.footprint, m.footprint());
    peak.committed = std::max(peak.committed, m.usage().held);
  }
  return peak;
}

double beyond(std::size_t taken, std::size_t needed) {
  return 100 * (static_cast<double>(taken) / static_cast<double>(needed) - 1);
}

void print_row(const trace& t, std::size_t alignment) {
  const demand d = peak_demand(t, alignment);
  std::printf("| %s | %.2f M | %.1f | %.1f |", t.name.c_str(),
              static_cast<double>(t.steps.size()) / 1e6, static_cast<double>(d.live) / 1e6,
              static_cast<double>(d.blocks) / 1e6);
  const need needs[] = {replay<ashlar::best_fit_manager>(t, alignment),
                        replay<ashlar::hybrid_manager>(t, alignment),
                        replay<ashlar::tlsf_manager>(t, alignment)};
  for (const need& n : needs)
    std::printf(" %+.1f %% (%+.1f %%) |", beyond(n.footprint, d.live),
                beyond(n.footprint, d.blocks));
  std::printf(" %+.1f %% |", beyond(needs[0].committed, d.live));
  const std::size_t least = t.is_made ? bench::least_footprint(t) : 0;
  if (least > d.live)
    std::printf(" %+.1f %% |\n", beyond(least, d.live));
  else
    std::printf(" |\n");
}

void print_table(const std::vector<trace>& traces, std::size_t alignment) {
  std::printf("\nBlocks aligned to %zu:\n\n", alignment);
  std::printf("| trace | calls | live, MB | blocks, MB | best_fit | hybrid | tlsf | committed |");
  std::printf(" least |\n|---|---|---|---|---|---|---|---|---|\n");
  for (const trace& t : traces) print_row(t, alignment);
}

}  // namespace

int main(int argc, char** argv) {
  using bench::ending_order;
  std::vector<trace> traces = {bench::shifting_sizes(ending_order::oldest_first),
                               bench::shifting_sizes(ending_order::random),
                               bench::shifting_sizes(ending_order::random, 50)};
  for (int i = 1; i < argc; ++i) {
    const char* const equals = std::strchr(argv[i], '=');
    if (equals == nullptr) return std::fprintf(stderr, "not NAME=FILE: %s\n", argv[i]), 1;
    traces.push_back(bench::read_trace(
        equals + 1, std::string(argv[i], static_cast<std::size_t>(equals - argv[i]))));
    if (traces.back().steps.empty()) return std::fprintf(stderr, "no trace: %s\n", equals + 1), 1;
  }
  print_table(traces, 16);
  print_table(traces, 8);
  return 0;
}
