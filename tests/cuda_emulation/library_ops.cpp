// SPDX-License-Identifier: Apache-2.0
// What cuDNN and cuBLASLt do on a GPU, the CPU's kernels do here.
#include <bit>
#include <vector>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/library_kernels.h"
#include "kernels/cuda/startup.h"
#include "tests/cuda_emulation/emulator.h"

namespace gantry {

namespace {
const Backend& cpu() {
  static const Backend backend = open_backend(BackendChoice::kCpu, 1);
  return backend;
}
}  // namespace

struct CudaLibraries {
  std::unique_ptr<Stream> stream = cpu().device->make_stream();
};

namespace cuda {
std::shared_ptr<CudaLibraries> open_libraries(cudaStream_t) {
  return std::make_shared<CudaLibraries>();
}
void check_library_versions() {}
std::vector<LibraryVersion> math_library_versions() { return {}; }
}  // namespace cuda

namespace {

// How a library may be called: every argument and the scratch memory wholly in one allocation, what
// is read written by somebody. The first argument is the result, which `updates` reads too.
struct Contract {
  bool updates = false;
  size_t scratch_bytes = 0;
};

void check_memory(std::span<const TensorView> args, const void* scratch, const Contract& contract) {
  for (size_t i = 0; i < args.size(); ++i) {
    emulation::check_range(args[i].data, args[i].bytes(), i > 0 || contract.updates,
                           concat("argument ", i).c_str());
  }
  emulation::check_range(scratch, contract.scratch_bytes, false, "scratch");
  if (reinterpret_cast<uintptr_t>(scratch) % 256 != 0)
    throw emulation::Defect("scratch: not at a multiple of 256 bytes");
  emulation::mark_written(args[0].data, args[0].bytes());
}

// call(args) now, or whenever what the stream captures is launched.
template <typename Call>
void queue(Stream& stream, std::span<const TensorView> args, void* scratch,
           const Contract& contract, const Call& call) {
  const auto checked = [call, scratch, contract](std::span<const TensorView> views) {
    check_memory(views, scratch, contract);
    call(views);
  };
  const cudaStream_t handle = cuda::stream_handle(stream);
  if (!emulated_capturing(handle)) return checked(args);
  emulated_capture(handle, [checked, views = std::vector<TensorView>(args.begin(), args.end())] {
    checked(std::span<const TensorView>(views));
  });
}

class OnCpu final : public Kernel {
 public:
  explicit OnCpu(KernelPtr kernel) : kernel_(std::move(kernel)) {}
  size_t scratch_bytes() const override { return kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    auto& on = static_cast<CudaStream&>(stream);
    queue(on, args, scratch, {false, scratch_bytes()},
          [this, scratch, cpu = on.libraries().stream.get()](auto views) {
            kernel_->run(*cpu, views, scratch);
          });
  }

 private:
  KernelPtr kernel_;
};

}  // namespace

namespace cuda {

std::shared_ptr<Kernel> make_cudnn_conv2d(CudaDevice&, const Conv2dDesc& d, Conv2dPass pass) {
  const auto behind = [](int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                         int64_t before) {
    return (out - 1) * stride + (kernel - 1) * dilation + 1 - before - in;
  };
  // As if it had engines for equal padding alone, so that the way around is tested.
  if (behind(d.x.h, d.y.h, d.w.h, d.stride_h, d.dilation_h, d.pad_top) > d.pad_top) return nullptr;
  if (behind(d.x.w, d.y.w, d.w.w, d.stride_w, d.dilation_w, d.pad_left) > d.pad_left)
    return nullptr;
  return std::make_shared<OnCpu>(cpu().kernels->conv2d(d, pass));
}

namespace {

class Product final : public Kernel {
 public:
  Product(const MatrixProduct& product, Precision precision) : p_(product), precision_(precision) {}
  void run(Stream& stream, std::span<const TensorView> args, void*) const override {
    queue(stream, args, nullptr, {p_.accumulate, 0}, [this](auto views) { multiply(views); });
  }

 private:
  // As tensor cores read it: in TF32, to 10 bits of mantissa.
  double factor(float value) const {
    if (precision_ == Precision::kFp32) return static_cast<double>(value);
    const uint32_t bits = std::bit_cast<uint32_t>(value) + 0x1000u;
    return static_cast<double>(std::bit_cast<float>(bits & ~0x1fffu));
  }

  void multiply(std::span<const TensorView> args) const {
    float* c = args[0].as<float>();
    const float *a = args[1].as<float>(), *b = args[2].as<float>();
    for (int64_t i = 0; i < p_.m; ++i) {
      for (int64_t j = 0; j < p_.n; ++j) {
        double sum = 0;
        for (int64_t l = 0; l < p_.k; ++l) {
          const float left = p_.transpose_a ? a[l * p_.m + i] : a[i * p_.k + l];
          const float right = p_.transpose_b ? b[j * p_.k + l] : b[l * p_.n + j];
          sum += factor(left) * factor(right);
        }
        if (p_.accumulate) sum += static_cast<double>(c[i * p_.n + j]);
        if (p_.bias) sum += static_cast<double>(args[3].as<float>()[j]);
        c[i * p_.n + j] = static_cast<float>(sum);
      }
    }
  }

  MatrixProduct p_;
  Precision precision_;
};

}  // namespace

std::shared_ptr<Kernel> make_cublas_product(CudaDevice& device, const MatrixProduct& product) {
  return std::make_shared<Product>(product, device.options().precision);
}

}  // namespace cuda
}  // namespace gantry
