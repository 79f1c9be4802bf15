// SPDX-License-Identifier: Apache-2.0
#include "train/held_out.h"

namespace gantry {
namespace {

constexpr int64_t kBatch = 250;

}  // namespace

HeldOut::HeldOut(System& system, Stream& stream)
    : data_(open_data(system.config.evaluation_data(), system.seed())),
      classifier_(system, stream, kBatch),
      player_(naming_player(system)->name) {
  const DataInfo& info = data_->info();
  if (info.sample == system.sample.shape && info.classes == system.sample.classes) return;
  throw ConfigError(concat("/evaluation/data: has samples of ", to_string(info.sample), " in ",
                           info.classes, " classes, the data of the run ",
                           to_string(system.sample.shape), " in ", system.sample.classes));
}

std::map<std::string, double> HeldOut::measure() {
  const Verdict verdict = judge_all(classifier_, *data_);
  return {{player_ + ".test_loss", verdict.loss()}, {accuracy_name(), verdict.accuracy()}};
}

}  // namespace gantry
