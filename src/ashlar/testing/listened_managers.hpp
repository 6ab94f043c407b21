// SPDX-License-Identifier: MIT
// What all managers of the registry hold at one moment, for a listener that compares two of these.
#pragma once

#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ashlar/manager/memory_system.hpp"

namespace ashlar::detail {

/// Of one manager. Units: bytes, blocks.
struct listened_figures {
  std::size_t blocks = manager_usage::unknown;
  std::size_t bytes = 0;
  std::size_t peak = 0;

  bool counts_blocks() const { return blocks != manager_usage::unknown; }
  std::string text() const {
    std::string words = std::to_string(bytes) + " bytes";
    if (counts_blocks()) words += " in " + std::to_string(blocks) + " blocks";
    return words;
  }
};

class listened_managers {
 public:
  static constexpr std::size_t name_capacity = 128;  // longer names are cut

  // By address as well: two managers may have the same name.
  using identity = std::pair<const manager*, std::string>;
  using figures_of_all = std::map<identity, listened_figures>;

  /// Asks all of them, however many there are.
  static figures_of_all read() {
    // The visit may not use the registry, and so not a manager that is in it: what it finds goes
    // into a buffer, which is made larger until all of them fit.
    list all;
    do {
      all.entries.resize(all.count + 64);
      all.count = 0;
      system().for_each(&all, note);
    } while (all.count > all.entries.size());
    figures_of_all result;
    for (std::size_t i = 0; i < all.count; ++i) {
      const manager_usage& u = all.entries[i].usage;
      if (u.used == manager_usage::unknown) continue;
      result[{all.entries[i].m, all.entries[i].name}] = {
          u.live_blocks, u.used, u.peak_used != manager_usage::unknown ? u.peak_used : u.used};
    }
    return result;
  }

  /// Has the peaks of all that keep one themselves begin anew.
  static void restart_peaks() {
    system().for_each(nullptr, [](void*, const manager& m, unsigned) {
      // The registry shows what it does not change; the figures of a manager are its own.
      if (m.ops().restart_peak != nullptr) m.ops().restart_peak(const_cast<manager&>(m));
      return true;
    });
  }

 private:
  struct found {
    const manager* m;
    char name[name_capacity];
    manager_usage usage;
  };
  struct list {
    std::vector<found> entries;
    std::size_t count = 0;
  };

  static bool note(void* context, const manager& m, unsigned) {
    auto& to = *static_cast<list*>(context);
    if (to.count++ >= to.entries.size()) return true;  // counted all the same
    found& f = to.entries[to.count - 1];
    f.m = &m;
    std::strncpy(f.name, m.name(), sizeof f.name - 1);
    f.name[sizeof f.name - 1] = '\0';
    f.usage = m.ops().usage(m);
    return true;
  }
};

}  // namespace ashlar::detail
