// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/world.h"
#include "kernels/cluster/socket_communicator.h"
#include "tests/ranks/free_port.h"
#include "tests/ranks/team.h"

namespace gantry {

inline World place_at(int port, int rank, int size, double join_timeout = 20) {
  World world;
  world.rank = rank;
  world.size = size;
  world.launcher = "the test";
  world.host = "127.0.0.1";
  world.port = port;
  world.job = "test";
  world.join_timeout = join_timeout;
  return world;
}

// What joining comes to: "" or the refusal.
inline std::string joining(const World& world, std::unique_ptr<Communicator>* joined = nullptr) {
  try {
    auto communicator = open_socket_communicator(world);
    if (joined != nullptr) *joined = std::move(communicator);
    return "";
  } catch (const EnvironmentError& error) {
    return error.what();
  }
}

inline std::vector<std::unique_ptr<Communicator>> socket_communicators(int size) {
  std::vector<std::unique_ptr<Communicator>> all(static_cast<size_t>(size));
  const int port = free_port();
  on_threads(size, [&](int rank) {
    all[static_cast<size_t>(rank)] = open_socket_communicator(place_at(port, rank, size));
  });
  return all;
}

}  // namespace gantry
