// SPDX-License-Identifier: MIT
#include "ashlar/manager/unreleased.hpp"

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/os/diagnostic.hpp"

namespace ashlar {

namespace {

constinit unreleased_policy policy = unreleased_policy::ignore;

constexpr std::size_t most_shown = 8;

struct live_sum {
  std::size_t blocks = 0;
  std::size_t bytes = 0;
};

// What managers use that do not count blocks includes what they keep for more: their blocks are
// counted. Nothing is known where that cannot be done either.
live_sum sum_of(memory ending) {
  const manager_usage use = ending.usage();
  if (use.live_blocks != manager_usage::unknown) return {use.live_blocks, use.used};
  live_sum sum;
  if (ending.can(capability::walk))
    ending.walk({&sum, [](void* context, const walked_block& found) {
                   auto& s = *static_cast<live_sum*>(context);
                   ++s.blocks;
                   s.bytes += found.size;
                   return true;
                 }});
  return sum;
}

bool show(void* count, const walked_block& found) {
  if (++*static_cast<std::size_t*>(count) > most_shown) return false;
  os::line l;
  os::write_line(l.text("  ").bytes(found.size).text(" at ").pointer(found.data));
  return true;
}

void report(const manager& ending, const live_sum& sum) {
  os::line head;
  head.text("ashlar: ").text(ending.kind());
  if (ending.name() != nullptr) head.text(" '").text(ending.name()).text("'");
  head.text(" ends with ").decimal(sum.blocks);
  head.text(sum.blocks == 1 ? " live block, " : " live blocks, ");
  os::write_line(head.bytes(sum.bytes));
}

void show_some(memory ending) {
  std::size_t shown = 0;
  ending.walk({&shown, show});
  os::line rest;
  if (shown > most_shown) os::write_line(rest.text("  and more"));
}

}  // namespace

void set_unreleased_policy(unreleased_policy wanted) noexcept { store_relaxed(policy, wanted); }
unreleased_policy current_unreleased_policy() noexcept { return load_relaxed(policy); }

void detail::tell_unreleased(manager& ending, bool is_asked) noexcept {
  const unreleased_policy wanted = current_unreleased_policy();
  if (wanted == unreleased_policy::ignore && !is_asked) return;
  const memory m(ending);
  if (m.can(capability::no_op_deallocate)) return;
  const live_sum sum = sum_of(m);
  if (sum.blocks == 0) return;
  report(ending, sum);
  if (m.can(capability::walk)) show_some(m);
  if (wanted == unreleased_policy::fault && !is_asked)
    report_fault(fault_kind::still_in_use, &ending);
}

}  // namespace ashlar
