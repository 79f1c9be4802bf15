// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>

#include "train/classifier.h"

namespace gantry {

// Samples that are not trained on, and what the classifier says to them: "evaluation".
class HeldOut {
 public:
  // Opens the data. Throws DataError; ConfigError where they are not like the run's own.
  HeldOut(System& system, Stream& stream);

  // c.test_loss and c.test_accuracy, over all of them; of a discriminator that names classes,
  // d.test_loss and d.test_accuracy.
  std::map<std::string, double> measure();
  std::string accuracy_name() const { return player_ + ".test_accuracy"; }

 private:
  std::unique_ptr<DataSource> data_;
  Classifier classifier_;
  std::string player_;
};

}  // namespace gantry
