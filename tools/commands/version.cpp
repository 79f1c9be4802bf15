// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iostream>

#include "core/build_info.h"
#include "kernels/kernels.h"
#include "tools/commands/all.h"

namespace gantry {

Action declare_version(CLI::App&) {
  return [] {
    std::cout << "gantry " << build_version() << "\ncompiler  " << build_compiler() << ", "
              << build_type() << "\nbackends  cpu" << (has_cuda_backend() ? ", cuda" : "") << '\n';
    for (const LibraryVersion& library : library_versions()) {
      std::cout << library.name << "    " << library.loaded << '\n';
    }
    std::cout << std::flush;
    return 0;
  };
}

}  // namespace gantry
