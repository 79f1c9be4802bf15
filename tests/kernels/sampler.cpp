// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/sampler.h"

#include <algorithm>
#include <cmath>

#include "core/philox.h"

namespace gantry::ladder {

Vec rounded(Vec values) {
  for (double& value : values) value = static_cast<double>(static_cast<float>(value));
  return values;
}

Vec Sampler::uniform(const Shape& shape, double low, double high) {
  const RandomKey key = random_key(seed_, Purpose::kSynthetic, draws_++);
  Vec values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    const PhiloxBlock block = random_block(key, 0, 0, static_cast<uint32_t>(i));
    values[i] = low + (high - low) * static_cast<double>(uniform01(block.v[0]));
  }
  return rounded(values);
}

Vec Sampler::normal(const Shape& shape, double mean, double deviation) {
  const RandomKey key = random_key(seed_, Purpose::kSynthetic, draws_++);
  Vec values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i) {
    const PhiloxBlock block = random_block(key, 0, 0, static_cast<uint32_t>(i));
    float first, second;
    normal_pair(block.v[0], block.v[1], &first, &second);
    values[i] = mean + deviation * static_cast<double>(first);
  }
  return rounded(values);
}

Vec Sampler::off_zero(const Shape& shape, double gap) {
  Vec values = normal(shape);
  for (double& value : values) value += value < 0 ? -gap : gap;
  return rounded(values);
}

Vec Sampler::distinct(const Shape& shape) {
  const Vec order = uniform(shape, 0, 1);
  std::vector<size_t> index(order.size());
  for (size_t i = 0; i < index.size(); ++i) index[i] = i;
  std::sort(index.begin(), index.end(), [&](size_t a, size_t b) { return order[a] < order[b]; });
  Vec values(order.size());
  const double middle = static_cast<double>(order.size()) / 2;
  for (size_t i = 0; i < index.size(); ++i)
    values[index[i]] = (static_cast<double>(i) - middle) / 64;
  return rounded(values);
}

Vec Sampler::categories(int64_t count, int64_t classes) {
  Vec values = uniform(vector_shape(count), 0, static_cast<double>(classes));
  for (double& value : values) value = std::floor(value);
  return values;
}

}  // namespace gantry::ladder
