// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "core/png.h"
#include "core/replay.h"
#include "train/data/source.h"
#include "train/system.h"

namespace gantry {

// What black and white are in the data of a run.
ValueRange range_of(const System& system);

// The network whose first output are logits of the classes of the data; null: the run has none.
const Player* naming_player(const System& system);

// A classifier's network at work: in inference mode, a fixed number of images at a time.
class Classifier {
 public:
  Classifier(System& system, Stream& stream, int64_t batch);

  int64_t batch() const { return batch_; }
  int64_t classes() const { return system_.sample.classes; }
  const Shape& sample() const { return system_.sample.shape; }
  // C's answers to whole images, NHWC: count x classes. They lie in the range of C's own data.
  std::vector<double> logits(const std::vector<float>& images);
  // The same for images whose black and white are those of `range`.
  std::vector<double> logits(std::vector<float> images, const ValueRange& range);
  // The class that C finds most likely for each of such images.
  std::vector<size_t> classes_of(std::vector<float> images, const ValueRange& range);

 private:
  System& system_;
  Stream& stream_;
  int64_t batch_;
  Tensor images_, logits_;
  std::unique_ptr<Replay> replay_;
};

// How often a classifier names the wanted class of images.
class Verdict {
 public:
  explicit Verdict(int64_t classes)
      : of_class_(static_cast<size_t>(classes)), right_(static_cast<size_t>(classes)) {}

  // `logits`: count x classes, `wanted`: count class numbers.
  void add(const std::vector<double>& logits, const std::vector<float>& wanted);

  int64_t samples() const { return samples_; }
  double loss() const;                 // mean cross-entropy
  double accuracy() const;             // share of right answers
  double accuracy_of(size_t c) const;  // among the samples of class c; NaN: there are none
  size_t classes() const { return right_.size(); }

 private:
  int64_t samples_ = 0;
  double loss_ = 0;
  std::vector<int64_t> of_class_, right_;
};

// Over one epoch of `data`.
Verdict judge_all(Classifier& classifier, const DataSource& data);

}  // namespace gantry
