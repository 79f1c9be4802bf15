// SPDX-License-Identifier: Apache-2.0
#include <cuda_profiler_api.h>
#include <nvtx3/nvToolsExt.h>

#include <string>
#include <unordered_map>

#include "core/profiler.h"
#include "kernels/cuda/startup.h"

namespace gantry::cuda {
namespace {

// The NVTX domain "gantry". Without a profiler attached each call is a test and a return.
class NvtxProfiler final : public ProfilerSink {
 public:
  NvtxProfiler() : domain_(nvtxDomainCreateA("gantry")) {}
  ~NvtxProfiler() override { nvtxDomainDestroy(domain_); }
  NvtxProfiler(const NvtxProfiler&) = delete;
  NvtxProfiler& operator=(const NvtxProfiler&) = delete;

  void begin(const char* name) override {
    nvtxEventAttributes_t attributes{};
    attributes.version = NVTX_VERSION;
    attributes.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    attributes.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    attributes.message.registered = registered(name);
    nvtxDomainRangePushEx(domain_, &attributes);
  }
  void end() override { nvtxDomainRangePop(domain_); }
  void start_capture() override { check(cudaProfilerStart(), "cudaProfilerStart"); }
  void stop_capture() noexcept override {
    if (!lost()) cudaProfilerStop();
  }

 private:
  // Names come back every step; the profiler is told each once.
  nvtxStringHandle_t registered(const char* name) {
    const auto [place, added] = names_.try_emplace(name, nullptr);
    if (added) place->second = nvtxDomainRegisterStringA(domain_, name);
    return place->second;
  }

  nvtxDomainHandle_t domain_;
  std::unordered_map<std::string, nvtxStringHandle_t> names_;
};

}  // namespace

std::unique_ptr<ProfilerSink> make_profiler() { return std::make_unique<NvtxProfiler>(); }

}  // namespace gantry::cuda
