// SPDX-License-Identifier: MIT
// Which tag counts: the argument, the class's, the thread's, the manager's, in this order.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <vector>

#include "ashlar/ashlar.hpp"
#include "ashlar/manager/backing_scope.hpp"
#include "ashlar/observe/tracker.hpp"

namespace ashlar {
namespace {

// Serves from the C library, and remembers under which tag it was last asked.
class tag_witness : public manager {
 public:
  static constexpr const char* kind_name = "witness";

  tag_witness() : manager(ops_for<tag_witness>, nullptr) {}

  allocation allocate(layout request, fit = fit::get_exact) noexcept {
    asked_under = tag(backing_tag(true));
    ++asked;
    const std::size_t alignment = request.alignment < 16 ? 16 : request.alignment;
    return allocation::of(
        std::aligned_alloc(alignment, (request.size + alignment - 1) & ~(alignment - 1)),
        request.size);
  }
  void deallocate(block b, std::size_t = default_alignment) noexcept { std::free(b.data); }
  manager_usage usage() const noexcept { return {}; }

  using tag = ashlar::tag;
  tag asked_under;
  int asked = 0;
};

const tag of_argument = define_tag("precedence/argument");
const tag of_class = define_tag("precedence/class");
const tag of_thread = define_tag("precedence/thread");
const tag of_manager = define_tag("precedence/manager");

struct plain {
  int value = 0;
};
struct decorated {
  static constexpr const char* memory_tag = "precedence/class";
  int value = 0;
};
struct decorated_by_value {
  static inline const tag memory_tag = define_tag("precedence/class");
  int value = 0;
};
struct heir : decorated {};

static_assert(!tagged_class<plain> && !tagged_class<int>);
static_assert(tagged_class<decorated> && tagged_class<decorated_by_value> && tagged_class<heir>);
static_assert(std::is_empty_v<class_tag_scope<plain>>);

TEST(tag_precedence, goes_from_the_argument_to_the_manager) {
  tag_witness m;
  destroy(memory(m), make<plain>(m));
  EXPECT_FALSE(m.asked_under);
  m.set_tag(of_manager.id());
  destroy(memory(m), make<plain>(m));
  EXPECT_EQ(m.asked_under, of_manager);
  const tag_scope scope(of_thread);
  destroy(memory(m), make<plain>(m));
  EXPECT_EQ(m.asked_under, of_thread);
  destroy(memory(m), make<decorated>(m));
  EXPECT_EQ(m.asked_under, of_class);
  destroy(memory(m), make_tagged<decorated>(of_argument, m));
  EXPECT_EQ(m.asked_under, of_argument);
  m.deallocate(allocate_tagged(of_argument, m, {10, 16}).get());
  EXPECT_EQ(m.asked_under, of_argument);
  EXPECT_EQ(current_tag(), of_thread);
}

// Whether the class's tag was read since the last question.
bool was_asked(tag_witness& m) {
  const bool is_right = m.asked_under == of_class;
  m.asked_under = {};
  return is_right;
}

TEST(tag_precedence, of_a_class_is_read_by_everything_that_makes_its_objects) {
  tag_witness m;
  { const auto u = make_unique<decorated>(m); }
  EXPECT_TRUE(was_asked(m));
  { const auto u = make_unique<decorated[]>(m, 10); }
  EXPECT_TRUE(was_asked(m));
  destroy(memory(m), try_make<heir>(m));
  EXPECT_TRUE(was_asked(m));
  destroy(memory(m), make<decorated_by_value>(m));
  EXPECT_TRUE(was_asked(m));
  { const auto parts = make_joint<decorated, int[]>(m, 3); }
  EXPECT_TRUE(was_asked(m));
  {
    handle_pool<decorated> objects(m);
    (void)objects.make();
    EXPECT_TRUE(was_asked(m));
  }
  { const auto u = make_unique_tagged<decorated>(of_argument, m); }
  EXPECT_EQ(m.asked_under, of_argument);
  EXPECT_FALSE(current_tag());
}

TEST(tag_precedence, of_a_class_is_read_by_containers_of_its_objects) {
  tag_witness m;
  {
    vector<decorated> v(m);
    v.push_back({});
    EXPECT_TRUE(was_asked(m));
    v.resize(1000);
    EXPECT_TRUE(was_asked(m));
  }
  {
    small_vector<decorated, 2> v(m);
    v.resize(100);
    EXPECT_TRUE(was_asked(m));
  }
  {
    std::vector<decorated, std_allocator<decorated>> v(m);
    v.resize(10);
    EXPECT_TRUE(was_asked(m));
  }
  {
    slot_map<decorated> map(m);
    (void)map.insert({});
    EXPECT_TRUE(was_asked(m));
  }
  {
    spsc_ring<int> of_others(8, m);
    EXPECT_FALSE(was_asked(m));
    spsc_ring<decorated> ring(8, m);
    EXPECT_TRUE(was_asked(m));
  }
}

TEST(tag_precedence, of_a_class_is_the_tag_of_its_pool) {
  pool_of<decorated> objects;
  EXPECT_EQ(objects.memory_pool().tag(), of_class.id());
  const tag_scope scope(of_thread);
  (void)objects.make();
  EXPECT_GT(usage_of(of_class).page_bytes, 0u);
  EXPECT_EQ(usage_of(of_thread).page_bytes, 0u);
  pool_of<plain> others;
  EXPECT_EQ(others.memory_pool().tag(), 0);
}

struct holder {
  static constexpr const char* memory_tag = "precedence/class";
  explicit holder(tag& seen) { seen = current_tag(); }
};

TEST(tag_precedence, lets_constructors_allocate_under_the_threads_tag) {
  tag_witness m;
  tag seen;
  const tag_scope scope(of_thread);
  destroy(memory(m), make<holder>(m, seen));
  EXPECT_EQ(seen, of_thread);
}

// What a manager takes for many blocks is its own, whatever the thread's tag is.
TEST(tag_precedence, of_what_a_manager_takes_begins_with_the_manager) {
  tag_witness m;
  pool nodes({64, 16}, {.upstream = m});
  nodes.set_tag(of_manager.id());
  const tag_scope scope(of_thread);
  EXPECT_TRUE(nodes.allocate({64, 16}));
  EXPECT_EQ(m.asked_under, of_manager);
  EXPECT_EQ(current_tag(), of_thread);
  pool others({64, 16}, {.upstream = m});
  EXPECT_TRUE(others.allocate({64, 16}));
  EXPECT_EQ(m.asked_under, of_thread);
}

struct particle : managed<particle> {
  static pool& memory_manager() { return particles(); }
  static constexpr const char* memory_tag = "precedence/class";
  static pool& particles() {
    static pool p({sizeof(particle), alignof(particle)}, {});
    return p;
  }
  explicit particle(bool fails = false) {
    if (fails) throw 1;
  }
  double position[3] = {};
};

struct counted : managed<counted> {
  static constexpr const char* memory_tag = "precedence/class";
  virtual ~counted() = default;
  int value = 0;
};
struct counted_more : counted {
  char room[100] = {};
};

TEST(managed, takes_objects_from_the_manager_of_their_class) {
  static_assert(sizeof(particle) == 3 * sizeof(double));
  pool& pool = particle::particles();
  auto* const p = new particle;
  EXPECT_TRUE(pool.owns(p));
  EXPECT_EQ(pool.usage().live_blocks, 1u);
  delete p;
  EXPECT_EQ(pool.usage().live_blocks, 0u);
  EXPECT_THROW((void)new particle(true), int);
  EXPECT_EQ(pool.usage().live_blocks, 0u);
  delete static_cast<particle*>(nullptr);
  alignas(particle) std::byte room[sizeof(particle)];
  auto* const placed = new (room) particle;
  EXPECT_EQ(static_cast<void*>(placed), room);
  EXPECT_THROW((void)new particle[10], std::length_error);  // blocks of another size
}

TEST(managed, without_a_manager_counts_only) {
  counted* const one = new counted_more;
  delete one;
  auto* const many = new counted_more[3];
  delete[] many;
  struct alignas(64) wide : managed<wide> {
    char room[64];
  };
  auto* const w = new wide;
  EXPECT_TRUE(is_aligned(address_of(w), 64));
  delete w;
}

}  // namespace
}  // namespace ashlar
