// SPDX-License-Identifier: MIT
#include "ashlar/manager/tag.hpp"

#include "ashlar/observe/tracker.hpp"

namespace ashlar {

namespace {

observe::tag_table& table() { return observe::process_tracker().tags; }

bool is_known(tag of) { return of.id() < table().size(); }

}  // namespace

tag define_tag(const char* path) noexcept {
  observe::process_tracker().follow_forks();
  return tag(table().define(path));
}

tag define_tag(const char* path, const tag_budget& budget) noexcept {
  const tag defined = define_tag(path);
  set_budget(defined, budget);
  return defined;
}

tag define_tag(tag parent, const char* path) noexcept {
  observe::process_tracker().follow_forks();
  return tag(table().define(path, is_known(parent) ? parent.id() : tag_id{0}));
}

tag find_tag(const char* path) noexcept { return tag(table().find(path)); }

void set_budget(tag of, const tag_budget& budget) noexcept {
  observe::process_tracker().set_budget(of.id(), budget);
}

tag_budget budget_of(tag of) noexcept {
  return is_known(of) ? table().budget_of(of.id()) : tag_budget{};
}

tag parent_of(tag of) noexcept { return is_known(of) ? tag(table()[of.id()].parent) : tag(); }

std::size_t path_of(tag of, char* text, std::size_t capacity) noexcept {
  return table().path_of(is_known(of) ? of.id() : tag_id{0}, text, capacity);
}

}  // namespace ashlar
