// SPDX-License-Identifier: Apache-2.0
#include "core/fields_reader.h"

#include <algorithm>

#include "core/error.h"
#include "core/fields_ranges.h"
#include "core/fields_values.h"

namespace gantry {
namespace {

using Kind = JsonValue::Kind;

constexpr size_t kMaxProblems = 20;

// Reads the keys of one object; the destructor does nothing, finish() reports what is left over.
class ObjectReader final : public Fields {
 public:
  ObjectReader(ValueReader& values, const JsonValue& object, std::string pointer)
      : values_(values),
        object_(object),
        pointer_(std::move(pointer)),
        problems_before_(values.problems().size()) {
    if (pointer_.empty()) valid_.emplace_back("$schema");
  }

  void finish();

  void integer(const Field& field, int64_t& value, const IntRange& range) override {
    if (const JsonValue* v = take(field)) values_.read_integer(*v, at(field), value, range);
  }
  void real(const Field& field, double& value, const RealRange& range) override {
    if (const JsonValue* v = take(field)) values_.read_real(*v, at(field), value, range);
  }
  void optional_real(const Field& field, std::optional<double>& value,
                     const RealRange& range) override;
  void flag(const Field& field, bool& value) override;
  void text(const Field& field, std::string& value) override {
    if (const JsonValue* v = take(field)) values_.read_text(*v, at(field), value);
  }
  void integers(const Field& field, std::vector<int64_t>& values, const IntRange& range,
                size_t min_items, size_t max_items) override {
    read_items(field, values, min_items, max_items, "integers",
               [&](const JsonValue& v, const std::string& pointer, int64_t& out) {
                 return values_.read_integer(v, pointer, out, range);
               });
  }
  void reals(const Field& field, std::vector<double>& values, const RealRange& range,
             size_t min_items, size_t max_items) override {
    read_items(field, values, min_items, max_items, "numbers",
               [&](const JsonValue& v, const std::string& pointer, double& out) {
                 return values_.read_real(v, pointer, out, range);
               });
  }
  void texts(const Field& field, std::vector<std::string>& values, size_t min_items,
             size_t max_items) override {
    read_items(field, values, min_items, max_items, "strings",
               [&](const JsonValue& v, const std::string& pointer, std::string& out) {
                 return values_.read_text(v, pointer, out);
               });
  }
  void pair(const Field& field, std::array<int64_t, 2>& value, const IntRange& range) override;
  void padding(const Field& field, Padding& value) override;
  void choice(const Field& field, size_t& value, std::span<const char* const> names) override;
  void object(const Field& field, const std::function<void(Fields&)>& describe,
              bool* present) override;
  void list(const Field& field, size_t size, const std::function<void(size_t)>& resize,
            const std::function<void(size_t, Fields&)>& describe) override;
  void variant(const Field& tag, std::string& selected, std::span<const char* const> names,
               const std::function<void(const std::string&)>& select,
               const std::function<void(Fields&)>& describe) override;
  void require(bool ok, const char* key, const std::string& reason) override {
    if (!ok) unmet_.push_back({key, reason});
  }

 private:
  // The value of a key, marked as known; null if it is absent.
  const JsonValue* take(const Field& field) {
    valid_.emplace_back(field.key);
    const JsonValue* value = object_.find(field.key);
    if (value == nullptr && field.required) missing_.push_back({field.key, field.doc});
    return value;
  }
  std::string at(const Field& field) const { return pointer_step(pointer_, field.key); }

  template <typename T, typename ReadItem>
  void read_items(const Field& field, std::vector<T>& values, size_t min_items, size_t max_items,
                  const char* what, const ReadItem& read_item) {
    const JsonValue* v = take(field);
    if (v == nullptr) return;
    const std::string wanted = concat("a list of ", items_text(min_items, max_items), what);
    if (v->kind != Kind::kArray) return values_.wrong(*v, at(field), wanted);
    if (v->items.size() < min_items || v->items.size() > max_items) {
      return values_.add_problem(
          *v, at(field), concat("must be ", wanted, ", found ", v->items.size(), ": ", shown(*v)));
    }
    std::vector<T> read(v->items.size());
    bool good = true;
    for (size_t i = 0; i < read.size(); ++i) {
      good &= read_item(v->items[i], pointer_step(at(field), i), read[i]);
    }
    if (good) values = std::move(read);
  }

