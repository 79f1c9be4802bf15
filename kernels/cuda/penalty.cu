// SPDX-License-Identifier: Apache-2.0
#include "kernels/cuda/cuda_backend.h"
#include "kernels/cuda/launched_kernel.h"
#include "kernels/cuda/penalty_kernels.cuh"
#include "kernels/cuda/reduce.h"
#include "kernels/cuda/samples.h"

namespace gantry {
namespace {

using cuda::Args;
using cuda::Samples;

}  // namespace

CudaKernels::Made CudaKernels::make_interpolate(const InterpolateDesc& d) {
  const Samples samples = cuda::samples_of(d.x);
  return cuda::launched(4, 0, [=](Stream& stream, const Args& a) {
    float *y = a.real(0), *x = a.real(1), *z = a.real(2);
    const auto kernel = cuda::in_quads(samples, y, x, z) ? cuda::interpolate_kernel<true>
                                                         : cuda::interpolate_kernel<false>;
    cuda::launch(kernel, cuda::rows_of_blocks(samples), stream, d, samples, y, x, z, a.counter(3));
  });
}

CudaKernels::Made CudaKernels::make_perturb(const PerturbDesc& d) {
  const Samples samples = cuda::samples_of(d.x);
  return cuda::launched(4, 0, [=](Stream& stream, const Args& a) {
    float *y = a.real(0), *x = a.real(1);
    const auto kernel =
        cuda::in_quads(samples, y, x) ? cuda::perturb_kernel<true> : cuda::perturb_kernel<false>;
    cuda::launch(kernel, cuda::rows_of_blocks(samples), stream, d, samples, y, x, a.real(2),
                 a.counter(3));
  });
}

CudaKernels::Made CudaKernels::make_deviation(const DeviationDesc& d) {
  const int64_t size = d.x.elements();
  const double count = static_cast<double>(size);
  const size_t bytes = sizeof(double) + cuda::reduction_bytes(cuda::reduction_blocks(size), 1);
  return cuda::launched(2, bytes, [=](Stream& stream, const Args& a) {
    double *mean = a.scratch<double>(), *partial = mean + 1;
    const cuda::Arrays<const float, 1> x{{a.real(1)}};
    cuda::launch_map_reduce<0, 1, cuda::JoinSum, 1>(stream, {}, x, size, cuda::SumTerm{}, partial,
                                                    cuda::WriteMean{mean, count});
    cuda::launch_map_reduce<0, 1, cuda::JoinSum, 1>(stream, {}, x, size, cuda::DeviationTerm{mean},
                                                    partial,
                                                    cuda::WriteDeviation{a.real(0), count});
  });
}

CudaKernels::Made CudaKernels::make_gradient_penalty(const GradientPenaltyDesc& d) {
  const Samples samples = cuda::samples_of(d.g);
  const unsigned blocks = static_cast<unsigned>(samples.count);
  const unsigned threads = cuda::threads_of_sample(samples);
  const size_t bytes = static_cast<size_t>(2 * samples.count) * sizeof(double);
  return cuda::launched(4, bytes, [=](Stream& stream, const Args& a) {
    float *v = a.real(2), *g = a.real(3);
    double* partial = a.scratch<double>();
    const auto kernel = cuda::in_quads(samples, v, g) ? cuda::gradient_penalty_kernel<true>
                                                      : cuda::gradient_penalty_kernel<false>;
    cuda::launch(kernel, {dim3(blocks), threads, 0}, stream, d, samples, v, g, partial);
    cuda::launch_join_all<cuda::JoinSum, 2>(
        stream, partial, blocks,
        cuda::WritePenalty{a.real(0), a.real(1), static_cast<double>(d.scale),
                           static_cast<double>(samples.count)});
  });
}

}  // namespace gantry
