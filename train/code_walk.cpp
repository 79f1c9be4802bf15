// SPDX-License-Identifier: Apache-2.0
#include "train/code_walk.h"

#include <algorithm>

#include "core/error.h"

namespace gantry {

CodeWalk::CodeWalk(const LatentConfig& latent, const std::string& name) {
  std::string known;
  int64_t offset = latent.size;
  for (size_t i = 0; i < latent.codes.size(); ++i) {
    code_ = latent.codes[i];
    const bool several = code_.type != CodeConfig::Type::kCategorical && code_.size > 1;
    for (int64_t number = 0; number < (several ? code_.size : 1); ++number) {
      const std::string own =
          several ? concat(latent.code_name(i), ".", number) : latent.code_name(i);
      place_ = offset + number;
      if (own == name) return;
      known += concat(known.empty() ? "" : ", ", own);
    }
    offset += code_.width();
  }
  throw ConfigError(concat("--vary ", name, ": ",
                           known.empty() ? "this run has no codes (latent.codes)"
                                         : concat("this run has the codes ", known)));
}

int64_t CodeWalk::columns() const {
  return code_.type == CodeConfig::Type::kCategorical ? code_.classes : 0;
}

void CodeWalk::set(float* latent, int64_t column, int64_t columns) const {
  using Type = CodeConfig::Type;
  if (code_.type == Type::kCategorical) {
    std::fill_n(latent + place_, code_.classes, 0.0f);
    latent[place_ + column % code_.classes] = 1;
    return;
  }
  const double low = code_.type == Type::kUniform ? code_.low : -2;
  const double high = code_.type == Type::kUniform ? code_.high : 2;
  const double share =
      columns > 1 ? static_cast<double>(column) / static_cast<double>(columns - 1) : 0.5;
  latent[place_] = static_cast<float>(low + (high - low) * share);
}

}  // namespace gantry
