// SPDX-License-Identifier: MIT
// The fit managers and what a user would take instead, behind one pair of functions.
//
// Those over a region get one of the same size each, with huge pages or without; malloc and
// mimalloc take their memory where they like. Peers that are not installed are left out
// (`is_there`).
#pragma once

#include <dlfcn.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>

#if ASHLAR_BENCH_BOOST
#include <boost/interprocess/managed_external_buffer.hpp>
#endif

#if ASHLAR_BENCH_FOONATHAN
#include <foonathan/memory/memory_pool_collection.hpp>
#endif

#include "ashlar/fit.hpp"

namespace bench {

/// Bytes of address space, given back at the end.
class region {
 public:
  region(std::size_t size, bool huge) : size_(size + alignment) {
    void* const p = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) std::abort();
    start_ = static_cast<std::byte*>(p);
    ::madvise(p, size_, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
  }
  ~region() { ::munmap(start_, size_); }
  region(const region&) = delete;
  region& operator=(const region&) = delete;

  std::byte* data() const {
    return ashlar::at_address(ashlar::align_up(ashlar::address_of(start_), alignment));
  }
  std::size_t size() const { return size_ - alignment; }

 private:
  static constexpr std::size_t alignment = std::size_t{2} << 20;
  std::size_t size_;
  std::byte* start_;
};

template <class Manager>
class ours {
 public:
  static bool is_there() { return true; }
  ours(std::size_t size, bool huge) : region_(size, huge), manager_({region_.data(), size}) {}
  void* get(std::size_t size) { return manager_.allocate({size}).data(); }
  void put(void* p, std::size_t size) { manager_.deallocate({p, size}); }

 private:
  region region_;
  Manager manager_;
};

class glibc_malloc {
 public:
  static bool is_there() { return true; }
  glibc_malloc(std::size_t, bool) {}
  void* get(std::size_t size) { return std::malloc(size); }
  void put(void* p, std::size_t) { std::free(p); }
};

/// Called through pointers, since linking its library would replace malloc.
class mimalloc {
 public:
  static bool is_there() { return library() != nullptr; }
  mimalloc(std::size_t, bool)
      : get_(reinterpret_cast<void* (*)(std::size_t)>(::dlsym(library(), "mi_malloc"))),
        put_(reinterpret_cast<void (*)(void*)>(::dlsym(library(), "mi_free"))) {}
  void* get(std::size_t size) { return get_(size); }
  void put(void* p, std::size_t) { put_(p); }

 private:
  static void* library() {
    static void* const loaded = ::dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL);
    return loaded;
  }
  void* (*get_)(std::size_t);
  void (*put_)(void*);
};

#if ASHLAR_BENCH_BOOST
/// Best fit with a red-black tree too, over a region too.
class boost_best_fit {
  using algorithm = boost::interprocess::rbtree_best_fit<boost::interprocess::null_mutex_family>;
  using manager =
      boost::interprocess::basic_managed_external_buffer<char, algorithm,
                                                         boost::interprocess::iset_index>;

 public:
  static bool is_there() { return true; }
  boost_best_fit(std::size_t size, bool huge)
      : region_(size, huge),
        manager_(boost::interprocess::create_only, region_.data(), region_.size()) {}
  void* get(std::size_t size) { return manager_.allocate(size, std::nothrow); }
  void put(void* p, std::size_t) { manager_.deallocate(p); }

 private:
  region region_;
  manager manager_;
};
#endif

#if ASHLAR_BENCH_FOONATHAN
/// No fit manager, but what that library has for blocks of all sizes: a pool for each power of two,
/// up to the size given.
class foonathan_pools {
  using pools = foonathan::memory::memory_pool_collection<foonathan::memory::node_pool,
                                                          foonathan::memory::log2_buckets>;

 public:
  static bool is_there() { return true; }
  foonathan_pools(std::size_t size, bool) : pools_(largest, size / 4) {}
  void* get(std::size_t size) { return pools_.allocate_node(size); }
  void put(void* p, std::size_t size) { pools_.deallocate_node(p, size); }

 private:
  static constexpr std::size_t largest = std::size_t{64} << 10;
  pools pools_;
};
#endif

/// Calls `visit.template operator()<Peer>(name)` for each.
template <class Visit>
void for_each_fit_peer(Visit visit) {
  visit.template operator()<ours<ashlar::best_fit_manager>>("best_fit");
  visit.template operator()<ours<ashlar::tlsf_manager>>("tlsf");
  visit.template operator()<ours<ashlar::hybrid_manager>>("hybrid");
  visit.template operator()<glibc_malloc>("glibc");
  if (mimalloc::is_there()) visit.template operator()<mimalloc>("mimalloc");
#if ASHLAR_BENCH_BOOST
  visit.template operator()<boost_best_fit>("boost_best_fit");
#endif
#if ASHLAR_BENCH_FOONATHAN
  visit.template operator()<foonathan_pools>("foonathan_pools");
#endif
}

}  // namespace bench
