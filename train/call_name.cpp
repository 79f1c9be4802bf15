// SPDX-License-Identifier: Apache-2.0
#include "train/call_name.h"

namespace gantry {

CallName split_call(const std::string& name) {
  const size_t update = name.find('.');
  const size_t micro = name.find('.', update + 1);
  const size_t pass = name.rfind('.');
  if (micro == std::string::npos) return {};
  std::string layer = pass > micro ? name.substr(micro + 1, pass - micro - 1) : "", penalty;
  for (const std::string of : {"gradient", "dragan", "r1", "r2", "consistency", "labelled"}) {
    if (layer != of && !layer.starts_with(of + ".")) continue;
    penalty = "." + of;
    layer.erase(0, penalty.size());
  }
  return {name.substr(0, micro), penalty, layer, name.substr(pass + 1)};
}

}  // namespace gantry
