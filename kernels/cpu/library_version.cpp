// SPDX-License-Identifier: Apache-2.0
#include <dnnl.hpp>

#include "core/error.h"
#include "kernels/cpu/cpu_backend.h"

namespace gantry {

LibraryVersion cpu_library_version() {
  const dnnl_version_t* loaded = dnnl_version();
  return {"oneDNN", concat(DNNL_VERSION_MAJOR, ".", DNNL_VERSION_MINOR, ".", DNNL_VERSION_PATCH),
          concat(loaded->major, ".", loaded->minor, ".", loaded->patch)};
}

}  // namespace gantry