  struct Unmet {
    std::string key, reason;
  };
  ValueReader& values_;
  const JsonValue& object_;
  std::string pointer_;
  size_t problems_before_;
  std::vector<std::string> valid_;
  std::vector<Unmet> missing_, unmet_;
  std::string alternative_;  // " of type "adam"", for messages
  bool unknown_alternative_ = false;
};

void ObjectReader::optional_real(const Field& field, std::optional<double>& value,
                                 const RealRange& range) {
  const JsonValue* v = take(field);
  if (v == nullptr) return;
  double number = 0;
  if (v->kind == Kind::kNull) {
    value.reset();
  } else if (values_.read_real(*v, at(field), number, range)) {
    value = number;
  }
}

void ObjectReader::flag(const Field& field, bool& value) {
  const JsonValue* v = take(field);
  if (v == nullptr) return;
  if (v->kind != Kind::kBool) return values_.wrong(*v, at(field), "true or false");
  value = v->boolean;
}

void ObjectReader::pair(const Field& field, std::array<int64_t, 2>& value, const IntRange& range) {
  const JsonValue* v = take(field);
  if (v == nullptr) return;
  const bool is_list = v->kind == Kind::kArray && v->items.size() == 2;
  if (!is_list && v->kind != Kind::kInteger) {
    return values_.wrong(*v, at(field), "an integer or [vertical, horizontal]");
  }
  std::array<int64_t, 2> read{};
  bool good = true;
  for (size_t i = 0; i < 2 && good; ++i) {
    good = is_list ? values_.read_integer(v->items[i], pointer_step(at(field), i), read[i], range)
                   : values_.read_integer(*v, at(field), read[i], range);
  }
  if (good) value = read;
}

void ObjectReader::padding(const Field& field, Padding& value) {
  constexpr IntRange kSizes{.min = 0, .max = kMaxPadding};
  const JsonValue* v = take(field);
  if (v == nullptr) return;
  if (v->kind == Kind::kString && (v->string == "same" || v->string == "valid")) {
    value = {.same = v->string == "same"};
    return;
  }
  std::vector<int64_t> sizes(v->kind == Kind::kArray ? v->items.size() : 1);
  const bool is_list = v->kind == Kind::kArray && (sizes.size() == 2 || sizes.size() == 4);
  if (!is_list && v->kind != Kind::kInteger) {
    return values_.wrong(
        *v, at(field),
        "an integer, [vertical, horizontal], [top, bottom, left, right], \"same\" or "
        "\"valid\"");
  }
  bool good = true;
  for (size_t i = 0; i < sizes.size(); ++i) {
    good &= is_list
                ? values_.read_integer(v->items[i], pointer_step(at(field), i), sizes[i], kSizes)
                : values_.read_integer(*v, at(field), sizes[i], kSizes);
  }
  if (!good) return;
  if (sizes.size() == 4) {
    value = {false, sizes[0], sizes[1], sizes[2], sizes[3]};
  } else {
    value = {false, sizes.front(), sizes.front(), sizes.back(), sizes.back()};
  }
}

void ObjectReader::choice(const Field& field, size_t& value, std::span<const char* const> names) {
  const JsonValue* v = take(field);
  if (v == nullptr) return;
  const size_t index = values_.read_name(*v, at(field), names);
  if (index != std::string::npos) value = index;
}

void ObjectReader::object(const Field& field, const std::function<void(Fields&)>& describe,
                          bool* present) {
  const JsonValue* v = take(field);
  if (present != nullptr) *present = v != nullptr;
  if (v == nullptr) return;
  if (v->kind != Kind::kObject) return values_.wrong(*v, at(field), "an object");
  ObjectReader inner(values_, *v, at(field));
  describe(inner);
  inner.finish();
}

void ObjectReader::list(const Field& field, size_t, const std::function<void(size_t)>& resize,
                        const std::function<void(size_t, Fields&)>& describe) {
  const JsonValue* v = take(field);
  if (v == nullptr) return;
  if (v->kind != Kind::kArray) return values_.wrong(*v, at(field), "a list of objects");
  resize(v->items.size());
  for (size_t i = 0; i < v->items.size(); ++i) {
    const std::string pointer = pointer_step(at(field), i);
    if (v->items[i].kind != Kind::kObject) {
      values_.wrong(v->items[i], pointer, "an object");
      continue;
    }
    ObjectReader inner(values_, v->items[i], pointer);
    describe(i, inner);
    inner.finish();
  }
}

void ObjectReader::variant(const Field& tag, std::string& selected,
                           std::span<const char* const> names,
                           const std::function<void(const std::string&)>& select,
                           const std::function<void(Fields&)>& describe) {
  const JsonValue* v = take(tag);
  if (v == nullptr && tag.required) {
    missing_.back().reason += " One of " + quoted_list({names.begin(), names.end()}) + ".";
    unknown_alternative_ = true;
    return;
  }
  if (v != nullptr) {
    const size_t index = values_.read_name(*v, at(tag), names);
    unknown_alternative_ |= index == std::string::npos;
    if (index == std::string::npos) return;
    selected = names[index];
  }
  // Kept apart: select() may change what `selected` refers to.
  const std::string name = selected;
  alternative_ += concat(alternative_.empty() ? " for " : ", ", tag.key, " \"", name, "\"");
  select(name);
  describe(*this);
}

void ObjectReader::finish() {
  for (const auto& [key, value] : object_.members) {
    const bool known = std::find(valid_.begin(), valid_.end(), key) != valid_.end();
    // Which other keys are valid depends on the alternative that could not be read.
    if (known || unknown_alternative_) continue;
    std::vector<std::string> valid(valid_.begin() + (pointer_.empty() ? 1 : 0), valid_.end());
    const std::string nearest = nearest_name(key, valid);
    values_.add_problem(value, pointer_step(pointer_, key),
                        concat("unknown key", alternative_,
                               nearest.empty() ? "" : concat(", did you mean \"", nearest, "\"?"),
                               "; valid keys: ", quoted_list(valid)));
  }
  for (const Unmet& key : missing_) {
    values_.add_problem(object_, pointer_,
                        concat("missing key \"", key.key, "\", which must be given: ", key.reason));
  }
  // Rules between keys make sense once each key does.
  if (values_.problems().size() > problems_before_) return;
  for (const Unmet& rule : unmet_) {
    const JsonValue* value = object_.find(rule.key);
    values_.add_problem(
        value != nullptr ? *value : object_, pointer_step(pointer_, rule.key),
        value != nullptr ? concat(rule.reason, ", found ", shown(*value)) : rule.reason);
  }
}

}  // namespace

void read_fields(const JsonDocument& document, const std::function<void(Fields&)>& describe) {
  ValueReader values(document);
  if (document.root.kind != Kind::kObject) {
    values.wrong(document.root, "", "an object");
  } else {
    ObjectReader reader(values, document.root, "");
    describe(reader);
    reader.finish();
  }
  const std::vector<std::string>& problems = values.problems();
  if (problems.empty()) return;
  std::string message;
  for (size_t i = 0; i < std::min(problems.size(), kMaxProblems); ++i) {
    message += (i > 0 ? "\n" : "") + problems[i];
  }
  if (problems.size() > kMaxProblems) {
    message += concat("\n", document.sources[0], ": and ", problems.size() - kMaxProblems,
                      " more problems");
  }
  throw ConfigError(message);
}

}  // namespace gantry
