// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace gantry {

// One key of a config object. `doc` is one sentence; it is what the reference shows.
struct Field {
  const char* key;
  const char* doc;
  bool required = false;
};

// Accepted numbers: min <= x <= max, or strictly inside where `open` says so. Never NaN or inf;
// by default whatever a 32-bit float can hold, since that is what kernels compute with.
struct RealRange {
  double min = -std::numeric_limits<float>::max();
  double max = std::numeric_limits<float>::max();
  bool open_min = false, open_max = false;
};
struct IntRange {
  int64_t min = std::numeric_limits<int64_t>::min();
  int64_t max = std::numeric_limits<int64_t>::max();
};

// Space around an image, as configs write it: an integer, [vertical, horizontal],
// [top, bottom, left, right], "valid" (none) or "same" (output = ceil(size / stride), the odd row
// or column at the bottom/right: Keras).
struct Padding {
  bool same = false;
  int64_t top = 0, bottom = 0, left = 0, right = 0;
};

// A config struct describes itself once,
//   void describe(Fields& f) { f.real({"lr", "Learning rate."}, lr, {.min = 0}); ... }
// and every reader of that description does its job with it: the strict JSON reader fills the
// members, the writer prints the resolved config, the schema and reference generators never touch
// the values except to show them as defaults. The value a member has before reading is its default.
class Fields {
 public:
  virtual ~Fields() = default;

  virtual void integer(const Field&, int64_t& value, const IntRange& = {}) = 0;
  virtual void real(const Field&, double& value, const RealRange& = {}) = 0;
  // A number or null; null and absence are the same.
  virtual void optional_real(const Field&, std::optional<double>& value, const RealRange& = {}) = 0;
  virtual void flag(const Field&, bool& value) = 0;
  virtual void text(const Field&, std::string& value) = 0;
  virtual void integers(const Field&, std::vector<int64_t>& values, const IntRange&,
                        size_t min_items, size_t max_items) = 0;
  virtual void reals(const Field&, std::vector<double>& values, const RealRange&, size_t min_items,
                     size_t max_items) = 0;
  virtual void texts(const Field&, std::vector<std::string>& values, size_t min_items,
                     size_t max_items) = 0;
  // An integer for both, or [vertical, horizontal].
  virtual void pair(const Field&, std::array<int64_t, 2>& value, const IntRange&) = 0;
  virtual void padding(const Field&, Padding& value) = 0;
  // One of `names`; value is the index.
  virtual void choice(const Field&, size_t& value, std::span<const char* const> names) = 0;
  // A nested object. `present`, if given, says whether the key is there (optional sections).
  virtual void object(const Field&, const std::function<void(Fields&)>& describe,
                      bool* present = nullptr) = 0;
  // An array of objects. `resize(n)` makes n elements, `describe(i, f)` describes element i;
  // generators call resize(1) on a scratch copy to learn the shape of an element.
  virtual void list(const Field&, size_t size, const std::function<void(size_t)>& resize,
                    const std::function<void(size_t, Fields&)>& describe) = 0;
  // Inside an object: the key `tag.key` selects which alternative the rest of the object is.
  // `select(name)` switches to an alternative (one of `names`) and sets its defaults, after which
  // `describe` describes it. Called with `selected` itself when the key is absent; never by
  // writers.
  virtual void variant(const Field& tag, std::string& selected, std::span<const char* const> names,
                       const std::function<void(const std::string&)>& select,
                       const std::function<void(Fields&)>& describe) = 0;
  // Rejects the value of `key` with a reason, after reading: f.require(ok, "kernel", "must be
  // odd"). Readers turn it into a ConfigError with file, pointer and value; others ignore it.
  virtual void require(bool ok, const char* key, const std::string& reason) = 0;

  template <typename Enum>
  void choice_of(const Field& field, Enum& value, std::span<const char* const> names) {
    size_t index = static_cast<size_t>(value);
    choice(field, index, names);
    value = static_cast<Enum>(index);
  }
};

}  // namespace gantry
