// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "core/fields.h"
#include "core/json.h"

namespace gantry {

// Fills what `describe` describes from an object of a document. Strict: unknown keys, missing
// required keys, wrong types (nothing is converted) and values out of range are problems.
// Collects all problems, then throws one ConfigError, one line per problem:
//   PLACE: POINTER: reason, with the value found, the valid choices and the nearest valid one.
// "$schema" is allowed at the top, for editors.
void read_fields(const JsonDocument& document, const std::function<void(Fields&)>& describe);

// "a", "b" or "c".
std::string quoted_list(const std::vector<std::string>& names);
// The name that is a slip of the pen away from `word`; empty if none is.
std::string nearest_name(const std::string& word, const std::vector<std::string>& names);

}  // namespace gantry
