// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "train/classifier.h"
#include "train/sampler.h"

namespace gantry {

// What the values of a categorical code turned out to mean: the class that the classifier sees
// most often in the samples of each.
struct CodeMeaning {
  std::string name;
  double purity = 0;             // share of samples whose class is that of their value
  std::vector<size_t> class_of;  // per value
  std::vector<double> share_of;  // per value: how many of its samples are of that class
};

// What a classifier sees in the samples of a generator.
struct Agreement {
  int64_t samples = 0;
  std::optional<Verdict> asked;  // against the classes that G was asked for; where it takes them
  std::vector<CodeMeaning> codes;
};

// Over `count` samples of the sequence that `seed` names, each class asked for equally often.
// Throws ConfigError where G and the classifier do not fit, or where G takes neither labels nor
// codes.
class AgreementMeter {
 public:
  AgreementMeter(const System& g, Sampler& sampler, Classifier& classifier);
  Agreement measure(uint64_t seed, int64_t count);

 private:
  struct Part {
    std::vector<float> latents, labels;
    std::vector<double> logits;
  };
  Part draw(uint64_t seed, int64_t first, int64_t count);

  const System& g_;
  Sampler& sampler_;
  Classifier& classifier_;
};

}  // namespace gantry
