// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace gantry {

struct UpdateCase {
  std::string name;
  std::string config;  // JSON
};

inline std::ostream& operator<<(std::ostream& out, const UpdateCase& c) { return out << c.name; }

// Games on samples of 6x6 of every objective and penalty, whose discriminators have between them
// every layer type. What a config says and a kernel keeps in float32 is a float32 number here.
std::vector<UpdateCase> golden_update_cases();

}  // namespace gantry
