// SPDX-License-Identifier: MIT
#include "ashlar/manager/unreleased.hpp"

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/os/diagnostic.hpp"

namespace ashlar {

namespace {

constinit unreleased_policy policy = unreleased_policy::ignore;

constexpr std::size_t most_shown = 8;

struct shown_blocks {
  std::size_t count = 0;
};

bool show(void* context, const walked_block& found) {
  auto& shown = *static_cast<shown_blocks*>(context);
  if (++shown.count > most_shown) return false;
  os::line l;
  os::write_line(l.text("  ").bytes(found.size).text(" at ").pointer(found.data));
  return true;
}

void write_head(const manager& ending, const manager_usage& use) {
  os::line head;
  head.text("ashlar: ").text(ending.kind());
  if (ending.name() != nullptr) head.text(" '").text(ending.name()).text("'");
  head.text(" ends with ");
  if (use.live_blocks != manager_usage::unknown)
    head.decimal(use.live_blocks).text(use.live_blocks == 1 ? " live block, " : " live blocks, ");
  head.bytes(use.used);
  os::write_line(use.live_blocks != manager_usage::unknown ? head : head.text(" in live blocks"));
}

}  // namespace

void set_unreleased_policy(unreleased_policy wanted) noexcept { store_relaxed(policy, wanted); }
unreleased_policy current_unreleased_policy() noexcept { return load_relaxed(policy); }

void detail::tell_unreleased(manager& ending, bool is_asked) noexcept {
  const unreleased_policy wanted = current_unreleased_policy();
  if (wanted == unreleased_policy::ignore && !is_asked) return;
  const memory m(ending);
  if (m.can(capability::no_op_deallocate)) return;
  const manager_usage use = m.usage();
  if (use.used == manager_usage::unknown || use.used == 0) return;
  write_head(ending, use);
  if (m.can(capability::walk)) {
    shown_blocks shown;
    m.walk({&shown, show});
    if (shown.count > most_shown) {
      os::line l;
      os::write_line(l.text("  and more"));
    }
  }
  if (wanted == unreleased_policy::fault) report_fault(fault_kind::still_in_use, &ending);
}

}  // namespace ashlar
