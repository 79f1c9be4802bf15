// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gantry {

const char* build_version();   // "0.1.0"
const char* build_compiler();  // "GNU 12.2.0"
const char* build_type();      // "Release"

}  // namespace gantry
