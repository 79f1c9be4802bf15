// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/fault.h"

#include <atomic>
#include <mutex>

namespace gantry::cuda {
namespace {

struct Known {
  std::mutex mutex;
  std::string device_name = "cuda";
  std::string first_failure;
  std::atomic<bool> lost = false;
};

Known& known() {
  static Known all;
  return all;
}

}  // namespace

void begin_with(const std::string& device_name) {
  const std::lock_guard<std::mutex> lock(known().mutex);
  known().device_name = device_name;
  known().first_failure.clear();
  known().lost = false;
}

bool lost() noexcept { return known().lost; }

void out_of_memory(const std::string& call, const std::string& says) {
  const std::lock_guard<std::mutex> lock(known().mutex);
  throw MemoryError(concat(known().device_name, ": ", call, " says ", says,
                           "; lower train.batch, make the network smaller or end what else uses "
                           "this GPU"));
}

void device_failed(const std::string& call, const std::string& says) {
  const std::lock_guard<std::mutex> lock(known().mutex);
  if (known().first_failure.empty()) {
    known().first_failure = concat(
        known().device_name, ": ", call, " says ", says,
        "; the fault may be that of work queued before it. The GPU is not used any more; what "
        "is saved stays, continue with gantry resume");
  }
  known().lost = true;
  throw DeviceError(known().first_failure);
}

}  // namespace gantry::cuda
