// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cgroup.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>

#include "core/error.h"

namespace gantry {
namespace {

constexpr const char* kRoot = "/sys/fs/cgroup";

// The path of this process under `controller` ("" for version 2) as /proc/self/cgroup gives it:
// lines "id:controllers:path".
std::string group_path(const std::string& controller) {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = concat(',', line.substr(first + 1, second - first - 1), ',');
    const bool match = controller.empty()
                           ? names == ",,"
                           : names.find(concat(',', controller, ',')) != std::string::npos;
    if (match) return line.substr(second + 1);
  }
  return "/";
}

// Calls visit(folder) for the group and each of its parents, up to the root.
template <typename Visit>
void walk(const std::string& root, std::string path, Visit visit) {
  while (true) {
    visit(root + path);
    if (path.empty() || path == "/") return;
    path.resize(path.rfind('/'));
  }
}

double read_number(const std::string& name) {
  std::ifstream file(name);
  double value = 0;
  return file >> value ? value : -1;  // "max" and a missing file are no limit
}

}  // namespace

size_t cgroup_memory_limit() {
  double limit = static_cast<double>(SIZE_MAX);
  const auto lower = [&](double value) {
    if (value > 0) limit = std::min(limit, value);
  };
  const std::string root = kRoot;
  walk(root, group_path(""),
       [&](const std::string& at) { lower(read_number(at + "/memory.max")); });
  walk(root + "/memory", group_path("memory"),
       [&](const std::string& at) { lower(read_number(at + "/memory.limit_in_bytes")); });
  return limit >= static_cast<double>(SIZE_MAX) ? SIZE_MAX : static_cast<size_t>(limit);
}

int cgroup_cpu_limit() {
  double limit = 0;
  const auto lower = [&](double quota, double period) {
    if (quota > 0 && period > 0)
      limit = limit > 0 ? std::min(limit, quota / period) : quota / period;
  };
  const std::string root = kRoot;
  walk(root, group_path(""), [&](const std::string& at) {
    std::ifstream file(at + "/cpu.max");
    double quota = 0, period = 0;
    if (file >> quota >> period) lower(quota, period);
  });
  walk(root + "/cpu", group_path("cpu"), [&](const std::string& at) {
    lower(read_number(at + "/cpu.cfs_quota_us"), read_number(at + "/cpu.cfs_period_us"));
  });
  return static_cast<int>(std::ceil(limit));
}

}  // namespace gantry
