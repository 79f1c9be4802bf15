// SPDX-License-Identifier: Apache-2.0
// What kernels/ops/decode.h reads from memory against what a DataSource reads on the host: equal
// bit for bit, as runs must not depend on which of them is used.
#include <gtest/gtest.h>

#include "kernels/kernels.h"
#include "train/data/sample_set.h"
#include "train/data/source.h"

namespace gantry {
namespace {

DataConfig glyphs() {
  DataConfig config;
  config.source = DataSourceKind::kGlyphs;
  config.samples = 53;
  config.size = {20, 18};
  config.channels = 3;
  return config;
}

DecodeDesc described(const DataConfig& config, const DataSource& source, const SampleSet& set,
                     uint64_t seed, int64_t n) {
  DecodeDesc d;
  d.y = source.info().sample.with_n(n);
  d.count = set.count;
  d.h = set.sample.h;
  d.w = set.sample.w;
  d.labels = source.info().classes > 0;
  d.shuffle = config.shuffle;
  d.flip = config.augment.flip;
  d.vertical_flip = config.augment.vertical_flip;
  d.shift = config.augment.shift;
  d.fill = static_cast<uint8_t>(config.augment.fill);
  d.low = config.range[0];
  d.high = config.range[1];
  d.seed = seed;
  return d;
}

void expect_same(const DataConfig& config, int64_t first) {
  constexpr uint64_t kSeed = 11;
  constexpr int64_t kBatch = 8;
  const std::unique_ptr<DataSource> source = open_data(config, kSeed);
  SampleSet set = load_samples(config);
  select_samples(set, config, "glyphs");
  const DecodeDesc d = described(config, *source, set, kSeed, kBatch);
  ASSERT_TRUE(d.labels);

  const Backend backend = open_backend(BackendChoice::kCpu, 2);
  const std::unique_ptr<Stream> stream = backend.device->make_stream();
  std::vector<float> y(static_cast<size_t>(d.y.elements())), labels(kBatch), want(y.size()),
      want_labels(kBatch);
  const std::vector<TensorView> args = {{y.data(), d.y, DType::kF32},
                                        {labels.data(), vector_shape(kBatch), DType::kF32},
                                        {set.bytes.data(), d.stored(), DType::kU8},
                                        {set.labels.data(), vector_shape(set.count), DType::kI32},
                                        {&first, vector_shape(1), DType::kI64}};
  backend.kernels->decode(d)->run(*stream, args, nullptr);
  source->read(static_cast<uint64_t>(first), kBatch, want.data(), want_labels.data());
  EXPECT_EQ(y, want);
  EXPECT_EQ(labels, want_labels);
}

TEST(DataDecode, IsWhatTheSourceReads) {
  for (const int64_t first : {int64_t{0}, int64_t{50}, int64_t{777'777}}) {
    DataConfig config = glyphs();
    expect_same(config, first);
    config.shuffle = false;
    expect_same(config, first);
    config.shuffle = true;
    config.range = {0.25, 0.7};
    config.augment.flip = config.augment.vertical_flip = true;
    expect_same(config, first);
    config.augment.shift = 5;
    config.augment.fill = 77;
    config.augment.random_crop = {16, 11};
    expect_same(config, first);
  }
}

}  // namespace
}  // namespace gantry
