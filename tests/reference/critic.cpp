// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::loop;

double energy_of(const ReconstructionDesc& d, const double* y, const double* x) {
  const int64_t size = d.x.per_sample();
  double sum = 0;
  for (int64_t k = 0; k < size; ++k) {
    const double r = y[k] - x[k];
    sum += d.kind == ReconstructionDesc::Kind::kSquared ? r * r : std::fabs(r);
  }
  return d.mean ? sum / static_cast<double>(size) : sum;
}

double residual_slope(const ReconstructionDesc& d, double r) {
  if (d.kind == ReconstructionDesc::Kind::kSquared) return 2 * r;
  return r > 0 ? 1 : r < 0 ? -1 : 0;
}

void reconstruct(const ReconstructionDesc& d, Args a) {
  const int64_t size = d.x.per_sample();
  const size_t in = d.want_dx ? 5 : 4;
  const double n = static_cast<double>(d.x.n), margin = static_cast<double>(d.margin);
  const double scale = static_cast<double>(d.scale) * (d.weighted ? *a.real(in + 2) : 1);
  double energies = 0, losses = 0, active = 0;
  for (int64_t i = 0; i < d.x.n; ++i) {
    const double *y = a.real(in) + i * size, *x = a.real(in + 1) + i * size;
    const double e = energy_of(d, y, x);
    const double slope = !d.hinge ? 1 : e < margin ? -1 : 0;
    energies += e;
    losses += !d.hinge ? e : std::max(margin - e, 0.0);
    active += slope != 0 ? 1 : 0;
    const double each = d.mean ? 1 / static_cast<double>(size) : 1;
    for (int64_t k = 0; k < size; ++k) {
      const double dy = scale / n * slope * each * residual_slope(d, y[k] - x[k]);
      a.real(3)[i * size + k] = dy;
      if (d.want_dx) a.real(4)[i * size + k] = -dy;
    }
  }
  *a.real(0) = scale * losses / n;
  *a.real(1) = energies / n;
  *a.real(2) = active / n;
}

double dot(const double* a, const double* b, int64_t size) {
  double sum = 0;
  for (int64_t k = 0; k < size; ++k) sum += a[k] * b[k];
  return sum;
}

double length(const double* a, int64_t size) { return std::max(std::sqrt(dot(a, a, size)), 1e-12); }

// d cos(a, b) / da = (b / |b| - cos a / |a|) / |a|; each pair stands twice in the sum.
void pull_away(const PullingAwayDesc& d, Args a) {
  const int64_t n = d.s.n, size = d.s.per_sample();
  const double pairs = static_cast<double>(std::max<int64_t>(1, n * (n - 1)));
  const double scale = static_cast<double>(d.scale) / pairs;
  const double* s = a.real(2);
  double total = 0;
  std::fill_n(a.real(1), n * size, 0.0);
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      if (i == j) continue;
      const double *si = s + i * size, *sj = s + j * size;
      const double li = length(si, size), lj = length(sj, size);
      const double cosine = dot(si, sj, size) / (li * lj);
      total += cosine * cosine;
      for (int64_t k = 0; k < size; ++k)
        a.real(1)[i * size + k] += 4 * scale * cosine * (sj[k] / lj - cosine * si[k] / li) / li;
    }
  }
  *a.real(0) = scale * total;
}

void move_k(const EquilibriumDesc& d, Args a) {
  const double real = *a.real(3), fake = *a.real(4);
  const double balance = static_cast<double>(d.gamma) * real - fake;
  *a.real(0) = real + std::fabs(balance);
  *a.real(2) = std::clamp(*a.real(2) + static_cast<double>(d.lambda) * balance, 0.0, 1.0);
  *a.real(1) = *a.real(2);
}

void match(const FeatureMatchDesc& d, Args a) {
  const int64_t size = d.fake.per_sample();
  const double n = static_cast<double>(d.fake.n), scale = static_cast<double>(d.scale);
  double total = 0;
  for (int64_t k = 0; k < size; ++k) {
    double gap = 0;
    for (int64_t i = 0; i < d.fake.n; ++i) gap += a.real(2)[i * size + k] / n;
    for (int64_t i = 0; i < d.real.n; ++i)
      gap -= a.real(3)[i * size + k] / static_cast<double>(d.real.n);
    double slope = 2 * gap;
    if (d.kind == FeatureMatchDesc::Kind::kSquared) {
      total += gap * gap;
    } else {
      total += std::fabs(gap) / static_cast<double>(size);
      slope = (gap > 0 ? 1 : gap < 0 ? -1 : 0) / static_cast<double>(size);
    }
    for (int64_t i = 0; i < d.fake.n; ++i) a.real(1)[i * size + k] = scale * slope / n;
  }
  *a.real(0) = scale * total;
}

