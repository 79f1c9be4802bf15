// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

namespace gantry {

struct DownloadLimits {
  uint64_t most_bytes = 0;
  int64_t connect_s = 20, stall_s = 30;
  std::function<void(uint64_t, uint64_t)> progress;
};

// Appends to `part` what is missing of the file at `url` (HTTP range request; begins anew where the
// server does not continue). Returns an empty string, or why it is not complete. IoError when
// `part` cannot be written.
std::string download(const std::string& url, const std::filesystem::path& part,
                     const DownloadLimits& limits);

}  // namespace gantry
