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

  // c.test_loss and c.test_accuracy, over all of them.
  std::map<std::string, double> measure();

 private:
  std::unique_ptr<DataSource> data_;
  Classifier classifier_;
};

}  // namespace gantry
