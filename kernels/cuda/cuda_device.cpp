// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_device.h"

#include <cxxabi.h>

#include <cstdlib>

#include "core/profiler.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/startup.h"
#include "kernels/cuda_backend.h"

namespace gantry {

using cuda::check;

CudaDevice::CudaDevice(int ordinal, const ComputeOptions& options)
    : ordinal_(ordinal), options_(options), profiler_(cuda::make_profiler()) {
  cuda::begin_with(concat("cuda:", ordinal));
  check(cudaSetDevice(ordinal), "cudaSetDevice");
  check(cudaGetDeviceProperties(&properties_, ordinal), "cudaGetDeviceProperties");
  name_ = concat("cuda:", ordinal, " (", properties_.name, ", sm_", properties_.major,
                 properties_.minor, ")");
  cuda::begin_with(name_);
}

CudaDevice::~CudaDevice() = default;

std::string CudaDevice::name() const { return name_; }

size_t CudaDevice::memory_bytes() const { return properties_.totalGlobalMem; }

size_t CudaDevice::available_bytes() const {
  size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
  return free;
}

const CudaLibraries& CudaDevice::planning() {
  if (!planning_) planning_ = cuda::open_libraries(nullptr);
  return *planning_;
}

std::unique_ptr<Stream> CudaDevice::make_stream() { return std::make_unique<CudaStream>(*this); }

void CudaDevice::copy_to_device(Stream& stream, void* dst, const void* host, size_t bytes) {
  check(cudaMemcpyAsync(dst, host, bytes, cudaMemcpyHostToDevice, cuda::stream_handle(stream)),
        "cudaMemcpyAsync to the device");
}

void CudaDevice::copy_to_host(Stream& stream, void* host, const void* src, size_t bytes) {
  check(cudaMemcpyAsync(host, src, bytes, cudaMemcpyDeviceToHost, cuda::stream_handle(stream)),
        "cudaMemcpyAsync to the host");
}

// The current device is a thread's own. Not on any stream: memory is made before a program runs and
// is there for all streams.
void* CudaDevice::allocate(size_t bytes, Contents contents) {
  check(cudaSetDevice(ordinal_), "cudaSetDevice");
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

void CudaDevice::release(void* data) noexcept {
  if (!cuda::lost()) cudaFree(data);
}

CudaStream::CudaStream(CudaDevice& device, Libraries libraries) : device_(device) {
  check(cudaSetDevice(device.ordinal()), "cudaSetDevice");
  check(cudaStreamCreateWithFlags(&handle_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  if (libraries == Libraries::kAll) libraries_ = cuda::open_libraries(handle_);
}

CudaStream::~CudaStream() {
  libraries_.reset();
  if (!cuda::lost()) cudaStreamDestroy(handle_);
}

void CudaStream::synchronize() {
  if (StreamWatch* watch = device_.stream_watch()) return watch->wait(handle_);
  check(cudaStreamSynchronize(handle_), "cudaStreamSynchronize");
}

namespace cuda {
namespace {

// What a call may not do while a stream is captured: the caller's fault, and no harm to the GPU.
bool is_of_capture(cudaError_t status) {
  return status >= cudaErrorStreamCaptureUnsupported && status <= cudaErrorStreamCaptureWrongThread;
}

}  // namespace

void failed(cudaError_t status, const std::string& call) {
  const std::string says = concat(cudaGetErrorName(status), ": ", cudaGetErrorString(status));
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // this error is handled; later calls shall not report it
    out_of_memory(call, says);
  }
  GANTRY_CHECK(!is_of_capture(status), call, " while a step is recorded: ", says);
  device_failed(call, says);
}

// The kernel's name is the program's own knowledge: asking for it touches no GPU.
void launch_failed(cudaError_t status, const void* kernel) {
  const char* symbol = nullptr;
  if (cudaFuncGetName(&symbol, kernel) != cudaSuccess || !symbol) symbol = "a kernel";
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(symbol, nullptr, nullptr, nullptr), std::free);
  failed(status, concat("launching ", name ? name.get() : symbol));
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

namespace {

int ordinal_of(int local_rank) {
  int count = 0;
  check(cudaGetDeviceCount(&count), "cudaGetDeviceCount");
  if (count == 1) return 0;
  if (local_rank < count) return local_rank;
  throw EnvironmentError(concat("backend=cuda: local rank ", local_rank, " finds ", count,
                                " GPUs; start ", count,
                                " ranks on each host at most, one for each GPU"));
}

}  // namespace

Backend open_cuda_backend(const ComputeOptions& options, int local_rank) {
  cuda::check_driver();
  cuda::check_library_versions();
  auto device = std::make_unique<CudaDevice>(ordinal_of(local_rank), options);
  cuda::check_kernel_image(*device);
  auto kernels = std::make_unique<CudaKernels>(*device);
  const DType narrow = narrow_type(options.precision);
  std::unique_ptr<Kernels> narrow_kernels;
  if (narrow != DType::kF32) narrow_kernels = std::make_unique<CudaKernels>(*device, narrow);
  return {"cuda", std::move(device), std::move(kernels), std::move(narrow_kernels)};
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
