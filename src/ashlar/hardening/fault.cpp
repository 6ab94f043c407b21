// SPDX-License-Identifier: MIT
// The texts of the catalogue, the reporter, and `panic` for our own mistakes.
#include "ashlar/hardening/fault.hpp"

#include <stdlib.h>

#include <atomic>

#include "ashlar/base/macros.hpp"
#include "ashlar/hardening/fault_watch.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/os/mapping.hpp"

namespace ashlar {

thread_local constinit detail::thread_faults detail::faults_of_this_thread;

namespace {

struct entry {
  fault_kind kind;
  const char* name;
  const char* text;
};

constexpr entry catalogue[] = {
    {fault_kind::invalid_free, "invalid free", "pointer was not allocated by ashlar"},
    {fault_kind::interior_free, "interior free", "pointer is inside a block, not at its start"},
    {fault_kind::double_free, "double free", "block is free already"},
    {fault_kind::invalid_resize, "invalid realloc", "pointer is not a live block of ashlar"},
    {fault_kind::invalid_query, "invalid size query", "pointer is not a live block of ashlar"},
    {fault_kind::size_mismatch, "size mismatch", "block is freed with another size than allocated"},
    {fault_kind::alignment_mismatch, "alignment mismatch",
     "block is freed with another alignment than allocated"},
    {fault_kind::family_mismatch, "mismatched free",
     "block is freed by another family of functions than allocated it"},
    {fault_kind::wrong_heap, "wrong heap", "block belongs to another heap"},
    {fault_kind::overrun, "overrun", "bytes behind the block were written to"},
    {fault_kind::underrun, "underrun", "bytes in front of the block were written to"},
    {fault_kind::write_after_free, "write after free", "bytes of a free block were written to"},
    {fault_kind::use_after_free, "use after free", "a freed block was read or written to"},
    {fault_kind::out_of_order_free, "out-of-order free", "a stack frees its last block first"},
    {fault_kind::stale_mark, "stale mark", "an earlier rewind has ended this place"},
    {fault_kind::pop_beyond_start, "pop beyond start", "more is popped than was pushed"},
    {fault_kind::stale_handle, "stale handle", "the block of this handle is gone"},
    {fault_kind::pin_mismatch, "pin mismatch",
     "block is pinned or moving, or unpinned without a pin"},
    {fault_kind::unbalanced_tag, "unbalanced tag",
     "a tag ends that is not the last one that this thread pushed"},
    {fault_kind::still_in_use, "still in use", "something still depends on this manager"},
    {fault_kind::corruption, "corruption", "a structure of the heap contradicts itself"},
};

consteval bool is_in_order() {
  for (std::size_t i = 0; i < fault_kind_count; ++i) {
    if (static_cast<std::size_t>(catalogue[i].kind) != i) return false;
  }
  return sizeof catalogue / sizeof catalogue[0] == fault_kind_count;
}
static_assert(is_in_order(), "the catalogue is indexed by kind");

constinit std::atomic<fault_policy> policy{fault_policy::abort};
constinit std::atomic<fault_hook> hook{nullptr};

const entry& entry_of(fault_kind kind) { return catalogue[static_cast<std::size_t>(kind)]; }

void append_detail(os::line& line, fault_kind kind, fault_detail detail) {
  if (detail.expected == 0 && detail.actual == 0) return;
  switch (kind) {
    case fault_kind::interior_free:
      line.text(" (block ")
          .hex(detail.expected)
          .text(" of ")
          .decimal(detail.actual)
          .text(" bytes)");
      break;
    case fault_kind::size_mismatch:
    case fault_kind::alignment_mismatch:
      line.text(" (allocated ").decimal(detail.expected);
      line.text(", freed ").decimal(detail.actual).text(")");
      break;
    default: line.text(" (").hex(detail.expected).text(", ").hex(detail.actual).text(")"); break;
  }
}

// Where a pointer that is none of ours lies often names the bug at once.
void append_place(os::line& line, fault_kind kind, const void* pointer) {
  const bool is_foreign = kind == fault_kind::invalid_free || kind == fault_kind::invalid_resize ||
                          kind == fault_kind::invalid_query;
  if (!is_foreign) return;
  const os::mapping place = os::find_mapping(pointer);
  line.text(" (").text(os::to_string(place.kind));
  if (place.name[0] != '\0') line.text(" ").text(place.name);
  line.text(")");
}

void append_source(os::line& line, const fault_place& where) {
  if (where.place.line() == 0) return;
  line.text(", ").text(where.role).text(" ").text(where.place.file_name());
  line.text(":").decimal(where.place.line());
}

// Tells the hook, or prints, and aborts if the policy says so.
void deliver(const os::line& line, fault_kind kind, const void* pointer, fault_annex annex = {}) {
  if (const fault_hook callback = hook.load(std::memory_order_acquire); callback != nullptr)
    return callback(kind, pointer, line.c_str());
  if (current_fault_policy() == fault_policy::ignore) return;
  os::write_line(line);
  if (annex.write != nullptr) annex.write(annex.context);
  if (current_fault_policy() == fault_policy::abort && !annex.ends_anyway) ::abort();
}

// Counts a fault, and returns whether it is to be told.
bool is_wanted() {
  ++detail::faults_of_this_thread.count;
  if (detail::faults_of_this_thread.silences != 0) return false;
  return hook.load(std::memory_order_relaxed) != nullptr ||
         current_fault_policy() != fault_policy::ignore;
}

void begin(os::line& line, fault_kind kind, const void* pointer) {
  line.text("ashlar: ").text(fault_name(kind)).text(" of ").pointer(pointer);
  line.text(": ").text(fault_text(kind));
}

}  // namespace

const char* fault_name(fault_kind kind) noexcept { return entry_of(kind).name; }

const char* fault_text(fault_kind kind) noexcept { return entry_of(kind).text; }

fault_policy current_fault_policy() noexcept { return policy.load(std::memory_order_relaxed); }

void set_fault_policy(fault_policy wanted) noexcept {
  policy.store(wanted, std::memory_order_relaxed);
}

fault_hook exchange_fault_hook(fault_hook wanted) noexcept {
  return hook.exchange(wanted, std::memory_order_acq_rel);
}

ASHLAR_COLD void report_fault(fault_kind kind, const void* pointer, fault_detail detail,
                              fault_annex annex) noexcept {
  if (!is_wanted()) return;
  os::line line;
  begin(line, kind, pointer);
  append_detail(line, kind, detail);
  append_place(line, kind, pointer);
  deliver(line, kind, pointer, annex);
}

ASHLAR_COLD void report_fault_at(fault_kind kind, const void* pointer, const fault_place& first,
                                 const fault_place& second) noexcept {
  if (!is_wanted()) return;
  os::line line;
  begin(line, kind, pointer);
  append_source(line, first);
  append_source(line, second);
  deliver(line, kind, pointer);
}

ASHLAR_COLD void panic(const char* condition, const char* file, int number) noexcept {
  os::line line;
  line.text("ashlar: internal error: ").text(condition).text(" does not hold at ").text(file);
  line.text(":").decimal(static_cast<unsigned>(number));
  os::write_line(line);
  ::abort();
}

}  // namespace ashlar
