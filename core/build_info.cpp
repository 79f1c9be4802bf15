// SPDX-License-Identifier: Apache-2.0
#include "core/build_info.h"

namespace gantry {

const char* build_version() { return GANTRY_VERSION; }
const char* build_compiler() { return GANTRY_COMPILER; }
const char* build_type() { return GANTRY_BUILD_TYPE; }

}  // namespace gantry
