// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/fields.h"
#include "core/json.h"

namespace gantry {

struct ObjectShape;

// What a description says of one key, values aside: what schema and reference are made from.
struct FieldShape {
  enum class Kind : uint8_t {
    kInteger,
    kReal,
    kOptionalReal,
    kFlag,
    kText,
    kIntegers,
    kReals,
    kTexts,
    kPair,
    kPadding,
    kChoice,
    kObject,
    kList,
  };
  Kind kind = Kind::kText;
  std::string key, doc;
  bool required = false;
  IntRange integers;
  RealRange reals;
  size_t min_items = 0, max_items = 0;
  std::vector<std::string> names;      // choice
  JsonValue initial;                   // what an absent key means; not of objects
  std::shared_ptr<ObjectShape> inner;  // object, and each item of a list
};

// Keys that depend on the value of the key fields[tag].
struct VariantShape {
  size_t tag = 0;
  std::string initial;  // the alternative when the tag is absent; empty if it must be given
  std::vector<ObjectShape> alternatives;  // one per name of the tag
};

struct ObjectShape {
  std::vector<FieldShape> fields;
  std::vector<VariantShape> variants;
};

// Runs a description of default values. Changes what it describes: give it a scratch copy.
ObjectShape shape_of(const std::function<void(Fields&)>& describe);

// JSON Schema (draft 7) of a shape; "$schema" is allowed at the top, as in read_fields.
JsonValue schema_of(const ObjectShape& shape, const std::string& title);

// Markdown: a table of keys per object, under headings that name its place ("optimizer.g").
std::string reference_of(const ObjectShape& shape);

}  // namespace gantry
