// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

namespace gantry::cpu {

struct Tap {
  int64_t source;
  float weight;
};

struct Taps {
  const Tap* first;
  int64_t count;
};

// A linear map along one axis as a sparse matrix by rows: output i = sum of weight x input over the
// taps of i. Its transpose, the gradient, is such a map too, so both directions gather: every
// output is written once, whoever computes it.
class SparseAxis {
 public:
  struct Entry {
    int64_t output, input;
    float weight;
  };

  SparseAxis(int64_t outputs, const std::vector<Entry>& entries)
      : begin_(static_cast<size_t>(outputs) + 1), entries_(entries) {
    for (const Entry& e : entries) ++begin_[static_cast<size_t>(e.output) + 1];
    for (size_t i = 1; i < begin_.size(); ++i) begin_[i] += begin_[i - 1];
    taps_.resize(entries.size());
    std::vector<size_t> next(begin_.begin(), begin_.end() - 1);
    for (const Entry& e : entries)
      taps_[next[static_cast<size_t>(e.output)]++] = {e.input, e.weight};
  }

  int64_t size() const { return static_cast<int64_t>(begin_.size()) - 1; }
  Taps of(int64_t output) const {
    const size_t i = static_cast<size_t>(output);
    return {taps_.data() + begin_[i], static_cast<int64_t>(begin_[i + 1] - begin_[i])};
  }
  SparseAxis transposed(int64_t inputs) const {
    std::vector<Entry> turned;
    for (const Entry& e : entries_) turned.push_back({e.input, e.output, e.weight});
    return SparseAxis(inputs, turned);
  }

 private:
  std::vector<size_t> begin_;
  std::vector<Entry> entries_;
  std::vector<Tap> taps_;
};

// y[c] = sum over vertical and horizontal taps of their weights x image[row][column][c].
inline void weighted_pixel(const Taps& vertical, const Taps& horizontal, const float* image,
                           int64_t columns, int64_t channels, float* y) {
  const bool copy = vertical.count == 1 && horizontal.count == 1 &&
                    vertical.first->weight * horizontal.first->weight == 1;
  if (copy) {
    const int64_t pixel = vertical.first->source * columns + horizontal.first->source;
    std::memcpy(y, image + pixel * channels, static_cast<size_t>(channels) * sizeof(float));
    return;
  }
  for (int64_t c = 0; c < channels; ++c) y[c] = 0;
  for (int64_t v = 0; v < vertical.count; ++v)
    for (int64_t h = 0; h < horizontal.count; ++h) {
      const Tap &row = vertical.first[v], &column = horizontal.first[h];
      const float weight = row.weight * column.weight;
      const float* x = image + (row.source * columns + column.source) * channels;
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) y[c] += weight * x[c];
    }
}

}  // namespace gantry::cpu
