// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/reference/reference_backend.h"

namespace gantry {
namespace {

using reference::Args;
using reference::loop;
using reference::normal_of;
using reference::uniform_of;

// Word of element e of sample n, and the standard normal made from that word and its partner.
uint32_t word_of(RandomKey key, int64_t step, int64_t sample, int64_t e) {
  const PhiloxBlock block =
      random_block(key, static_cast<uint64_t>(step), static_cast<uint32_t>(sample),
                   static_cast<uint32_t>(e / 4));
  return block.v[e % 4];
}

double draw(const RandomDesc& d, int64_t step, int64_t sample, int64_t e) {
  const double a = static_cast<double>(d.a), b = static_cast<double>(d.b);
  switch (d.kind) {
    case RandomDesc::Kind::kNormal:
      return a + b * normal_of(d.key, step, sample, e);
    case RandomDesc::Kind::kUniform:
      return a + (b - a) * uniform_of(d.key, step, sample, e);
    case RandomDesc::Kind::kBernoulli:
      return uniform_of(d.key, step, sample, e) < a ? 1 : 0;
    case RandomDesc::Kind::kCategorical:
      return static_cast<double>(static_cast<int64_t>(uniform_of(d.key, step, sample, e) * a));
  }
  return 0;
}

}  // namespace

namespace reference {

double uniform_of(RandomKey key, int64_t step, int64_t sample, int64_t e) {
  return static_cast<double>(uniform01(word_of(key, step, sample, e)));
}

double normal_of(RandomKey key, int64_t step, int64_t sample, int64_t e) {
  const int64_t even = e - e % 2;
  float pair[2];
  normal_pair(word_of(key, step, sample, even), word_of(key, step, sample, even + 1), &pair[0],
              &pair[1]);
  return static_cast<double>(pair[e % 2]);
}

}  // namespace reference

Kernels::Made ReferenceKernels::make_cast(const CastDesc& d) {
  return loop(d.scale == CastDesc::Scale::kNone ? 2 : 3, [d](Args a) {
    for (int64_t i = 0; i < d.size; ++i) {
      a.real(0)[i] = a.real(1)[i];
      if (d.scale == CastDesc::Scale::kTimes) a.real(0)[i] *= *a.real(2);
      if (d.scale == CastDesc::Scale::kOver) a.real(0)[i] /= *a.real(2);
    }
  });
}

Kernels::Made ReferenceKernels::make_sum(const SumDesc& d) {
  return loop(1 + d.scale.size(), [d](Args a) {
    for (int64_t k = 0; k < d.y.elements(); ++k) {
      double sum = static_cast<double>(d.constant) + (d.accumulate ? a.real(0)[k] : 0);
      for (size_t i = 0; i < d.scale.size(); ++i)
        sum += static_cast<double>(d.scale[i]) * a.real(1 + i)[k];
      a.real(0)[k] = sum;
    }
  });
}

Kernels::Made ReferenceKernels::make_dropout(const DropoutDesc& d) {
  return loop(3, [d](Args a) {
    const double rate = static_cast<double>(d.rate);
    for (int64_t k = 0; k < d.x.elements(); ++k) {
      const int64_t n = k / d.x.per_sample(), e = k % d.x.per_sample();
      const bool dropped = uniform_of(d.key, *a.counter(2), d.first_sample + n, e) < rate;
      a.real(0)[k] = dropped ? 0 : a.real(1)[k] / (1 - rate);
    }
  });
}

Kernels::Made ReferenceKernels::make_random(const RandomDesc& d) {
  return loop(2, [d](Args a) {
    for (int64_t k = 0; k < d.y.elements(); ++k) {
      const int64_t n = k / d.y.per_sample(), e = k % d.y.per_sample();
      a.real(0)[k] = draw(d, *a.counter(1), d.first_sample + n, e);
    }
  });
}

Kernels::Made ReferenceKernels::make_one_hot(const OneHotDesc& d) {
  return loop(2, [d](Args a) {
    for (int64_t n = 0; n < d.n; ++n)
      for (int64_t c = 0; c < d.classes; ++c)
        a.real(0)[n * d.classes + c] = static_cast<double>(c) == a.real(1)[n] ? 1 : 0;
  });
}

Kernels::Made ReferenceKernels::make_target(const TargetDesc& d) {
  return loop(2, [d](Args a) {
    for (int64_t n = 0; n < d.n; ++n) {
      const int64_t sample = d.first_sample + n, step = *a.counter(1);
      const bool flip = uniform_of(d.key, step, sample, 1) < static_cast<double>(d.flip);
      const double centre = static_cast<double>(flip ? d.flipped : d.base);
      a.real(0)[n] = centre + static_cast<double>(d.soft) * uniform_of(d.key, step, sample, 0);
    }
  });
}

Kernels::Made ReferenceKernels::make_instance_noise(const InstanceNoiseDesc& d) {
  return loop(3, [d](Args a) {
    const int64_t step = *a.counter(2);
    double s = static_cast<double>(d.sigma);
    if (d.until > 0)
      s *= std::max(0.0, 1 - static_cast<double>(step) / static_cast<double>(d.until));
    for (int64_t k = 0; k < d.x.elements(); ++k) {
      const int64_t n = k / d.x.per_sample(), e = k % d.x.per_sample();
      a.real(0)[k] = a.real(1)[k] + s * normal_of(d.key, step, d.first_sample + n, e);
    }
  });
}

}  // namespace gantry
