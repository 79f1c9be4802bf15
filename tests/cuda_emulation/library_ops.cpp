// SPDX-License-Identifier: Apache-2.0
// What cuDNN and cuBLASLt do on a GPU, the CPU's kernels do here.
#include <bit>
#include <vector>

#include "core/half.h"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/cuda_device.h"
#include "kernels/cuda/library_kernels.h"
#include "kernels/cuda/startup.h"
#include "tests/cuda_emulation/emulator.h"
#include "tests/cuda_emulation/streams.h"

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
  if (emulation::takes_now(handle)) return checked(args);
  emulation::queue(handle, [checked, views = std::vector<TensorView>(args.begin(), args.end())] {
    checked(std::span<const TensorView>(views));
  });
}

double read(const TensorView& view, int64_t i) {
  if (view.dtype == DType::kBF16) return static_cast<double>(to_float(view.as<BFloat16>()[i]));
  if (view.dtype == DType::kF16) return static_cast<double>(to_float(view.as<Float16>()[i]));
  return static_cast<double>(view.as<float>()[i]);
}

void write(const TensorView& view, int64_t i, float value) {
  if (view.dtype == DType::kBF16) {
    view.as<BFloat16>()[i] = to_bfloat16(value);
  } else if (view.dtype == DType::kF16) {
    view.as<Float16>()[i] = to_float16(value);
  } else {
    view.as<float>()[i] = value;
  }
}

// Tensors of 16 bits as f32, for a kernel of the CPU. Its memory is made at the first run, as a
// library makes what it needs.
class Wide {
 public:
  void run(const Kernel& kernel, Stream& stream, std::span<const TensorView> args, void* scratch) {
    numbers_.resize(args.size());
    views_.resize(args.size());
    for (size_t i = 0; i < args.size(); ++i) {
      numbers_[i].resize(static_cast<size_t>(args[i].shape.elements()));
      views_[i] = {numbers_[i].data(), args[i].shape, DType::kF32};
      for (size_t k = 0; k < numbers_[i].size() && i > 0; ++k)
        numbers_[i][k] = static_cast<float>(read(args[i], static_cast<int64_t>(k)));
    }
    kernel.run(stream, views_, scratch);
    for (size_t k = 0; k < numbers_[0].size(); ++k)
      write(args[0], static_cast<int64_t>(k), numbers_[0][k]);
  }

 private:
  std::vector<std::vector<float>> numbers_;
  std::vector<TensorView> views_;
};

// {y | x, w} and the like; types: what the kernel was asked for.
class OnCpu final : public Kernel {
 public:
  OnCpu(KernelPtr kernel, const cuda::LibraryTypes& types)
      : kernel_(std::move(kernel)), types_(types) {}
  size_t scratch_bytes() const override { return kernel_->scratch_bytes(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    auto& on = static_cast<CudaStream&>(stream);
    for (size_t i = 0; i < args.size(); ++i)
      GANTRY_CHECK(args[i].dtype == (i == 0 ? types_.out : types_.in), "argument ", i, " is ",
                   dtype_name(args[i].dtype));
    queue(on, args, scratch, {false, scratch_bytes()},
          [this, scratch, cpu = on.libraries().stream.get()](auto views) {
            if (types_.in == DType::kF32) return kernel_->run(*cpu, views, scratch);
            wide_.run(*kernel_, *cpu, views, scratch);
          });
  }

 private:
  KernelPtr kernel_;
  cuda::LibraryTypes types_;
  mutable Wide wide_;  // what it holds between runs nobody reads
};

}  // namespace

namespace cuda {

std::shared_ptr<Kernel> make_cudnn_conv2d(CudaDevice&, const Conv2dDesc& d, Conv2dPass pass,
                                          const LibraryTypes& types) {
  // As if it wrote f32 from bf16, but not from f16: both ways are tested.
  if (types.in == DType::kF16 && types.out == DType::kF32) return nullptr;
  const auto behind = [](int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                         int64_t before) {
    return (out - 1) * stride + (kernel - 1) * dilation + 1 - before - in;
  };
  // As if it had engines for equal padding alone, so that the way around is tested.
  if (behind(d.x.h, d.y.h, d.w.h, d.stride_h, d.dilation_h, d.pad_top) > d.pad_top) return nullptr;
  if (behind(d.x.w, d.y.w, d.w.w, d.stride_w, d.dilation_w, d.pad_left) > d.pad_left)
    return nullptr;
  return std::make_shared<OnCpu>(cpu().kernels->conv2d(d, pass), types);
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
  double factor(const TensorView& view, int64_t i) const {
    const double value = read(view, i);
    if (precision_ != Precision::kTf32) return value;
    const uint32_t bits = std::bit_cast<uint32_t>(static_cast<float>(value)) + 0x1000u;
    return static_cast<double>(std::bit_cast<float>(bits & ~0x1fffu));
  }

  void multiply(std::span<const TensorView> args) const {
    for (int64_t i = 0; i < p_.m; ++i) {
      for (int64_t j = 0; j < p_.n; ++j) {
        double sum = 0;
        for (int64_t l = 0; l < p_.k; ++l) {
          sum += factor(args[1], p_.transpose_a ? l * p_.m + i : i * p_.k + l) *
                 factor(args[2], p_.transpose_b ? j * p_.k + l : l * p_.n + j);
        }
        if (p_.accumulate) sum += read(args[0], i * p_.n + j);
        if (p_.bias) sum += static_cast<double>(args[3].as<float>()[j]);
        write(args[0], i * p_.n + j, static_cast<float>(sum));
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