struct Pair {
  int64_t made, i, j, b;  // which of the rows that are made, which two of all, the feature
  double near;
};

// Calls body for all pairs i != j of a group, i one of the rows that are made.
template <typename Body>
void for_each_pair(const MinibatchDesc& d, const double* m, const Body& body) {
  const int64_t width = d.features * d.dimensions, group = d.n / d.groups;
  const int64_t made_of_group = group / d.parts;
  for (int64_t k = 0; k < d.n / d.parts; ++k) {
    const int64_t first = k / made_of_group * group;
    const int64_t i = first + d.part * made_of_group + k % made_of_group;
    for (int64_t j = first; j < first + group; ++j) {
      for (int64_t b = 0; i != j && b < d.features; ++b) {
        double distance = 0;
        for (int64_t c = b; c < width; c += d.features)
          distance += std::fabs(m[i * width + c] - m[j * width + c]);
        body({k, i, j, b, std::exp(-distance)});
      }
    }
  }
}

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

void minibatch_forward(const MinibatchDesc& d, Args a) {
  std::fill_n(a.real(0), d.n / d.parts * d.features, 0.0);
  for_each_pair(d, a.real(1),
                [&](const Pair& p) { a.real(0)[p.made * d.features + p.b] += p.near; });
}

void minibatch_backward(const MinibatchDesc& d, Args a) {
  const int64_t width = d.features * d.dimensions;
  const double *m = a.real(1), *dy = a.real(2);
  std::fill_n(a.real(0), d.n / d.parts * width, 0.0);
  for_each_pair(d, m, [&](const Pair& p) {
    const auto [made, i, j, b, near] = p;
    const double weight = (dy[i * d.features + b] + dy[j * d.features + b]) * near;
    for (int64_t c = b; c < width; c += d.features)
      a.real(0)[made * width + c] -= weight * sign(m[i * width + c] - m[j * width + c]);
  });
}

// The tangent of d_ij is t = sum_c sign(m_i - m_j) (um_i - um_j); signs do not change.
void minibatch_double_backward(const MinibatchDesc& d, Args a) {
  const int64_t width = d.features * d.dimensions;
  const double *m = a.real(2), *dy = a.real(3), *um = a.real(4);
  std::fill_n(a.real(0), d.n / d.parts * d.features, 0.0);
  std::fill_n(a.real(1), d.n / d.parts * width, 0.0);
  for_each_pair(d, m, [&](const Pair& p) {
    const auto [made, i, j, b, near] = p;
    double t = 0;
    for (int64_t c = b; c < width; c += d.features)
      t += sign(m[i * width + c] - m[j * width + c]) * (um[i * width + c] - um[j * width + c]);
    a.real(0)[made * d.features + b] -= near * t;
    const double weight = (dy[i * d.features + b] + dy[j * d.features + b]) * near * t;
    for (int64_t c = b; c < width; c += d.features)
      a.real(1)[made * width + c] += weight * sign(m[i * width + c] - m[j * width + c]);
  });
}

}  // namespace

Kernels::Made ReferenceKernels::make_reconstruction(const ReconstructionDesc& d) {
  return loop(6 + (d.want_dx ? 1u : 0u) + (d.weighted ? 1u : 0u),
              [d](Args a) { reconstruct(d, a); });
}

Kernels::Made ReferenceKernels::make_pulling_away(const PullingAwayDesc& d) {
  return loop(3, [d](Args a) { pull_away(d, a); });
}

Kernels::Made ReferenceKernels::make_equilibrium(const EquilibriumDesc& d) {
  return loop(5, [d](Args a) { move_k(d, a); });
}

Kernels::Made ReferenceKernels::make_feature_match(const FeatureMatchDesc& d) {
  return loop(4, [d](Args a) { match(d, a); });
}

Kernels::Made ReferenceKernels::make_minibatch(const MinibatchDesc& d, MinibatchPass pass) {
  if (pass == MinibatchPass::kForward) return loop(2, [d](Args a) { minibatch_forward(d, a); });
  if (pass == MinibatchPass::kBackward) return loop(3, [d](Args a) { minibatch_backward(d, a); });
  return loop(5, [d](Args a) { minibatch_double_backward(d, a); });
}

}  // namespace gantry
