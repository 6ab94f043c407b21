// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/environment.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace ashlar::tool {

namespace {

/// Replaces the value of `name` by what `change` makes of it; an absent variable counts as empty.
template <class Change>
void change_variable(std::vector<std::string>& variables, std::string_view name, Change change) {
  const std::string prefix = std::string(name) + "=";
  for (std::string& each : variables) {
    if (!each.starts_with(prefix)) continue;
    each = prefix + change(each.substr(prefix.size()));
    return;
  }
  variables.push_back(prefix + change(std::string()));
}

}  // namespace

std::vector<std::string> preload_environment(const std::vector<std::string>& variables,
                                             const preload_settings& settings) {
  std::vector<std::string> changed = variables;
  change_variable(changed, "LD_PRELOAD", [&](const std::string& old) {
    return settings.library.string() + (old.empty() ? "" : ":" + old);
  });
  change_variable(changed, "ASHLAR_OPTIONS", [&](const std::string& old) {
    return fmt::format("{}{}snapshot={},follow={}{}{}", old, old.empty() ? "" : ",",
                       settings.snapshot_folder.string(), settings.follow_children ? 1 : 0,
                       settings.tracking.empty() ? "" : ",", settings.tracking);
  });
  return changed;
}

std::string option_in(const std::vector<std::string>& variables, std::string_view key) {
  constexpr std::string_view prefix = "ASHLAR_OPTIONS=";
  std::string value;
  for (const std::string& each : variables) {
    if (!each.starts_with(prefix)) continue;
    std::string_view rest = std::string_view(each).substr(prefix.size());
    while (!rest.empty()) {
      const std::string_view word = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      if (word.substr(0, word.find('=')) == key && word.size() > key.size())
        value = word.substr(key.size() + 1);
    }
    break;  // the first of a name is the one that getenv finds
  }
  return value;
}

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** each = environ; *each != nullptr; ++each) variables.emplace_back(*each);
  return variables;
}

bool can_be_preloaded_by_path(const std::filesystem::path& library) {
  return library.string().find_first_of(" :$\t\n") == std::string::npos;
}

bool can_be_named_in_options(const std::filesystem::path& folder) {
  constexpr std::size_t longest =
      240;  // the library takes 255, and the name of a folder is to come
  return folder.string().find(',') == std::string::npos && folder.string().size() <= longest;
}

}  // namespace ashlar::tool
