// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

// Samples of one piece: together as many elements as are worth one.
cpu::Pieces samples_of(const Shape& x) {
  return {x.n, std::max<int64_t>(1, cpu::kGrain / std::max<int64_t>(1, x.per_sample()))};
}

}  // namespace

CpuKernels::Made CpuKernels::make_sample_dot(const DotDesc& d, DotPass pass) {
  const cpu::Pieces pieces = samples_of(d.x);
  const int64_t size = d.x.per_sample();
  const bool forward = pass == DotPass::kForward;
  return cpu::loop_kernel(3, 0,
                          [=, accumulate = d.accumulate, threads = threads()](cpu::Args a, void*) {
                            cpu::parallel_for(threads, pieces.count(), [&](int64_t piece) {
                              for (int64_t n = pieces.begin(piece); n < pieces.end(piece); ++n) {
                                const float* right = a.real(2) + n * size;
                                if (!forward) {
                                  const float dy = a.real(1)[n];
                                  float* da = a.real(0) + n * size;
                                  for (int64_t e = 0; e < size; ++e) da[e] = dy * right[e];
                                  continue;
                                }
                                const float* left = a.real(1) + n * size;
                                double sum = accumulate ? double{a.real(0)[n]} : 0.0;
                                for (int64_t e = 0; e < size; ++e)
                                  sum += double{left[e]} * double{right[e]};
                                a.real(0)[n] = static_cast<float>(sum);
                              }
                            });
                          });
}

}  // namespace gantry
