// SPDX-License-Identifier: MIT
#include "tools/ashlar/doctor/doctor.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/tool/support/temporary_folder.hpp"
#include "tools/ashlar/doctor/checks.hpp"

namespace ashlar::tool {
namespace {

const finding* find(const section_of_findings& section, const std::string& name) {
  for (const finding& each : section.findings)
    if (each.name == name) return &each;
  return nullptr;
}

verdict of(const section_of_findings& section, const std::string& name) {
  const finding* found = find(section, name);
  EXPECT_NE(found, nullptr) << name;
  return found != nullptr ? found->is : verdict::note;
}

elf_facts facts_of_a_program() {
  elf_facts facts;
  facts.is_elf = true;
  facts.bits = 64;
  facts.interpreter = "/lib64/ld-linux-x86-64.so.2";
  facts.functions_sampled = 100;
  return facts;
}

TEST(doctor, this_program_is_understood) {
  const elf_facts facts = facts_of("/proc/self/exe");
  EXPECT_TRUE(facts.is_elf);
  EXPECT_EQ(facts.bits, 64);
  EXPECT_NE(facts.interpreter.find("ld-"), std::string::npos);
  EXPECT_FALSE(facts.needed.empty());
  EXPECT_GT(facts.functions_sampled, 10U);
  EXPECT_LE(facts.with_frame_pointer, facts.functions_sampled);
}

TEST(doctor, suppressions_that_a_program_brings_along_are_named) {
  elf_facts facts = facts_of_a_program();
  EXPECT_EQ(of(check_memory("/bin/game", facts, {}), "suppressions"), verdict::note);
  facts.has_suppressions = true;
  EXPECT_EQ(of(check_memory("/bin/game", facts, {}), "suppressions"), verdict::good);
}

TEST(doctor, a_static_program_is_refused) {
  const elf_facts facts = facts_of(ASHLAR_STATIC_PROGRAM);
  EXPECT_TRUE(facts.is_elf);
  EXPECT_EQ(facts.interpreter, "");
  const auto section = check_service(ASHLAR_STATIC_PROGRAM, "static_program", facts);
  EXPECT_EQ(of(section, "preload"), verdict::refused);
  EXPECT_TRUE(find(section, "preload")->fact.starts_with("it is linked statically"));
  EXPECT_TRUE((diagnosis{"x", {section}}).refused());
}

TEST(doctor, musl_is_refused) {
  elf_facts facts = facts_of_a_program();
  EXPECT_EQ(of(check_service("/bin/sh", "sh", facts), "libc"), verdict::good);
  facts.interpreter = "/lib/ld-musl-x86_64.so.1";
  EXPECT_EQ(of(check_service("/bin/sh", "sh", facts), "libc"), verdict::refused);
}

TEST(doctor, allocators_in_the_program_are_noticed) {
  elf_facts facts = facts_of_a_program();
  EXPECT_EQ(of(check_memory("/bin/game", facts, {}), "own_malloc"), verdict::good);
  EXPECT_EQ(of(check_memory("/bin/game", facts, {}), "sanitizer"), verdict::good);
  facts.own_allocation = {"malloc", "operator new"};
  const auto section = check_memory("/bin/game", facts, {"/lib/libjemalloc.so.2"});
  EXPECT_EQ(of(section, "own_malloc"), verdict::limited);
  EXPECT_NE(find(section, "own_malloc")->fact.find("malloc, operator new"), std::string::npos);
  EXPECT_NE(find(section, "other_allocator")->fact.find("libjemalloc"), std::string::npos);
  EXPECT_EQ(of(check_memory("/bin/game", facts, {"/lib/libasan.so.8"}), "sanitizer"),
            verdict::refused);
  facts.sanitizer = "AddressSanitizer";
  EXPECT_EQ(of(check_memory("/bin/game", facts, {}), "sanitizer"), verdict::refused);
}

TEST(doctor, runtimes_with_heaps_of_their_own_are_noticed) {
  elf_facts facts = facts_of_a_program();
  EXPECT_EQ(find(check_memory("/bin/game", facts, {}), "runtime"), nullptr);
  EXPECT_NE(find(check_memory("/usr/bin/python3", facts, {}), "runtime"), nullptr);
  facts.is_go = true;
  EXPECT_EQ(of(check_memory("/bin/game", facts, {}), "runtime"), verdict::limited);
}

TEST(doctor, frame_pointers_and_lines_are_judged) {
  elf_facts facts = facts_of_a_program();
  facts.with_frame_pointer = 90;
  facts.debug_file = "/usr/lib/debug/game.debug";
  facts.build_id = "0123";
  auto section = check_stacks("/bin/game", facts, {});
  for (const char* name : {"frame_pointers", "debug_information", "build_id"})
    EXPECT_EQ(of(section, name), verdict::good) << name;
  facts.with_frame_pointer = 3;
  facts.machine = "x86-64";  // whose tables are read
  EXPECT_EQ(of(check_stacks("/bin/game", facts, {}), "frame_pointers"), verdict::good);
  facts.machine = "ARM";
  facts.debug_file = facts.build_id = "";
  section = check_stacks("/bin/game", facts, {});
  for (const char* name : {"frame_pointers", "debug_information", "build_id"}) {
    EXPECT_EQ(of(section, name), verdict::limited) << name;
    EXPECT_FALSE(find(section, name)->advice.empty()) << name;
  }
  facts.functions_sampled = facts.with_frame_pointer = 0;
  EXPECT_EQ(of(check_stacks("/bin/game", facts, {}), "frame_pointers"), verdict::note);
}

TEST(doctor, a_file_that_is_no_program_says_nothing) {
  const test::temporary_folder folder;
  for (const std::string& bytes : {std::string(), std::string("text"),
                                   std::string("\x7f"
                                               "ELF"),
                                   std::string("\x7f"
                                               "ELF\x02\x01\x01") +
                                       std::string(300, '\xff')}) {
    const elf_facts facts = facts_of(folder.write("file", bytes, 0755));
    EXPECT_EQ(facts.functions_sampled, 0U);
    EXPECT_EQ(facts.interpreter, "");
  }
  EXPECT_FALSE(facts_of("/no/such/file").is_elf);
}

TEST(doctor, this_process_is_not_on_ashlar) {
  const auto section = check_process(::getpid());
  ASSERT_FALSE(section.findings.empty());
  EXPECT_EQ(section.findings[0].name, "on_ashlar");
  EXPECT_EQ(section.findings[0].is, verdict::limited);
}

TEST(doctor, text_fits_its_width) {
  diagnosis all{
      "/a/very/long/path/to/a/program/that/does/not/fit/into/the/title/of/the/report/game",
      {check_machine("/no/such/library.so"),
       check_stacks("/bin/game", facts_of_a_program(), {"/lib/libc.so.6"})}};
  EXPECT_TRUE(all.refused());
  for (const std::size_t width : {60U, 80U, 120U}) {
    report_format format;
    format.width = width;
    for (const line& each : diagnosis_text(all, format))
      EXPECT_LE(each.width(), width) << each.render(false, 1'000);
    format.ascii = true;
    for (const char byte : render(diagnosis_text(all, format), false, width)) EXPECT_GE(byte, 0);
  }
}

}  // namespace
}  // namespace ashlar::tool
