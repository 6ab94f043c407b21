// SPDX-License-Identifier: MIT
#include "model/heap_actions.hpp"

#include <cstdio>
#include <memory>

#include "ashlar/heap/size_class.hpp"
#include "ashlar/manager/source/user_os.hpp"
#include "support/user_memory.hpp"

namespace ashlar::test {

namespace {

template <class... Arguments>
std::string format(const char* pattern, Arguments... arguments) {
  char text[128];
  std::snprintf(text, sizeof text, pattern, arguments...);
  return text;
}

// Three ways to choose a size: around a boundary of classes, evenly over the doublings up to 8 MiB,
// and now and then a block so large that it gets a mapping of its own.
std::size_t read_size(byte_reader& bytes) {
  const std::uint8_t kind = bytes.byte();
  const std::size_t n = bytes.word();
  if (kind >= 253) return 32_MiB - 128_KiB + n * 4;
  if (kind >= 160) return size_classes[n % class_count].block_size + kind % 3 - 1;
  const std::size_t doubling = std::size_t{1} << (kind % 23);
  return doubling + (n * doubling >> 16);
}

std::size_t read_alignment(byte_reader& bytes) {
  const std::uint8_t kind = bytes.byte();
  return kind < 192 ? default_alignment : std::size_t{1} << (kind % 22);
}

std::size_t read_block(byte_reader& bytes) { return bytes.word(); }

}  // namespace

std::string allocate_action::text() const {
  return format("allocate(%zu bytes at %zu%s)", size, alignment, zeroed ? ", zeroed" : "");
}

std::string deallocate_action::text() const {
  return format("deallocate(#%zu%s)", which, elsewhere ? ", in another thread" : "");
}

std::string reallocate_action::text() const {
  return format("reallocate(#%zu to %zu bytes at %zu)", which, size, alignment);
}

std::string try_resize_action::text() const {
  return format("try_resize(#%zu to %zu bytes)", which, size);
}

std::string query_action::text() const { return format("query(#%zu)", which); }

std::string absurd_action::text() const {
  return format("ask_for_the_absurd(#%zu, %llu)", which, static_cast<unsigned long long>(n));
}

std::string trim_action::text() const { return format("trim(keep %zu)", keep); }

action read_action(byte_reader& bytes) {
  const std::uint8_t kind = bytes.byte() % 64;
  if (kind < 24) {
    const std::size_t size = read_size(bytes);
    const std::size_t alignment = read_alignment(bytes);
    return allocate_action{size, alignment, kind >= 20};
  }
  if (kind < 44) return deallocate_action{read_block(bytes), kind == 43};
  if (kind < 54) {
    const std::size_t which = read_block(bytes);
    const std::size_t size = read_size(bytes);
    return reallocate_action{which, size, read_alignment(bytes)};
  }
  if (kind < 58) {
    const std::size_t which = read_block(bytes);
    return try_resize_action{which, read_size(bytes)};
  }
  if (kind < 60) return query_action{read_block(bytes)};
  if (kind == 60) {
    const std::size_t which = read_block(bytes);
    return absurd_action{which, std::uint64_t{bytes.word()} << 8 | bytes.byte()};
  }
  if (kind == 61) return trim_action{std::size_t{bytes.word()} << 12};
  if (kind == 62) return check_action{};
  // Rare, for otherwise no heap would ever grow large.
  if (bytes.byte() < 32) return deallocate_all_action{};
  return check_action{};
}

void apply(const action& a, heap_model& m) {
  std::visit([&m](const auto& typed) { typed.apply(m); }, a);
}

std::string to_text(const action& a) {
  return std::visit([](const auto& typed) { return typed.text(); }, a);
}

std::string to_text(const std::vector<action>& actions) {
  std::string text;
  for (const action& a : actions) text += "  " + to_text(a) + "\n";
  return text;
}

std::string run_actions(const std::vector<action>& actions, ground where) {
  const user_memory memory(where == ground::user_block ? 24_MiB : 64_KiB);
  user_block_os block({memory.all()});
  user_interface interface;
  interface.budget = 256_MiB;
  os_manager pages(interface.verbs());
  heap_options options;
  options.cache_line_aligned = where == ground::cache_lines;
  if (where == ground::user_block) options.os = &block;
  if (where == ground::user_interface) options.os = &pages;
  const bool is_bounded = where == ground::user_block || where == ground::user_interface;

  const auto subject = std::make_unique<heap>(options);
  heap_model model(*subject, is_bounded);
  for (const action& a : actions) {
    apply(a, model);
    if (!model.is_well()) return to_text(a) + ": " + model.problem();
  }
  model.check_all();
  // The rest is left for destroy, which gives back whatever is still held.
  subject->destroy();
  if (!model.is_well()) return "at the end: " + model.problem();
  if (block.available() != block.capacity()) return "the heap kept the block of its user";
  if (interface.has_erred) return "the heap misused the interface of its user";
  if (interface.regions != 0) return "the heap kept regions of its user";
  return "";
}

}  // namespace ashlar::test
