// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "core/fields.h"
#include "core/json.h"

namespace gantry {

// The described values as JSON, every key present, empty objects aside: reading it back gives the
// same values. `describe` is called once and may not be const, but nothing is changed.
JsonValue write_fields(const std::function<void(Fields&)>& describe);

// A value in the shortest form that configs accept.
// Of a float that came as a double: 0.2, not 0.20000000298.
JsonValue json_of(double value);
JsonValue json_of(const std::array<int64_t, 2>& pair);
JsonValue json_of(const Padding& padding);
JsonValue json_of(const std::optional<double>& value);
template <typename T>
JsonValue json_of(const std::vector<T>& values) {
  JsonValue list = JsonValue::array();
  for (const T& value : values) list.items.push_back(JsonValue::of(value));
  return list;
}

}  // namespace gantry
