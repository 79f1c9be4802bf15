// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/critic_kernels.cuh"
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/samples.h"

namespace gantry {
namespace {

using cuda::Args;
using cuda::Samples;

template <ReconstructionDesc::Kind kKind>
std::shared_ptr<Kernel> reconstructed(const ReconstructionDesc& d) {
  const Samples samples = cuda::samples_of(d.x);
  const size_t in = d.want_dx ? 5 : 4;
  const size_t bytes = static_cast<size_t>(3 * samples.count) * sizeof(double);
  return cuda::launched(in + (d.weighted ? 3 : 2), bytes, [=](Stream& stream, const Args& a) {
    const float* weight = d.weighted ? a.real(in + 2) : nullptr;
    const cuda::ReconstructionArrays arrays{a.real(3), d.want_dx ? a.real(4) : nullptr, a.real(in),
                                            a.real(in + 1), weight};
    const cuda::ReconstructionScale scale{static_cast<double>(d.scale),
                                          static_cast<double>(samples.count), weight};
    const bool quads = cuda::in_quads(samples, arrays.dy, arrays.dx, arrays.y, arrays.x);
    const auto kernel = quads ? cuda::reconstruction_kernel<kKind, true>
                              : cuda::reconstruction_kernel<kKind, false>;
    const unsigned blocks = static_cast<unsigned>(samples.count);
    double* partial = a.scratch<double>();
    cuda::launch(kernel, {dim3(blocks), cuda::threads_of_sample(samples), 0}, stream, d, samples,
                 arrays, scale, partial);
    cuda::launch_join_all<cuda::JoinSum, 3>(
        stream, partial, blocks, cuda::WriteReconstruction{a.real(0), a.real(1), a.real(2), scale});
  });
}

}  // namespace

CudaKernels::Made CudaKernels::make_reconstruction(const ReconstructionDesc& d) {
  using Kind = ReconstructionDesc::Kind;
  return d.kind == Kind::kSquared ? reconstructed<Kind::kSquared>(d)
                                  : reconstructed<Kind::kAbsolute>(d);
}

// Scratch: lengths and squares of n codes, then n x n weights.
CudaKernels::Made CudaKernels::make_pulling_away(const PullingAwayDesc& d) {
  const Samples codes = cuda::samples_of(d.s);
  const size_t n = static_cast<size_t>(codes.count), first = 2 * n * sizeof(double);
  const double pairs = static_cast<double>(std::max<int64_t>(1, d.s.n * (d.s.n - 1)));
  const double scale = static_cast<double>(d.scale) / pairs;
  return cuda::launched(3, first + n * n * sizeof(float), [=](Stream& stream, const Args& a) {
    double *lengths = a.scratch<double>(), *squares = lengths + n;
    const cuda::LaunchShape shape{dim3(static_cast<unsigned>(n)), cuda::kBlock, 0};
    cuda::launch(cuda::code_lengths_kernel, shape, stream, lengths, a.real(2), codes.size);
    cuda::launch(cuda::pull_away_kernel, shape, stream, a.real(1), a.real(2), codes, scale, lengths,
                 a.scratch<float>(first), squares);
    cuda::launch_join_all<cuda::JoinSum, 1>(stream, squares, static_cast<unsigned>(n),
                                            cuda::WriteScaled{a.real(0), scale});
  });
}

CudaKernels::Made CudaKernels::make_equilibrium(const EquilibriumDesc& d) {
  return cuda::launched(5, 0, [d](Stream& stream, const Args& a) {
    cuda::launch(cuda::equilibrium_kernel, {dim3(1), cuda::kWarp, 0}, stream, d, a.real(0),
                 a.real(1), a.real(2), a.real(3), a.real(4));
  });
}

// Scratch: sums of the features of both batches, partial sums of either or of the value, slopes.
CudaKernels::Made CudaKernels::make_feature_match(const FeatureMatchDesc& d) {
  const int64_t size = d.fake.per_sample(), n = d.fake.n, shown = d.real.n;
  const unsigned blocks = cuda::reduction_blocks(size);
  const size_t sums = 2 * static_cast<size_t>(size) * sizeof(double);
  const size_t room =
      std::max({cuda::column_sums_bytes(n, size), cuda::column_sums_bytes(shown, size),
                cuda::reduction_bytes(blocks, 1)});
  const size_t bytes = sums + room + static_cast<size_t>(size) * sizeof(float);
  return cuda::launched(4, bytes, [=](Stream& stream, const Args& a) {
    double *fake = a.scratch<double>(), *real = fake + size, *partial = a.scratch<double>(sums);
    float* slopes = a.scratch<float>(sums + room);
    cuda::launch_column_sums(stream, a.real(2), n, size, partial, cuda::Unweighted{},
                             cuda::WriteColumn{fake});
    cuda::launch_column_sums(stream, a.real(3), shown, size, partial, cuda::Unweighted{},
                             cuda::WriteColumn{real});
    const cuda::FeatureMeans means{fake, real, 1 / static_cast<double>(n),
                                   1 / static_cast<double>(shown)};
    const cuda::WriteScaled finish{a.real(0), static_cast<double>(d.scale)};
    cuda::launch(cuda::feature_match_kernel<cuda::WriteScaled>, {dim3(blocks), cuda::kBlock, 0},
                 stream, d, means, size, slopes, partial, finish);
    cuda::launch_join<cuda::JoinSum, 1>(stream, partial, blocks, finish);
    cuda::launch_map<1, 0>(stream, {{a.real(1)}}, {}, n * size,
                           cuda::RepeatRow{slopes, cuda::Divisor(size)});
  });
}

}  // namespace gantry
