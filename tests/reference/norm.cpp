// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::loop;

using Group = std::vector<int64_t>;  // the elements that share a mean

// Which group each element belongs to: the table in norm.h, element by element.
std::vector<Group> groups_of(const NormDesc& d) {
  std::vector<Group> groups(static_cast<size_t>(norm_stats_shape(d).elements()));
  const Shape& s = d.x;
  for (int64_t k = 0; k < s.elements(); ++k) {
    const int64_t n = k / s.per_sample(), c = k % s.c;
    int64_t group = n;
    if (d.kind == NormKind::kBatch) group = n / (s.n / d.batch_groups) * s.c + c;
    if (d.kind == NormKind::kInstance) group = n * s.c + c;
    if (d.kind == NormKind::kGroup) group = n * d.channel_groups + c / (s.c / d.channel_groups);
    groups[static_cast<size_t>(group)].push_back(k);
  }
  return groups;
}

template <typename Value>
double mean_of(const Group& group, const Value& value) {
  double sum = 0;
  for (int64_t k : group) sum += value(k);
  return sum / static_cast<double>(group.size());
}

void forward(const NormDesc& d, const std::vector<Group>& groups, Args a) {
  const bool track = d.kind == NormKind::kBatch && d.track;
  double *y = a.real(0), *mean = a.real(1), *rstd = a.real(2);
  const size_t in = track ? 5 : 3;
  double *x = a.real(in), *gamma = a.real(in + 1), *beta = a.real(in + 2);
  const double momentum = static_cast<double>(d.momentum);
  for (size_t g = 0; g < groups.size(); ++g) {
    const double m = static_cast<double>(groups[g].size());
    const double mu = mean_of(groups[g], [=](int64_t k) { return x[k]; });
    const double var = mean_of(groups[g], [=](int64_t k) { return (x[k] - mu) * (x[k] - mu); });
    mean[g] = mu;
    rstd[g] = 1 / std::sqrt(var + static_cast<double>(d.eps));
    for (int64_t k : groups[g]) {
      const double z = gamma[k % d.x.c] * (x[k] - mu) * rstd[g] + beta[k % d.x.c];
      y[k] = reference::activation_value(d.activation, z);
    }
    if (!track) continue;
    double* r_mean = a.real(3) + g % static_cast<size_t>(d.x.c);
    double* r_var = a.real(4) + g % static_cast<size_t>(d.x.c);
    *r_mean = (1 - momentum) * *r_mean + momentum * mu;
    *r_var = (1 - momentum) * *r_var + momentum * var * (d.unbiased && m > 1 ? m / (m - 1) : 1);
  }
}

void inference(const NormDesc& d, Args a) {
  double *y = a.real(0), *x = a.real(1), *gamma = a.real(2), *beta = a.real(3);
  double *mean = a.real(4), *var = a.real(5);
  for (int64_t k = 0; k < d.x.elements(); ++k) {
    const int64_t c = k % d.x.c;
    const double xhat = (x[k] - mean[c]) / std::sqrt(var[c] + static_cast<double>(d.eps));
    y[k] = reference::activation_value(d.activation, gamma[c] * xhat + beta[c]);
  }
}

// What both backward passes need of element k of a group: xhat, and dy through the activation.
struct Local {
  const double *x, *dy, *gamma, *beta;
  double mean, rstd;
  int64_t channels;
  Activation act;

  double xhat(int64_t k) const { return (x[k] - mean) * rstd; }
  double mask(int64_t k) const {
    return reference::activation_slope(act, gamma[k % channels] * xhat(k) + beta[k % channels]);
  }
  double d(int64_t k) const { return gamma[k % channels] * mask(k) * dy[k]; }
};

void backward(const NormDesc& d, const std::vector<Group>& groups, bool parameters, Args a) {
  const size_t in = parameters ? 3 : 1;
  double *dx = a.real(0), *dgamma = parameters ? a.real(1) : nullptr;
  double* dbeta = parameters ? a.real(2) : nullptr;
  for (int64_t c = 0; parameters && !d.accumulate && c < d.x.c; ++c) dgamma[c] = dbeta[c] = 0;
  for (size_t g = 0; g < groups.size(); ++g) {
    const Local l{a.real(in),        a.real(in + 1),    a.real(in + 2), a.real(in + 3),
                  a.real(in + 4)[g], a.real(in + 5)[g], d.x.c,          d.activation};
    const double mean_d = mean_of(groups[g], [&](int64_t k) { return l.d(k); });
    const double mean_xd = mean_of(groups[g], [&](int64_t k) { return l.xhat(k) * l.d(k); });
    for (int64_t k : groups[g]) {
      if (parameters) {
        dgamma[k % d.x.c] += l.mask(k) * l.dy[k] * l.xhat(k);
        dbeta[k % d.x.c] += l.mask(k) * l.dy[k];
      }
      dx[k] = l.rstd * (l.d(k) - mean_d - l.xhat(k) * mean_xd);
    }
  }
}

void double_backward(const NormDesc& d, const std::vector<Group>& groups, Args a) {
  double *uy = a.real(0), *hx = a.real(1), *dgamma = a.real(2), *u = a.real(5);
  for (size_t g = 0; g < groups.size(); ++g) {
    const Local l{a.real(3),    a.real(4),    a.real(6), a.real(7),
                  a.real(8)[g], a.real(9)[g], d.x.c,     d.activation};
    const Group& group = groups[g];
    const double mean_d = mean_of(group, [&](int64_t k) { return l.d(k); });
    const double mean_u = mean_of(group, [&](int64_t k) { return u[k]; });
    const double p = mean_of(group, [&](int64_t k) { return l.xhat(k) * l.d(k); });
    const double q = mean_of(group, [&](int64_t k) { return l.xhat(k) * u[k]; });
    const double du = mean_of(group, [&](int64_t k) { return l.d(k) * u[k]; });
    const double big_k = du - mean_d * mean_u - p * q;
    for (int64_t k : group) {
      const double project_d = l.d(k) - mean_d - l.xhat(k) * p;
      const double project_u = u[k] - mean_u - l.xhat(k) * q;
      uy[k] = l.mask(k) * l.gamma[k % d.x.c] * l.rstd * project_u;
      hx[k] = -l.rstd * l.rstd * (big_k * l.xhat(k) + q * project_d + p * project_u);
      dgamma[k % d.x.c] += l.mask(k) * l.dy[k] * l.rstd * project_u;
    }
  }
}

}  // namespace

Kernels::Made ReferenceKernels::make_norm(const NormDesc& d, NormPass pass) {
  GANTRY_CHECK(d.stage == NormStage::kWhole, "the reference is one rank");
  const std::vector<Group> groups = groups_of(d);
  switch (pass) {
    case NormPass::kForward:
      return loop(d.kind == NormKind::kBatch && d.track ? 8 : 6,
                  [=](Args a) { forward(d, groups, a); });
    case NormPass::kInference:
      return loop(6, [=](Args a) { inference(d, a); });
    case NormPass::kBackward:
      return loop(9, [=](Args a) { backward(d, groups, true, a); });
    case NormPass::kBackwardData:
      return loop(7, [=](Args a) { backward(d, groups, false, a); });
    case NormPass::kDoubleBackward:
      return loop(10, [=](Args a) { double_backward(d, groups, a); });
  }
  return nullptr;
}

}  // namespace gantry
