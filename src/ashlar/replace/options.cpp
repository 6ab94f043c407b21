// SPDX-License-Identifier: MIT
#include "ashlar/replace/options.hpp"

#include <signal.h>

#include <cstring>

#include "ashlar/os/diagnostic.hpp"

namespace ashlar::replace {

namespace {

constinit options process_options;

struct word {
  const char* data;
  std::size_t size;

  bool is(const char* text) const {
    return std::strlen(text) == size && std::memcmp(text, data, size) == 0;
  }
};

// Edit distance (Levenshtein), for names of at most 31 letters; 0 for an abbreviation.
std::size_t distance(word a, const char* b) {
  if (a.size >= 3 && std::strncmp(a.data, b, a.size) == 0) return 0;
  std::size_t row[32];
  const std::size_t length = std::strlen(b);
  for (std::size_t j = 0; j <= length; ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size; ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= length; ++j) {
      const std::size_t replaced = diagonal + (a.data[i - 1] != b[j - 1]);
      diagonal = row[j];
      const std::size_t inserted = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
      row[j] = replaced < inserted ? replaced : inserted;
    }
  }
  return row[length];
}

void report_unknown(word key) {
  const option_description* nearest = &option_table[0];
  for (const option_description& d : option_table)
    if (distance(key, d.name) < distance(key, nearest->name)) nearest = &d;
  os::line message;
  message.text("ashlar: unknown option '").text(key.data, key.size);
  message.text("' in ASHLAR_OPTIONS; did you mean '").text(nearest->name).text("'?");
  os::write_line(message);
}

void report_bad_value(const option_description& d, word value) {
  static constexpr const char* expected[] = {"0 or 1",
                                             "a number",
                                             "a size such as 64M",
                                             "abort, warn or ignore",
                                             "a path below 256 letters",
                                             "off, counters, sampled, full or debug",
                                             "off, back or front",
                                             "a time such as 10s or 500ms",
                                             "a signal such as USR1"};
  os::line message;
  message.text("ashlar: bad value '").text(value.data, value.size).text("' for option '");
  message.text(d.name).text("' in ASHLAR_OPTIONS; expected ");
  message.text(expected[static_cast<std::size_t>(d.kind)]);
  os::write_line(message);
}

bool parse_number(word value, std::uint64_t& number) {
  if (value.size == 0) return false;
  std::uint64_t n = 0;
  for (std::size_t i = 0; i < value.size; ++i) {
    const char c = value.data[i];
    if (c < '0' || c > '9' || __builtin_mul_overflow(n, 10, &n) ||
        __builtin_add_overflow(n, static_cast<std::uint64_t>(c - '0'), &n))
      return false;
  }
  number = n;
  return true;
}

bool parse_bytes(word value, std::size_t& bytes) {
  if (value.size == 0) return false;
  unsigned shift = 0;
  switch (value.data[value.size - 1]) {
    case 'k':
    case 'K': shift = 10; break;
    case 'm':
    case 'M': shift = 20; break;
    case 'g':
    case 'G': shift = 30; break;
    case 't':
    case 'T': shift = 40; break;
    default: break;
  }
  std::uint64_t number = 0;
  if (!parse_number({value.data, value.size - (shift != 0)}, number)) return false;
  if (number > (~std::uint64_t{0} >> shift)) return false;
  bytes = static_cast<std::size_t>(number << shift);
  return true;
}

bool parse_boolean(word value, bool& flag) {
  if (!value.is("0") && !value.is("1")) return false;
  flag = value.data[0] == '1';
  return true;
}

bool parse_policy(word value, fault_policy& policy) {
  if (value.is("abort"))
    policy = fault_policy::abort;
  else if (value.is("warn"))
    policy = fault_policy::warn;
  else if (value.is("ignore"))
    policy = fault_policy::ignore;
  else
    return false;
  return true;
}

bool parse_path(word value, char (&path)[256]) {
  if (value.size == 0 || value.size >= sizeof(path)) return false;
  std::memcpy(path, value.data, value.size);
  path[value.size] = 0;
  return true;
}

bool parse_level(word value, observe::track_level& level) {
  using observe::track_level;
  if (value.is("off"))
    level = track_level::off;
  else if (value.is("counters"))
    level = track_level::counters;
  else if (value.is("sampled"))
    level = track_level::sampled;
  else if (value.is("full"))
    level = track_level::full;
  else if (value.is("debug"))
    level = track_level::debug;
  else
    return false;
  return true;
}

// A size above 0.
bool parse_some_bytes(word value, std::size_t& size) {
  std::size_t read = 0;
  if (!parse_bytes(value, read) || read == 0) return false;
  size = read;
  return true;
}

bool parse_side(word value, page_protection& side) {
  if (value.is("off"))
    side = page_protection::off;
  else if (value.is("back"))
    side = page_protection::back;
  else if (value.is("front"))
    side = page_protection::front;
  else
    return false;
  return true;
}

// Seconds, unless `ms`, `m` or `h` follows.
bool parse_duration(word value, std::uint64_t& milliseconds) {
  struct unit {
    const char* name;
    std::uint64_t milliseconds;
  };
  static constexpr unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
  std::size_t digits = 0;
  while (digits < value.size && value.data[digits] >= '0' && value.data[digits] <= '9') ++digits;
  const word name = {value.data + digits, value.size - digits};
  std::uint64_t scale = name.size == 0 ? 1000 : 0;
  for (const unit& u : units)
    if (name.is(u.name)) scale = u.milliseconds;
  std::uint64_t number = 0;
  // Beyond a hundred years nanoseconds would not fit in a word.
  constexpr std::uint64_t most = 3'153'600'000'000;
  if (scale == 0 || !parse_number({value.data, digits}, number) || number > most / scale)
    return false;
  milliseconds = number * scale;
  return true;
}

// By its name or by its number, but for those that cannot be handled and those of crashes.
bool parse_signal(word value, std::uint64_t& number) {
  struct name {
    const char* text;
    int number;
  };
  static constexpr name names[] = {{"USR1", SIGUSR1}, {"USR2", SIGUSR2},   {"HUP", SIGHUP},
                                   {"QUIT", SIGQUIT}, {"WINCH", SIGWINCH}, {"URG", SIGURG},
                                   {"IO", SIGIO},     {"PWR", SIGPWR},     {"PROF", SIGPROF}};
  if (value.size > 3 && std::memcmp(value.data, "SIG", 3) == 0)
    value = {value.data + 3, value.size - 3};
  for (const name& n : names)
    if (value.is(n.text)) {
      number = static_cast<std::uint64_t>(n.number);
      return true;
    }
  std::uint64_t given = 0;
  if (!parse_number(value, given)) return false;
  bool fits = given >= static_cast<std::uint64_t>(SIGRTMIN) &&
              given <= static_cast<std::uint64_t>(SIGRTMAX);
  for (const name& n : names) fits = fits || given == static_cast<std::uint64_t>(n.number);
  if (fits) number = given;
  return fits;
}

bool parse_log_size(word value, std::size_t& size) {
  std::size_t read = 0;
  if (!parse_bytes(value, read) || read < 1_MiB) return false;
  size = read;
  return true;
}

// As many frames as the tracker remembers, and a few less.
bool parse_frames(word value, std::uint64_t& frames) {
  std::uint64_t read = 0;
  if (!parse_number(value, read) || read > 1000) return false;
  static_assert(observe::tracker::frames_kept > 1002);
  frames = read;
  return true;
}

bool assign(word key, word value, options& o) {
  if (key.is("faults")) return parse_policy(value, o.faults);
  if (key.is("soft_limit")) return parse_bytes(value, o.soft_limit);
  if (key.is("hard_limit")) return parse_bytes(value, o.hard_limit);
  if (key.is("cgroup")) return parse_boolean(value, o.cgroup);
  if (key.is("release_at_exit")) return parse_boolean(value, o.release_at_exit);
  if (key.is("snapshot")) return parse_path(value, o.snapshot);
  if (key.is("follow")) return o.follow_is_given = parse_boolean(value, o.follow);
  if (key.is("track")) return parse_level(value, o.track);
  if (key.is("sample")) return parse_some_bytes(value, o.sample);
  if (key.is("sample_up_to")) return parse_bytes(value, o.sample_up_to);
  if (key.is("depth")) return parse_number(value, o.depth);
  if (key.is("exact_peaks")) return parse_boolean(value, o.exact_peaks);
  if (key.is("capture")) return parse_path(value, o.capture);
  if (key.is("capture_every")) return parse_duration(value, o.capture_every);
  if (key.is("capture_signal")) return parse_signal(value, o.capture_signal);
  if (key.is("capture_on_crash")) return parse_boolean(value, o.capture_on_crash);
  if (key.is("capture_on_termination")) return parse_boolean(value, o.capture_on_termination);
  if (key.is("guard")) return parse_bytes(value, o.debug.guard);
  if (key.is("fill")) return parse_bytes(value, o.debug.fill);
  if (key.is("quarantine")) return parse_bytes(value, o.debug.quarantine);
  if (key.is("protect")) return parse_side(value, o.debug.protect);
  if (key.is("check_every")) return parse_number(value, o.debug.check_every);
  if (key.is("header")) return parse_boolean(value, o.debug.header);
  if (key.is("most_frames")) return parse_frames(value, o.debug.most_frames);
  if (key.is("log")) return o.debug.log = parse_path(value, o.log);
  if (key.is("log_size")) return parse_log_size(value, o.log_size);
  if (key.is("fail_at")) return parse_number(value, o.fail_at);
  return parse_number(value, o.fail_every);  // the table has no further name
}

void parse_one(word key, word value, options& o) {
  for (const option_description& d : option_table) {
    if (!key.is(d.name)) continue;
    if (!assign(key, value, o)) report_bad_value(d, value);
    return;
  }
  report_unknown({key.data, key.size < 31 ? key.size : 31});
}

}  // namespace

void parse_options(const char* text, options& o) noexcept {
  while (*text != 0) {
    const std::size_t size = std::strcspn(text, ",");
    const std::size_t key_size = std::strcspn(text, "=,");
    if (size != 0) {
      const word value =
          key_size < size ? word{text + key_size + 1, size - key_size - 1} : word{text + size, 0};
      parse_one({text, key_size}, value, o);
    }
    text += size;
    if (*text == ',') ++text;
  }
}

const options& current_options() noexcept { return process_options; }

void set_current_options(const options& o) noexcept { process_options = o; }

}  // namespace ashlar::replace
