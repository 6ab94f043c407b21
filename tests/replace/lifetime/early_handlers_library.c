// SPDX-License-Identifier: MIT
// A library that is up before malloc is: its constructor allocates nothing and registers handlers
// for fork that wait for a lock, and for a thread, of its own.
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t worker;
static int worker_stops;
static int started;

static void* allocate_until_stopped(void* unused) {
  (void)unused;
  while (!__atomic_load_n(&worker_stops, __ATOMIC_RELAXED)) free(malloc(600000));
  return NULL;
}

static void start_worker(void) {
  if (!started) return;
  worker_stops = 0;
  if (pthread_create(&worker, NULL, allocate_until_stopped, NULL) != 0) abort();
}

static void before_fork(void) {
  if (!started) return;
  __atomic_store_n(&worker_stops, 1, __ATOMIC_RELAXED);
  pthread_join(worker, NULL);
  pthread_mutex_lock(&mutex);
}

static void in_parent(void) {
  if (!started) return;
  pthread_mutex_unlock(&mutex);
  start_worker();
}

static void in_child(void) {
  if (started) pthread_mutex_unlock(&mutex);
}

__attribute__((constructor)) static void register_handlers(void) {
  pthread_atfork(before_fork, in_parent, in_child);
}

void early_start(void) {
  started = 1;
  start_worker();
}

void early_allocate_locked(void) {
  pthread_mutex_lock(&mutex);
  free(malloc(700000));
  pthread_mutex_unlock(&mutex);
}
