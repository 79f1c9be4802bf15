// SPDX-License-Identifier: Apache-2.0
#include "core/fields_writer.h"

#include <charconv>

namespace gantry {
namespace {

class ObjectWriter final : public Fields {
 public:
  JsonValue take() { return std::move(object_); }

  void integer(const Field& field, int64_t& value, const IntRange&) override {
    object_.add(field.key, JsonValue::of(value));
  }
  void real(const Field& field, double& value, const RealRange&) override {
    object_.add(field.key, json_of(value));
  }
  void optional_real(const Field& field, std::optional<double>& value, const RealRange&) override {
    object_.add(field.key, json_of(value));
  }
  void flag(const Field& field, bool& value) override {
    object_.add(field.key, JsonValue::of(value));
  }
  void text(const Field& field, std::string& value) override {
    object_.add(field.key, JsonValue::of(value));
  }
  void integers(const Field& field, std::vector<int64_t>& values, const IntRange&, size_t,
                size_t) override {
    object_.add(field.key, json_of(values));
  }
  void reals(const Field& field, std::vector<double>& values, const RealRange&, size_t,
             size_t) override {
    object_.add(field.key, json_of(values));
  }
  void texts(const Field& field, std::vector<std::string>& values, size_t, size_t) override {
    object_.add(field.key, json_of(values));
  }
  void pair(const Field& field, std::array<int64_t, 2>& value, const IntRange&) override {
    object_.add(field.key, json_of(value));
  }
  void padding(const Field& field, Padding& value) override {
    object_.add(field.key, json_of(value));
  }
  void choice(const Field& field, size_t& value, std::span<const char* const> names) override {
    object_.add(field.key, JsonValue::of(names[value]));
  }
  void object(const Field& field, const std::function<void(Fields&)>& describe,
              bool* present) override {
    if (present != nullptr && !*present) return;
    JsonValue inner = write_fields(describe);
    // An optional section that is there says something even when it is empty.
    if (present != nullptr || !inner.members.empty()) object_.add(field.key, std::move(inner));
  }
  void list(const Field& field, size_t size, const std::function<void(size_t)>&,
            const std::function<void(size_t, Fields&)>& describe) override {
    JsonValue items = JsonValue::array();
    for (size_t i = 0; i < size; ++i) {
      items.items.push_back(write_fields([&](Fields& f) { describe(i, f); }));
    }
    object_.add(field.key, std::move(items));
  }
  void variant(const Field& tag, std::string& selected, std::span<const char* const>,
               const std::function<void(const std::string&)>&,
               const std::function<void(Fields&)>& describe) override {
    // First, as people write it.
    object_.members.insert(object_.members.begin() + tags_++, {tag.key, JsonValue::of(selected)});
    describe(*this);
  }
  void require(bool, const char*, const std::string&) override {}

 private:
  JsonValue object_ = JsonValue::object();
  std::ptrdiff_t tags_ = 0;
};

}  // namespace

JsonValue write_fields(const std::function<void(Fields&)>& describe) {
  ObjectWriter writer;
  describe(writer);
  return writer.take();
}

JsonValue json_of(const std::array<int64_t, 2>& pair) {
  if (pair[0] == pair[1]) return JsonValue::of(pair[0]);
  return json_of(std::vector<int64_t>{pair[0], pair[1]});
}

JsonValue json_of(const Padding& padding) {
  if (padding.same) return JsonValue::of("same");
  if (padding.top != padding.bottom || padding.left != padding.right) {
    return json_of(std::vector<int64_t>{padding.top, padding.bottom, padding.left, padding.right});
  }
  return json_of(std::array<int64_t, 2>{padding.top, padding.left});
}

JsonValue json_of(double value) {
  const auto narrow = static_cast<float>(value);
  if (static_cast<double>(narrow) != value) return JsonValue::of(value);
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, narrow).ptr;
  double read = value;
  std::from_chars(text, end, read);
  return JsonValue::of(read);
}

JsonValue json_of(const std::optional<double>& value) {
  return value ? json_of(*value) : JsonValue();
}

}  // namespace gantry
