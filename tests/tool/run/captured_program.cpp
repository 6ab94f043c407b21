// SPDX-License-Identifier: MIT
// Loses and keeps blocks whose number the tests know, and then does what its first argument says:
// crashes in one of many ways, waits, asks for a capture, or goes on allocating.
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>
#include <utility>

#include "ashlar/capture.h"

// What LeakSanitizer would ask for, too.
extern "C" const char* __lsan_default_suppressions() { return "leak:known_to_leak\n"; }

namespace {

void* volatile table[4096];
int* volatile nowhere = nullptr;

[[gnu::noinline]] void keep(int first, int count, std::size_t size) {
  for (int i = first; i < first + count; ++i) table[i] = std::malloc(size);
}

[[gnu::noinline]] void lose(int count) {
  for (int i = 0; i < count; ++i) {
    void* block = std::malloc(300);
    asm volatile("" : : "r"(block) : "memory");
  }
}

[[gnu::noinline]] void known_to_leak() {
  void* block = std::malloc(70);
  asm volatile("" : : "r"(block) : "memory");
}

struct node {
  node* next;
  node* tail;
};

[[gnu::noinline]] node* make_node(node* next, node* tail) {
  node* const made = static_cast<node*>(std::malloc(sizeof(node)));
  *made = {next, tail};
  return made;
}

[[gnu::noinline]] node* make_ring(int count, node* tail) {
  node* const first = make_node(nullptr, nullptr);
  node* last = first;
  for (int i = 1; i < count; ++i) last = last->next = make_node(nullptr, nullptr);
  last->next = first;
  last->tail = tail;
  return first;
}

/// A ring of three with a tail, and one of two that hangs on a node: two groups, seven blocks.
[[gnu::noinline]] void lose_rings() {
  make_ring(3, make_node(nullptr, nullptr));
  make_node(make_ring(2, nullptr), nullptr);
}

/// What dead stack slots still point to is no leak: they are overwritten here.
[[gnu::noinline]] void clear_stack() {
  volatile char used[16'384];
  for (volatile char& byte : used) byte = 0;
}

[[gnu::noinline]] int recurse(int depth) {
  volatile char frame[256];
  frame[0] = static_cast<char>(depth);
  return recurse(depth + 1) + frame[0];
}

void wait_for_input() {
  std::puts("ready");
  std::fflush(stdout);
  (void)std::getchar();
}

/// The signal finds this thread somewhere in malloc or free, more often than not under a lock.
void end_amid_allocations(int number) {
  const pthread_t self = ::pthread_self();
  std::thread([self, number] {
    ::usleep(20'000);
    ::pthread_kill(self, number);
  }).detach();
  while (true) {
    void* volatile blocks[64];
    for (int i = 0; i < 64; ++i) blocks[i] = std::malloc(static_cast<std::size_t>(16 + 977 * i));
    for (int i = 0; i < 64; ++i) std::free(blocks[i]);
  }
}

/// Until there is no address space left.
void fill_up() {
  int next = 100;
  for (std::size_t size = 1 << 20; size >= 4096; size /= 2)
    for (void* p; next < 4096 && (p = std::malloc(size)) != nullptr; ++next) table[next] = p;
  std::printf("%d\n", next - 100);
  std::fflush(stdout);
}

void mark_the_time() {
  int first = 20;
  for (const auto& [name, count] : {std::pair("level loaded", 3), std::pair("boss", 2)}) {
    ashlar_mark_time(name);
    lose(count);
    keep(first, 5, 1'000);
    first += 5;
  }
  for (int i = 0; i < 40; ++i) ashlar_next_frame();
}

/// One place grows, one leaks, one is always the same; in the end all but the leaks is freed.
void grow() {
  for (int step = 0; step < 20; ++step) {
    keep(100 + step * 10, 10, 200);
    lose(1);
    std::free(table[90]);
    keep(90, 1, 5'000);
    ::usleep(50'000);
  }
  for (int i = 90; i < 300; ++i) std::free(table[i]);
  std::memset(const_cast<void**>(table) + 90, 0, 210 * sizeof(void*));
}

/// Children are forked while a thread captures, and each writes one of its own. Returns how many
/// did.
int fork_amid_captures(const char* path) {
  std::atomic<bool> over = false;
  std::thread capturing([&] {
    while (!over) (void)ashlar_write_capture("/dev/null");
  });
  int written = 0;
  for (int i = 0; i < 30; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(20);
      ::_exit(ashlar_write_capture(path) == 1 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    written += status == 0 ? 1 : 0;
  }
  over = true;
  capturing.join();
  return written;
}

void crash(std::string_view how) {
  if (how == "segv") *nowhere = 1;
  if (how == "abort") std::abort();
  if (how == "trap") __builtin_trap();
  if (how == "overflow") recurse(0);
  if (how == "kill") ::kill(::getpid(), SIGFPE);
  if (how == "thread") std::thread([] { keep(50, 1, 10), recurse(0); }).join();
  if (how == "double-free") std::free(table[0]), std::free(table[0]);
  if (how == "amid") end_amid_allocations(SIGSEGV);
  if (how == "stopped-amid") end_amid_allocations(SIGTERM);
  if (how == "full") fill_up(), *nowhere = 1;
}

}  // namespace

int main(int count, char** words) {
  const std::string_view how = count > 1 ? words[1] : "";
  keep(0, 10, 100);
  lose(5);
  known_to_leak();
  clear_stack();
  crash(how);
  if (how == "wait") wait_for_input();
  if (how == "ask") return ashlar_write_capture(count > 2 ? words[2] : nullptr) == 1 ? 0 : 9;
  if (how == "fork") return fork_amid_captures(words[2]);
  if (how == "rings") lose_rings();
  if (how == "mark") mark_the_time();
  if (how == "grow") grow();
  clear_stack();
}
