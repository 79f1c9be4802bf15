// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "core/fields_ranges.h"
#include "core/fields_shape.h"
#include "core/fields_writer.h"

namespace gantry {
namespace {

using FieldKind = FieldShape::Kind;

JsonValue typed(const char* type) {
  JsonValue schema = JsonValue::object();
  schema.add("type", JsonValue::of(type));
  return schema;
}

JsonValue integer_schema(const IntRange& range) {
  JsonValue schema = typed("integer");
  if (bounded_below(range)) schema.add("minimum", JsonValue::of(range.min));
  if (bounded_above(range)) schema.add("maximum", JsonValue::of(range.max));
  return schema;
}

JsonValue real_schema(const RealRange& range) {
  JsonValue schema = typed("number");
  schema.add(range.open_min ? "exclusiveMinimum" : "minimum", JsonValue::of(range.min));
  schema.add(range.open_max ? "exclusiveMaximum" : "maximum", JsonValue::of(range.max));
  return schema;
}

JsonValue list_schema(JsonValue items, size_t min_items, size_t max_items) {
  JsonValue schema = typed("array");
  schema.add("items", std::move(items));
  schema.add("minItems", JsonValue::of(static_cast<int64_t>(min_items)));
  schema.add("maxItems", JsonValue::of(static_cast<int64_t>(max_items)));
  return schema;
}

JsonValue any_of(std::vector<JsonValue> choices) {
  JsonValue list = JsonValue::array();
  list.items = std::move(choices);
  JsonValue schema = JsonValue::object();
  schema.add("anyOf", std::move(list));
  return schema;
}

JsonValue names_schema(const std::vector<std::string>& names) {
  JsonValue schema = JsonValue::object();
  schema.add("enum", json_of(names));
  return schema;
}

JsonValue padding_schema() {
  const JsonValue size = integer_schema({.min = 0, .max = kMaxPadding});
  return any_of(
      {size, list_schema(size, 2, 2), list_schema(size, 4, 4), names_schema({"same", "valid"})});
}

JsonValue object_schema(const ObjectShape& shape);

JsonValue bare_schema(const FieldShape& field) {
  switch (field.kind) {
    case FieldKind::kInteger:
      return integer_schema(field.integers);
    case FieldKind::kReal:
      return real_schema(field.reals);
    case FieldKind::kOptionalReal:
      return any_of({real_schema(field.reals), typed("null")});
    case FieldKind::kFlag:
      return typed("boolean");
    case FieldKind::kText:
      return typed("string");
    case FieldKind::kIntegers:
      return list_schema(integer_schema(field.integers), field.min_items, field.max_items);
    case FieldKind::kReals:
      return list_schema(real_schema(field.reals), field.min_items, field.max_items);
    case FieldKind::kTexts:
      return list_schema(typed("string"), field.min_items, field.max_items);
    case FieldKind::kPair: {
      const JsonValue size = integer_schema(field.integers);
      return any_of({size, list_schema(size, 2, 2)});
    }
    case FieldKind::kPadding:
      return padding_schema();
    case FieldKind::kChoice:
      return names_schema(field.names);
    case FieldKind::kObject:
      return object_schema(*field.inner);
    case FieldKind::kList: {
      JsonValue schema = typed("array");
      schema.add("items", object_schema(*field.inner));
      return schema;
    }
  }
  return JsonValue::object();
}

JsonValue field_schema(const FieldShape& field) {
  JsonValue schema = bare_schema(field);
  schema.add("description", JsonValue::of(field.doc));
  const bool has_default = !field.required && field.kind != FieldKind::kObject;
  if (has_default) schema.add("default", field.initial);
  return schema;
}

void collect_keys(const ObjectShape& shape, std::vector<std::string>& keys) {
  for (const FieldShape& field : shape.fields) {
    if (std::find(keys.begin(), keys.end(), field.key) == keys.end()) keys.push_back(field.key);
  }
  for (const VariantShape& variant : shape.variants) {
    for (const ObjectShape& alternative : variant.alternatives) collect_keys(alternative, keys);
  }
}

// properties, required and allOf of a shape. `forbidden`: keys of other alternatives.
void add_members(JsonValue& schema, const ObjectShape& shape,
                 const std::vector<std::string>& forbidden);

// if the tag says `name`, then the keys of that alternative hold, and none of the others'.
JsonValue branch(const FieldShape& tag, const VariantShape& variant, size_t index) {
  JsonValue constant = JsonValue::object();
  constant.add("const", JsonValue::of(tag.names[index]));
  JsonValue properties = JsonValue::object();
  properties.add(tag.key, std::move(constant));
  JsonValue condition = JsonValue::object();
  condition.add("properties", std::move(properties));
  if (tag.names[index] != variant.initial) {
    condition.add("required", json_of(std::vector<std::string>{tag.key}));
  }
  std::vector<std::string> own, others;
  collect_keys(variant.alternatives[index], own);
  for (const ObjectShape& alternative : variant.alternatives) collect_keys(alternative, others);
  std::erase_if(others, [&](const std::string& key) {
    return std::find(own.begin(), own.end(), key) != own.end();
  });
  JsonValue consequence = JsonValue::object();
  add_members(consequence, variant.alternatives[index], others);
  JsonValue both = JsonValue::object();
  both.add("if", std::move(condition));
  both.add("then", std::move(consequence));
  return both;
}

void add_members(JsonValue& schema, const ObjectShape& shape,
                 const std::vector<std::string>& forbidden) {
  JsonValue properties = JsonValue::object();
  std::vector<std::string> required, all;
  for (const FieldShape& field : shape.fields) {
    properties.add(field.key, field_schema(field));
    if (field.required) required.push_back(field.key);
  }
  collect_keys(shape, all);
  for (const std::string& key : all) {
    if (properties.find(key) == nullptr) properties.add(key, JsonValue::of(true));
  }
  for (const std::string& key : forbidden) properties.add(key, JsonValue::of(false));
  schema.add("properties", std::move(properties));
  if (!required.empty()) schema.add("required", json_of(required));
  JsonValue branches = JsonValue::array();
  for (const VariantShape& variant : shape.variants) {
    const FieldShape& tag = shape.fields[variant.tag];
    for (size_t i = 0; i < tag.names.size(); ++i) branches.items.push_back(branch(tag, variant, i));
  }
  if (!branches.items.empty()) schema.add("allOf", std::move(branches));
}

JsonValue object_schema(const ObjectShape& shape) {
  JsonValue schema = typed("object");
  add_members(schema, shape, {});
  schema.add("additionalProperties", JsonValue::of(false));
  return schema;
}

}  // namespace

JsonValue schema_of(const ObjectShape& shape, const std::string& title) {
  JsonValue schema = JsonValue::object();
  schema.add("$schema", JsonValue::of("http://json-schema.org/draft-07/schema#"));
  schema.add("title", JsonValue::of(title));
  JsonValue object = object_schema(shape);
  object.find("properties")->add("$schema", typed("string"));
  for (auto& [key, value] : object.members) schema.add(key, std::move(value));
  return schema;
}

}  // namespace gantry
