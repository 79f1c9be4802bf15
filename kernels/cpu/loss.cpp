// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "kernels/common/activation_math.h"
#include "kernels/common/loss_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vector_math.h"

namespace gantry {
namespace {

using cpu::Args;
using LossKind = LossDesc::Kind;

// Pieces of the elements (pointwise) or pixels (over channels), one pair of partial sums each.
cpu::Pieces pieces_of(const LossDesc& d) {
  const int64_t items = d.over_channels() ? d.x.n * d.x.pixels() : d.x.elements();
  return cpu::cut(items, 2048, 256);
}

struct Totals {
  double* value;  // one per piece
  double* right;

  Totals(void* scratch, int64_t pieces)
      : value(static_cast<double*>(scratch)), right(value + pieces) {}
  static size_t bytes(int64_t pieces) { return static_cast<size_t>(2 * pieces) * sizeof(double); }

  void write(const LossDesc& d, const cpu::Pieces& pieces, Args a) const {
    const double items = static_cast<double>(pieces.size), scale = static_cast<double>(d.scale);
    *a.real(0) = static_cast<float>(scale * cpu::tree_sum(value, pieces.count()) / items);
    *a.real(1) = static_cast<float>(cpu::tree_sum(right, pieces.count()) / items);
  }
};

// What a pointwise loss reads and writes. targets: how many consecutive elements share a target,
// and where there are weights, one of those.
struct Pointwise {
  const float *x, *t, *w;  // w: or null
  float* dx;               // or null
  int64_t targets;
  float weight;
};

template <LossKind kKind>
void pointwise_piece(const Pointwise& p, int64_t begin, int64_t end, double* value, double* right) {
  double sum = 0, count = 0;
  for (int64_t i = begin; i < end; ++i) {
    const int64_t target = p.targets == 1 ? i : i / p.targets;
    const auto term = loss_term<kKind, cpu::VectorMath>(p.x[i], p.t[target]);
    const float own = p.w ? p.w[target] : 1;
    sum += static_cast<double>(own) * static_cast<double>(term.value);
    count += term.right ? 1 : 0;
    if (p.dx) p.dx[i] = p.weight * own * term.slope;
  }
  *value = sum;
  *right = count;
}

template <LossKind kKind>
std::shared_ptr<Kernel> pointwise(const LossDesc& d, bool gradient, int threads) {
  const cpu::Pieces pieces = pieces_of(d);
  const int64_t targets = d.t == d.x ? 1 : d.x.per_sample();
  const float weight =
      static_cast<float>(static_cast<double>(d.scale) / static_cast<double>(d.x.elements()));
  const size_t in = gradient ? 3 : 2;
  const size_t args = in + (d.weighted ? 3 : 2);
  return cpu::loop_kernel(args, Totals::bytes(pieces.count()), [=](Args a, void* scratch) {
    const Totals totals(scratch, pieces.count());
    const Pointwise all{a.real(in),
                        a.real(in + 1),
                        d.weighted ? a.real(in + 2) : nullptr,
                        gradient ? a.real(2) : nullptr,
                        targets,
                        weight};
    cpu::parallel_for(threads, pieces.count(), [&](int64_t k) {
      pointwise_piece<kKind>(all, pieces.begin(k), pieces.end(k), totals.value + k,
                             totals.right + k);
    });
    totals.write(d, pieces, a);
  });
}

struct Pixel {
  double value;
  bool right;
};

// The largest of x and the sum of exp(x - largest).
struct Exponentials {
  int64_t best = 0;
  double top, sum = 0;

  Exponentials(const float* x, int64_t classes) {
    for (int64_t c = 1; c < classes; ++c)
      if (x[c] > x[best]) best = c;
    top = static_cast<double>(x[best]);
    for (int64_t c = 0; c < classes; ++c) sum += std::exp(static_cast<double>(x[c]) - top);
  }
  double share(float x) const { return std::exp(static_cast<double>(x) - top) / sum; }
};

// -log softmax(x)[t] = log(sum exp(x - max)) + max - x[t].
Pixel cross_entropy(const float* x, int64_t classes, float target, float* dx, double weight) {
  const Exponentials all(x, classes);
  const int64_t t = static_cast<int64_t>(target);
  for (int64_t c = 0; dx && c < classes; ++c) {
    dx[c] = static_cast<float>(weight * (all.share(x[c]) - (c == t ? 1 : 0)));
  }
  return {std::log(all.sum) + (all.top - static_cast<double>(x[t])), all.best == t};
}

Pixel bce_logsumexp(const float* x, int64_t classes, float target, float* dx, double weight) {
  const Exponentials all(x, classes);
  const auto term = loss_term<LossKind::kBceLogits, LibraryMath>(std::log(all.sum) + all.top,
                                                                 static_cast<double>(target));
  for (int64_t c = 0; dx && c < classes; ++c) {
    dx[c] = static_cast<float>(weight * term.slope * all.share(x[c]));
  }
  return {term.value, term.right};
}

using PixelLoss = Pixel (*)(const float* x, int64_t classes, float target, float* dx,
                            double weight);

std::shared_ptr<Kernel> over_channels(const LossDesc& d, bool gradient, int threads,
                                      PixelLoss loss) {
  const cpu::Pieces pieces = pieces_of(d);
  const int64_t classes = d.x.c;
  const double weight = static_cast<double>(d.scale) / static_cast<double>(pieces.size);
  const size_t in = gradient ? 3 : 2;
  return cpu::loop_kernel(in + 2, Totals::bytes(pieces.count()), [=](Args a, void* scratch) {
    const Totals totals(scratch, pieces.count());
    cpu::parallel_for(threads, pieces.count(), [&](int64_t k) {
      totals.value[k] = totals.right[k] = 0;
      for (int64_t i = pieces.begin(k); i < pieces.end(k); ++i) {
        float* dx = gradient ? a.real(2) + i * classes : nullptr;
        const Pixel pixel = loss(a.real(in) + i * classes, classes, a.real(in + 1)[i], dx, weight);
        totals.value[k] += pixel.value;
        totals.right[k] += pixel.right ? 1 : 0;
      }
    });
    totals.write(d, pieces, a);
  });
}

}  // namespace

CpuKernels::Made CpuKernels::make_loss(const LossDesc& d, bool gradient) {
  switch (d.kind) {
    case LossKind::kBceLogits:
      return pointwise<LossKind::kBceLogits>(d, gradient, threads());
    case LossKind::kMse:
      return pointwise<LossKind::kMse>(d, gradient, threads());
    case LossKind::kL1:
      return pointwise<LossKind::kL1>(d, gradient, threads());
    case LossKind::kLinear:
      return pointwise<LossKind::kLinear>(d, gradient, threads());
    case LossKind::kHinge:
      return pointwise<LossKind::kHinge>(d, gradient, threads());
    case LossKind::kCrossEntropy:
      return over_channels(d, gradient, threads(), cross_entropy);
    case LossKind::kBceLogSumExp:
      return over_channels(d, gradient, threads(), bce_logsumexp);
  }
  return nullptr;
}

}  // namespace gantry
