// SPDX-License-Identifier: Apache-2.0
#include <cublasLt.h>

#include <algorithm>
#include <array>

#include "kernels/cuda/libraries.h"
#include "kernels/cuda/library_kernels.h"
#include "kernels/cuda/startup.h"

namespace gantry::cuda {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;  // what cuBLAS's documentation advises for Hopper

cudaDataType_t type_of(DType dtype) {
  if (dtype == DType::kBF16) return CUDA_R_16BF;
  return dtype == DType::kF16 ? CUDA_R_16F : CUDA_R_32F;
}

// Destroys what a cublasLt*Create made.
template <typename T, cublasStatus_t (*kDestroy)(T)>
class Owned {
 public:
  Owned() = default;
  ~Owned() {
    if (handle_) kDestroy(handle_);
  }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  T* out() { return &handle_; }
  T get() const { return handle_; }

 private:
  T handle_ = nullptr;
};
using Layout = Owned<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference = Owned<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

// cuBLAS sees columns where we see rows: c^T (n x m) = op(b)^T op(a)^T. So b is its first factor,
// and the bias runs along its rows, as its epilogue has it.
class CublasProduct final : public Kernel {
 public:
  CublasProduct(CudaDevice& device, const MatrixProduct& p)
      : options_(device.options()), types_(p.types), bias_(p.bias), beta_(p.accumulate ? 1 : 0) {
    describe(p);
    layout(first_, p.n, p.k, p.transpose_b, types_.in);
    layout(second_, p.k, p.m, p.transpose_a, types_.in);
    layout(out_, p.n, p.m, false, types_.out);
    const cublasLtHandle_t handle = device.planning().cublas_lt;
    aligned_ = choose(handle, kAligned);
    unaligned_ = choose(handle, 1);
  }

  size_t scratch_bytes() const override {
    return std::max(aligned_.workspaceSize, unaligned_.workspaceSize);
  }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    // A copy, because the address of the bias is part of the descriptor.
    cublasLtMatmulDescOpaque_t operation = operation_;
    if (bias_) {
      const void* bias = args[3].data;
      set(&operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    }
    bool aligned = true;
    for (const TensorView& view : args)
      aligned = aligned && reinterpret_cast<uintptr_t>(view.data) % kAligned == 0;
    const cublasLtMatmulHeuristicResult_t& choice = aligned ? aligned_ : unaligned_;
    const float one = 1;
    const auto& libraries = static_cast<CudaStream&>(stream).libraries();
    check(cublasLtMatmul(libraries.cublas_lt, &operation, &one, args[2].data, first_.get(),
                         args[1].data, second_.get(), &beta_, args[0].data, out_.get(),
                         args[0].data, out_.get(), &choice.algo, scratch, choice.workspaceSize,
                         stream_handle(stream)),
          "cublasLtMatmul");
  }

 private:
  static constexpr uint32_t kAligned = 16;

  template <typename T>
  static void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t attribute,
                  const T& value) {
    check(cublasLtMatmulDescSetAttribute(operation, attribute, &value, sizeof(value)),
          "cublasLtMatmulDescSetAttribute");
  }

  void describe(const MatrixProduct& p) {
    const auto compute =
        options_.precision == Precision::kTf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    check(cublasLtMatmulDescInit(&operation_, compute, CUDA_R_32F), "cublasLtMatmulDescInit");
    set(&operation_, CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(&operation_, CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    if (p.bias) set(&operation_, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
  }

  // rows x columns of a factor, column by column; transposed: as it lies in memory.
  static void layout(Layout& layout, int64_t rows, int64_t columns, bool transposed, DType type) {
    const auto in_memory = transposed ? std::array{columns, rows} : std::array{rows, columns};
    check(
        cublasLtMatrixLayoutCreate(layout.out(), type_of(type), static_cast<uint64_t>(in_memory[0]),
                                   static_cast<uint64_t>(in_memory[1]), in_memory[0]),
        "cublasLtMatrixLayoutCreate");
  }

  // The first choice of cuBLAS's heuristic. Unless roundings may differ from run to run, split sums
  // go through the workspace, where the order of adding is fixed.
  // alignment: of the arguments' addresses in bytes, where that is more than an element's.
  cublasLtMatmulHeuristicResult_t choose(cublasLtHandle_t handle, uint32_t alignment) {
    const auto at_least = [&](DType type) {
      return std::max(alignment, static_cast<uint32_t>(dtype_bytes(type)));
    };
    Preference preference;
    check(cublasLtMatmulPreferenceCreate(preference.out()), "cublasLtMatmulPreferenceCreate");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      check(
          cublasLtMatmulPreferenceSetAttribute(preference.get(), attribute, &value, sizeof(value)),
          "cublasLtMatmulPreferenceSetAttribute");
    };
    const uint32_t reductions = options_.deterministic ? CUBLASLT_REDUCTION_SCHEME_NONE |
                                                             CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE
                                                       : CUBLASLT_REDUCTION_SCHEME_MASK;
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace);
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, reductions);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, at_least(types_.in));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, at_least(types_.in));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, at_least(types_.out));
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, at_least(types_.out));
    // The heuristic takes the alignment of the bias from its address, which is known only when the
    // kernel runs: this one is aligned to so much and no more, and never read.
    if (bias_) set(&operation_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, uintptr_t{at_least(types_.out)});
    cublasLtMatmulHeuristicResult_t result{};
    int found = 0;
    check(
        cublasLtMatmulAlgoGetHeuristic(handle, &operation_, first_.get(), second_.get(), out_.get(),
                                       out_.get(), preference.get(), 1, &result, &found),
        "cublasLtMatmulAlgoGetHeuristic");
    if (found == 0) {
      throw EnvironmentError(concat("cuBLASLt has no algorithm for a matrix product in ",
                                    dtype_name(types_.in), " on this GPU; try another precision"));
    }
    return result;
  }

  ComputeOptions options_;
  LibraryTypes types_;
  bool bias_;
  float beta_;
  cublasLtMatmulDescOpaque_t operation_{};
  Layout first_, second_, out_;
  cublasLtMatmulHeuristicResult_t aligned_{}, unaligned_{};
};

}  // namespace

std::shared_ptr<Kernel> make_cublas_product(CudaDevice& device, const MatrixProduct& product) {
  return std::make_shared<CublasProduct>(device, product);
}

}  // namespace gantry::cuda
