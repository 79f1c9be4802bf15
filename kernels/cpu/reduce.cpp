// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"

namespace gantry {
namespace {

using cpu::Args;

cpu::Pieces pieces_of(int64_t size) { return cpu::cut(size, cpu::kGrain, 256); }

double sum(const float* x, int64_t begin, int64_t end) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = begin; i < end; ++i) total += static_cast<double>(x[i]);
  return total;
}

// f64, as squares of large finite gradients leave the range of f32.
double sum_squares(const float* x, int64_t begin, int64_t end) {
  double total = 0;
#pragma omp simd reduction(+ : total)
  for (int64_t i = begin; i < end; ++i)
    total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return total;
}

// A NaN anywhere is the result.
double max_abs(const float* x, int64_t begin, int64_t end) {
  float most = 0;
  bool nan = false;
  for (int64_t i = begin; i < end; ++i) {
    most = std::max(most, std::fabs(x[i]));
    nan |= x[i] != x[i];
  }
  return nan ? std::numeric_limits<double>::quiet_NaN() : static_cast<double>(most);
}

int64_t count_non_finite(const float* x, int64_t begin, int64_t end) {
  int64_t count = 0;
#pragma omp simd reduction(+ : count)
  for (int64_t i = begin; i < end; ++i)
    count += std::fabs(x[i]) <= std::numeric_limits<float>::max() ? 0 : 1;
  return count;
}

double piece_of(ReduceDesc::Kind kind, const float* x, int64_t begin, int64_t end) {
  if (kind == ReduceDesc::Kind::kSum) return sum(x, begin, end);
  if (kind == ReduceDesc::Kind::kSumSquares) return sum_squares(x, begin, end);
  return max_abs(x, begin, end);
}

double join(ReduceDesc::Kind kind, double* parts, int64_t count) {
  if (kind != ReduceDesc::Kind::kMaxAbs) return cpu::tree_sum(parts, count);
  double most = 0;
  for (int64_t i = 0; i < count; ++i) most = most >= parts[i] || most != most ? most : parts[i];
  return most;
}

}  // namespace

CpuKernels::Made CpuKernels::make_reduce(const ReduceDesc& d) {
  const cpu::Pieces pieces = pieces_of(d.x.elements());
  const size_t room = static_cast<size_t>(pieces.count()) * sizeof(double);
  return cpu::loop_kernel(2, room, [=, threads = threads()](Args a, void* scratch) {
    double* parts = static_cast<double*>(scratch);
    const float* x = a.real(1);
    cpu::parallel_for(threads, pieces.count(), [&](int64_t k) {
      parts[k] = piece_of(d.kind, x, pieces.begin(k), pieces.end(k));
    });
    *a.real(0) =
        static_cast<float>(static_cast<double>(d.scale) * join(d.kind, parts, pieces.count()));
  });
}

CpuKernels::Made CpuKernels::make_grad_norm(const GradNormDesc& d) {
  const cpu::Pieces pieces = pieces_of(d.size);
  const size_t room = static_cast<size_t>(2 * pieces.count()) * sizeof(double);
  return cpu::loop_kernel(d.scaled ? 5 : 4, room, [=, threads = threads()](Args a, void* scratch) {
    double *squares = static_cast<double*>(scratch), *bad = squares + pieces.count();
    const float* g = a.real(3);
    cpu::parallel_for(threads, pieces.count(), [&](int64_t k) {
      squares[k] = sum_squares(g, pieces.begin(k), pieces.end(k));
      bad[k] = static_cast<double>(count_non_finite(g, pieces.begin(k), pieces.end(k)));
    });
    const double unscale = d.scaled ? 1 / static_cast<double>(*a.real(4)) : 1;
    const double norm = unscale * std::sqrt(cpu::tree_sum(squares, pieces.count()));
    double scale = unscale;
    if (d.max_norm > 0) scale *= std::min(1.0, d.max_norm / (norm + 1e-6));
    *a.real(0) = static_cast<float>(norm);
    *a.real(1) = static_cast<float>(scale);
    *a.real(2) = static_cast<float>(cpu::tree_sum(bad, pieces.count()));
  });
}

}  // namespace gantry
