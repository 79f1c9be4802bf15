// SPDX-License-Identifier: Apache-2.0
// What cuDNN and cuBLASLt do on a GPU, the CPU's kernels do here.
#include <vector>

#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/library_kernels.h"
#include "kernels/cuda/startup.h"

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

// call(args) now, or whenever what the stream captures is launched.
template <typename Call>
void queue(Stream& stream, std::span<const TensorView> args, const Call& call) {
  const cudaStream_t handle = cuda::stream_handle(stream);
  if (!emulated_capturing(handle)) return call(args);
  emulated_capture(handle, [call, views = std::vector<TensorView>(args.begin(), args.end())] {
    call(std::span<const TensorView>(views));
  });
}

class OnCpu final : public Kernel {
 public:
  explicit OnCpu(KernelPtr kernel) : kernel_(std::move(kernel)) {}
  size_t scratch_bytes() const override { return kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    auto& on = static_cast<CudaStream&>(stream);
    queue(on, args, [this, scratch, cpu = on.libraries().stream.get()](auto views) {
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
  explicit Product(const MatrixProduct& product) : p_(product) {}
  void run(Stream& stream, std::span<const TensorView> args, void*) const override {
    queue(stream, args, [this](auto views) { multiply(views); });
  }

 private:
  void multiply(std::span<const TensorView> args) const {
    float* c = args[0].as<float>();
    const float *a = args[1].as<float>(), *b = args[2].as<float>();
    for (int64_t i = 0; i < p_.m; ++i) {
      for (int64_t j = 0; j < p_.n; ++j) {
        double sum = 0;
        for (int64_t l = 0; l < p_.k; ++l) {
          const float left = p_.transpose_a ? a[l * p_.m + i] : a[i * p_.k + l];
          const float right = p_.transpose_b ? b[j * p_.k + l] : b[l * p_.n + j];
          sum += static_cast<double>(left) * static_cast<double>(right);
        }
        if (p_.accumulate) sum += static_cast<double>(c[i * p_.n + j]);
        if (p_.bias) sum += static_cast<double>(args[3].as<float>()[j]);
        c[i * p_.n + j] = static_cast<float>(sum);
      }
    }
  }

  MatrixProduct p_;
};

}  // namespace

std::shared_ptr<Kernel> make_cublas_product(CudaDevice&, const MatrixProduct& product) {
  return std::make_shared<Product>(product);
}

}  // namespace cuda
}  // namespace gantry
