// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "train/host_copy.h"
#include "train/session.h"

namespace gantry {

// The values of a step's taps: reader.step(session), then reader.at("d1.m1.labels").
class TapReader : public ReplayWatcher {
 public:
  void step(Session& session) {
    session_ = &session;
    values_.clear();
    session.step(*this);
  }

  const std::vector<double>& at(const std::string& tap) const { return values_.at(tap); }
  bool has(const std::string& tap) const { return values_.contains(tap); }

  void before(size_t index, const Call&, std::span<const TensorView>) override {
    const Session::Variant& variant = session_->next();
    for (const Tap& tap : variant.recorded.taps) {
      if (tap.calls != index) continue;
      values_[tap.name] = read_reals(*session_->system().backend.device, session_->stream(),
                                     variant.replay->view(tap.ref));
    }
  }

 private:
  Session* session_ = nullptr;
  std::map<std::string, std::vector<double>> values_;
};

}  // namespace gantry
