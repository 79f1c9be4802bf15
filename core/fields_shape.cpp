// SPDX-License-Identifier: Apache-2.0
#include "core/fields_shape.h"

#include "core/fields_writer.h"

namespace gantry {
namespace {

using FieldKind = FieldShape::Kind;

class ShapeCollector final : public Fields {
 public:
  ObjectShape take() { return std::move(shape_); }

  void integer(const Field& field, int64_t& value, const IntRange& range) override {
    add(field, FieldKind::kInteger, JsonValue::of(value)).integers = range;
  }
  void real(const Field& field, double& value, const RealRange& range) override {
    add(field, FieldKind::kReal, json_of(value)).reals = range;
  }
  void optional_real(const Field& field, std::optional<double>& value,
                     const RealRange& range) override {
    add(field, FieldKind::kOptionalReal, json_of(value)).reals = range;
  }
  void flag(const Field& field, bool& value) override {
    add(field, FieldKind::kFlag, JsonValue::of(value));
  }
  void text(const Field& field, std::string& value) override {
    add(field, FieldKind::kText, JsonValue::of(value));
  }
  void integers(const Field& field, std::vector<int64_t>& values, const IntRange& range,
                size_t min_items, size_t max_items) override {
    FieldShape& shape = add(field, FieldKind::kIntegers, json_of(values));
    shape.integers = range;
    set_items(shape, min_items, max_items);
  }
  void reals(const Field& field, std::vector<double>& values, const RealRange& range,
             size_t min_items, size_t max_items) override {
    FieldShape& shape = add(field, FieldKind::kReals, json_of(values));
    shape.reals = range;
    set_items(shape, min_items, max_items);
  }
  void texts(const Field& field, std::vector<std::string>& values, size_t min_items,
             size_t max_items) override {
    set_items(add(field, FieldKind::kTexts, json_of(values)), min_items, max_items);
  }
  void pair(const Field& field, std::array<int64_t, 2>& value, const IntRange& range) override {
    add(field, FieldKind::kPair, json_of(value)).integers = range;
  }
  void padding(const Field& field, Padding& value) override {
    add(field, FieldKind::kPadding, json_of(value));
  }
  void choice(const Field& field, size_t& value, std::span<const char* const> names) override {
    add(field, FieldKind::kChoice, JsonValue::of(names[value])).names = {names.begin(),
                                                                         names.end()};
  }
  void object(const Field& field, const std::function<void(Fields&)>& describe, bool*) override {
    auto inner = std::make_shared<ObjectShape>(shape_of(describe));
    add(field, FieldKind::kObject, JsonValue()).inner = std::move(inner);
  }
  void list(const Field& field, size_t, const std::function<void(size_t)>& resize,
            const std::function<void(size_t, Fields&)>& describe) override {
    resize(1);
    auto inner = std::make_shared<ObjectShape>(shape_of([&](Fields& f) { describe(0, f); }));
    resize(0);
    add(field, FieldKind::kList, JsonValue::array()).inner = std::move(inner);
  }
  void variant(const Field& tag, std::string& selected, std::span<const char* const> names,
               const std::function<void(const std::string&)>& select,
               const std::function<void(Fields&)>& describe) override {
    const std::string initial = selected;
    VariantShape variant;
    variant.tag = shape_.fields.size();
    if (!tag.required) variant.initial = initial;
    add(tag, FieldKind::kChoice, JsonValue::of(initial)).names = {names.begin(), names.end()};
    for (const char* name : names) {
      select(name);
      variant.alternatives.push_back(shape_of(describe));
    }
    if (!initial.empty()) select(initial);
    shape_.variants.push_back(std::move(variant));
  }
  void require(bool, const char*, const std::string&) override {}

 private:
  FieldShape& add(const Field& field, FieldKind kind, JsonValue initial) {
    FieldShape shape;
    shape.kind = kind;
    shape.key = field.key;
    shape.doc = field.doc;
    shape.required = field.required;
    shape.initial = std::move(initial);
    shape_.fields.push_back(std::move(shape));
    return shape_.fields.back();
  }
  static void set_items(FieldShape& shape, size_t min_items, size_t max_items) {
    shape.min_items = min_items;
    shape.max_items = max_items;
  }

  ObjectShape shape_;
};

}  // namespace

ObjectShape shape_of(const std::function<void(Fields&)>& describe) {
  ShapeCollector collector;
  describe(collector);
  return collector.take();
}

}  // namespace gantry
