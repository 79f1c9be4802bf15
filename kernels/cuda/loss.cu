// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/loss_kernels.cuh"
#include "kernels/cuda/reduce.h"

namespace gantry {
namespace {

using cuda::Args;
using Kind = LossDesc::Kind;

cuda::WriteLoss results(const LossDesc& d, const Args& a, int64_t items) {
  return {a.real(0), a.real(1), static_cast<double>(d.scale), static_cast<double>(items)};
}

// Arguments of every kernel here: value, rate, [dx], x, t, [w].
template <Kind kKind, bool kGradient>
std::shared_ptr<Kernel> pointwise(const LossDesc& d) {
  constexpr size_t kIn = kGradient ? 3 : 2;
  constexpr int kOut = kGradient ? 1 : 0;
  const int64_t size = d.x.elements();
  const cuda::LossElement<kKind, kGradient> element{
      static_cast<float>(static_cast<double>(d.scale) / static_cast<double>(size))};
  const size_t bytes = cuda::reduction_bytes(cuda::reduction_blocks(size), 2);
  return cuda::launched(kIn + (d.weighted ? 3 : 2), bytes, [=](Stream& stream, const Args& a) {
    cuda::Arrays<float, kOut> dx{};
    if constexpr (kGradient) dx.at[0] = a.real(2);
    const float *x = a.real(kIn), *t = a.real(kIn + 1);
    double* partial = a.scratch<double>();
    if (d.t == d.x && !d.weighted) {
      cuda::launch_map_reduce<kOut, 2, cuda::JoinSum, 2>(stream, dx, {{x, t}}, size, element,
                                                         partial, results(d, a, size));
      return;
    }
    const float* w = d.weighted ? a.real(kIn + 2) : nullptr;
    const cuda::LossElementOfSample<kKind, kGradient> of_sample{element, t, w,
                                                                cuda::Divisor(d.x.per_sample())};
    cuda::launch_map_reduce<kOut, 1, cuda::JoinSum, 2>(stream, dx, {{x}}, size, of_sample, partial,
                                                       results(d, a, size));
  });
}

template <typename Loss>
std::shared_ptr<Kernel> of_rows(const LossDesc& d, bool gradient) {
  const int64_t rows = d.x.n * d.x.pixels();
  const size_t in = gradient ? 3 : 2;
  // Lanes share a row, so a thread of the grid has rows / 32 of its own.
  const unsigned blocks = cuda::reduction_blocks(rows * cuda::kWarp);
  const double weight = static_cast<double>(d.scale) / static_cast<double>(rows);
  const size_t bytes = cuda::reduction_bytes(blocks, 2);
  return cuda::launched(in + 2, bytes, [=](Stream& stream, const Args& a) {
    const cuda::LogitRows all{a.real(in), a.real(in + 1),          gradient ? a.real(2) : nullptr,
                              rows,       static_cast<int>(d.x.c), weight};
    const cuda::WriteLoss finish = results(d, a, rows);
    cuda::launch(cuda::row_loss_kernel<Loss, cuda::WriteLoss>, {dim3(blocks), cuda::kBlock, 0},
                 stream, all, a.scratch<double>(), finish);
    cuda::launch_join<cuda::JoinSum, 2>(stream, a.scratch<double>(), blocks, finish);
  });
}

template <Kind kKind>
std::shared_ptr<Kernel> pointwise(const LossDesc& d, bool gradient) {
  return gradient ? pointwise<kKind, true>(d) : pointwise<kKind, false>(d);
}

}  // namespace

CudaKernels::Made CudaKernels::make_loss(const LossDesc& d, bool gradient) {
  switch (d.kind) {
    case Kind::kBceLogits:
      return pointwise<Kind::kBceLogits>(d, gradient);
    case Kind::kMse:
      return pointwise<Kind::kMse>(d, gradient);
    case Kind::kL1:
      return pointwise<Kind::kL1>(d, gradient);
    case Kind::kLinear:
      return pointwise<Kind::kLinear>(d, gradient);
    case Kind::kHinge:
      return pointwise<Kind::kHinge>(d, gradient);
    case Kind::kCrossEntropy:
      return of_rows<cuda::CrossEntropy>(d, gradient);
    case Kind::kBceLogSumExp:
      return of_rows<cuda::BceLogSumExp>(d, gradient);
  }
  return nullptr;
}

}  // namespace gantry
