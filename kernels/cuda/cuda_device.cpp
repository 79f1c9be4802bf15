// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_device.h"

#include "core/profiler.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/startup.h"
#include "kernels/cuda_backend.h"

namespace gantry {

using cuda::check;

CudaDevice::CudaDevice(int ordinal) : ordinal_(ordinal), profiler_(cuda::make_profiler()) {
  check(cudaSetDevice(ordinal), "cudaSetDevice");
  check(cudaGetDeviceProperties(&properties_, ordinal), "cudaGetDeviceProperties");
}

CudaDevice::~CudaDevice() = default;

std::string CudaDevice::name() const { return cuda::device_name(ordinal_, properties_); }

size_t CudaDevice::memory_bytes() const { return properties_.totalGlobalMem; }

size_t CudaDevice::available_bytes() const {
  size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

std::unique_ptr<Stream> CudaDevice::make_stream() { return std::make_unique<CudaStream>(); }

void CudaDevice::copy_to_device(Stream& stream, void* dst, const void* host, size_t bytes) {
  check(cudaMemcpyAsync(dst, host, bytes, cudaMemcpyHostToDevice, cuda::stream_handle(stream)),
        "cudaMemcpyAsync to the device");
}

void CudaDevice::copy_to_host(Stream& stream, void* host, const void* src, size_t bytes) {
  check(cudaMemcpyAsync(host, src, bytes, cudaMemcpyDeviceToHost, cuda::stream_handle(stream)),
        "cudaMemcpyAsync to the host");
}

// Not on any stream: memory is made before a program runs and is there for all streams.
void* CudaDevice::allocate(size_t bytes, Contents contents) {
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // this error is handled; later calls shall not report it
    size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    throw MemoryError(concat(name(), ": cannot get ", bytes, " bytes of memory, ", free, " of ",
                             total,
                             " are free; lower train.batch, make the network smaller "
                             "or end what else uses this GPU"));
  }
  check(status, "cudaMalloc");
  if (contents == Contents::kUnwritten) return data;
  check(cudaMemset(data, 0, bytes), "cudaMemset");
  check(cudaDeviceSynchronize(), "cudaMemset");
  return data;
}

void CudaDevice::release(void* data) noexcept { cudaFree(data); }

CudaStream::CudaStream() {
  check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  libraries_ = cuda::open_libraries(handle_);
}

CudaStream::~CudaStream() {
  libraries_.reset();
  cudaStreamDestroy(handle_);
}

void CudaStream::synchronize() { check(cudaStreamSynchronize(handle_), "cudaStreamSynchronize"); }

namespace cuda {
namespace {

std::string described(cudaError_t status) {
  return concat(cudaGetErrorName(status), ": ", cudaGetErrorString(status));
}

}  // namespace

void failed(cudaError_t status, const std::string& call) {
  throw DeviceError(concat(current_device_name(), ": ", call, " says ", described(status)));
}

void launch_failed(cudaError_t status, const void* kernel) {
  const char* name = nullptr;
  if (cudaFuncGetName(&name, kernel) != cudaSuccess) name = nullptr;
  throw DeviceError(concat(current_device_name(), ": launching ", name ? name : "a kernel", ": ",
                           described(status)));
}

}  // namespace cuda

bool cuda_built() { return true; }

bool cuda_device_present() {
  int driver = 0, count = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) return false;
  const cudaError_t status = cudaGetDeviceCount(&count);
  cudaGetLastError();
  return status != cudaErrorNoDevice && !(status == cudaSuccess && count == 0);
}

Backend open_cuda_backend() {
  cuda::check_driver();
  cuda::check_library_versions();
  int ordinal = 0;
  check(cudaGetDevice(&ordinal), "cudaGetDevice");
  auto device = std::make_unique<CudaDevice>(ordinal);
  cuda::check_kernel_image();
  auto kernels = std::make_unique<CudaKernels>(*device);
  return {"cuda", std::move(device), std::move(kernels)};
}

std::vector<LibraryVersion> cuda_library_versions() {
  const auto version = [](int v) { return concat(v / 1000, ".", v % 1000 / 10); };
  int loaded = 0;
  cudaRuntimeGetVersion(&loaded);
  std::vector<LibraryVersion> versions = {
      {"CUDA runtime", version(CUDART_VERSION), version(loaded)}};
  for (LibraryVersion& v : cuda::math_library_versions()) versions.push_back(std::move(v));
  return versions;
}

}  // namespace gantry
