// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "kernels/common/critic_math.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/loop_kernel.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/vector_math.h"

namespace gantry {
namespace {

using cpu::Args;

// Row i against the others of its group: all loops run over the features b, which lie side by side.
class Rows {
 public:
  Rows(const MinibatchDesc& d, const float* m)
      : features_(d.features), width_(d.features * d.dimensions), group_(d.n / d.groups), m_(m) {}

  int64_t features() const { return features_; }
  int64_t width() const { return width_; }
  const float* row(int64_t i) const { return m_ + i * width_; }

  // Calls body(j) for the others of i's group, in order.
  template <typename Body>
  void others(int64_t i, const Body& body) const {
    const int64_t first = i / group_ * group_;
    for (int64_t j = first; j < first + group_; ++j) {
      if (j != i) body(j);
    }
  }

  // near[b] = exp(-d_ij[b])
  void nearness(int64_t i, int64_t j, float* near) const {
    const float *a = row(i), *b = row(j);
    std::fill_n(near, features_, 0.0f);
    for (int64_t first = 0; first < width_; first += features_) {
#pragma omp simd
      for (int64_t k = 0; k < features_; ++k) near[k] -= std::fabs(a[first + k] - b[first + k]);
    }
#pragma omp simd
    for (int64_t k = 0; k < features_; ++k) near[k] = cpu::VectorMath::exp(near[k]);
  }

  // to_i[c][b] += weight[b] sign(m_i[c][b] - m_j[c][b])
  void add_signs(int64_t i, int64_t j, const float* weight, float* to) const {
    const float *a = row(i), *b = row(j);
    for (int64_t first = 0; first < width_; first += features_) {
#pragma omp simd
      for (int64_t k = 0; k < features_; ++k)
        to[first + k] += weight[k] * sign_of(a[first + k] - b[first + k]);
    }
  }

  // t[b] = sum_c sign(m_i - m_j) (um_i - um_j)
  void tangent(int64_t i, int64_t j, const float* um, float* t) const {
    const float *a = row(i), *b = row(j), *ua = um + i * width_, *ub = um + j * width_;
    std::fill_n(t, features_, 0.0f);
    for (int64_t first = 0; first < width_; first += features_) {
#pragma omp simd
      for (int64_t k = 0; k < features_; ++k) {
        const int64_t at = first + k;
        t[k] += sign_of(a[at] - b[at]) * (ua[at] - ub[at]);
      }
    }
  }

 private:
  int64_t features_, width_, group_;
  const float* m_;
};

// Row i of all, where o, dm, uo and hm are those of its own.
void forward_row(const Rows& rows, int64_t i, float* near, float* o) {
  const int64_t features = rows.features();
  std::fill_n(o, features, 0.0f);
  rows.others(i, [&](int64_t j) {
    rows.nearness(i, j, near);
#pragma omp simd
    for (int64_t b = 0; b < features; ++b) o[b] += near[b];
  });
}

void backward_row(const Rows& rows, int64_t i, const float* dy, float* near, float* dm) {
  const int64_t features = rows.features();
  const float* own = dy + i * features;
  std::fill_n(dm, rows.width(), 0.0f);
  rows.others(i, [&](int64_t j) {
    rows.nearness(i, j, near);
    const float* other = dy + j * features;
#pragma omp simd
    for (int64_t b = 0; b < features; ++b) near[b] *= -(own[b] + other[b]);
    rows.add_signs(i, j, near, dm);
  });
}

struct Second {
  const float *dy, *um;
  float *uo, *hm;
  float *near, *t;  // room for a row of features each
};

void double_backward_row(const Rows& rows, int64_t i, const Second& s) {
  const int64_t features = rows.features();
  const float* own = s.dy + i * features;
  float *near = s.near, *t = s.t, *uo = s.uo, *hm = s.hm;
  std::fill_n(uo, features, 0.0f);
  std::fill_n(hm, rows.width(), 0.0f);
  rows.others(i, [&](int64_t j) {
    rows.nearness(i, j, near);
    rows.tangent(i, j, s.um, t);
    const float* other = s.dy + j * features;
#pragma omp simd
    for (int64_t b = 0; b < features; ++b) {
      const float moved = near[b] * t[b];
      uo[b] -= moved;
      near[b] = moved * (own[b] + other[b]);
    }
    rows.add_signs(i, j, near, hm);
  });
}

}  // namespace

CpuKernels::Made CpuKernels::make_minibatch(const MinibatchDesc& d, MinibatchPass pass) {
  const int64_t room = 2 * d.features;  // of a row: nearness and tangent
  const size_t scratch_bytes = static_cast<size_t>(d.made() * room) * sizeof(float);
  const size_t args = pass == MinibatchPass::kForward    ? 2
                      : pass == MinibatchPass::kBackward ? 3
                                                         : 5;
  return cpu::loop_kernel(args, scratch_bytes, [=, threads = threads()](Args a, void* scratch) {
    const Rows rows(d, a.real(pass == MinibatchPass::kDoubleBackward ? 2 : 1));
    cpu::parallel_for(threads, d.made(), [&](int64_t k) {
      const int64_t i = d.row(k);
      float* near = static_cast<float*>(scratch) + k * room;
      if (pass == MinibatchPass::kForward) {
        forward_row(rows, i, near, a.real(0) + k * rows.features());
      } else if (pass == MinibatchPass::kBackward) {
        backward_row(rows, i, a.real(2), near, a.real(0) + k * rows.width());
      } else {
        double_backward_row(rows, i,
                            {a.real(3), a.real(4), a.real(0) + k * rows.features(),
                             a.real(1) + k * rows.width(), near, near + d.features});
      }
    });
  });
}

}  // namespace gantry
