// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <random>

#include "core/error.h"
#include "kernels/cluster/socket.h"

namespace gantry {

// A port of 127.0.0.1 where nobody listens. Below those that the system gives to whoever asks for
// any (Linux: from 32768 on), or another socket might be given it before it is used.
inline int free_port() {
  std::random_device random;
  while (true) {
    const int port = 20000 + static_cast<int>(random() % 10000);
    try {
      return listen_at("127.0.0.1", port).local_port();
    } catch (const EnvironmentError&) {
      continue;  // taken
    }
  }
}

}  // namespace gantry
